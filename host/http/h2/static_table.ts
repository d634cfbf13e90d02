// host/http/h2/static_table.ts: the fields that HPACK knows beforehand.
// pure: no I/O, no clock, no runtime globals
/**
 * @see RFC 7541 Appendix A
 * @module
 */
import { fromLatin1 } from "../../base/bytes.ts";
import { HpackField, hpackNameAt } from "./hpack_field.ts";

const TEXT = `:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate`;

/** Entry 0 is index 1. */
export const STATIC_TABLE: readonly HpackField[] = TEXT.split("\n").map((line) => {
  const space = line.indexOf(" ");
  const name = fromLatin1(space < 0 ? line : line.slice(0, space));
  return new HpackField(hpackNameAt(name, 0, name.length), space < 0 ? "" : line.slice(space + 1));
});

export const STATIC_TABLE_SIZE: number = STATIC_TABLE.length;
