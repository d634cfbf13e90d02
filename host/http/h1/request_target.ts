// host/http/h1/request_target.ts: the four forms of a request target.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/http/http1/codec_impl.cc ServerConnectionImpl::handlePath
 * @see RFC 9112 §3.2
 * @module
 */
import type { CodecError } from "../codec.ts";
import type { HeaderMap } from "../header_map.ts";
import { isAuthority } from "./characters.ts";
import { badMessage, codecError, HTTPS_URL_ON_PLAINTEXT } from "./errors.ts";
import type { Http1ServerOptions } from "./options.ts";

const INVALID_URL: CodecError = badMessage("http1.invalid_url", "the request target is no URL that can be served");

/** Sets `:path`, and `:authority` and `:scheme` where the target has them; the method is set already. */
export function setTarget(headers: HeaderMap, target: string, options: Http1ServerOptions): CodecError | null {
  if (headers.method === "CONNECT") {
    if (!isHost(target, true)) return INVALID_URL;
    headers.authority = target;
    return null;
  }
  if (target.charCodeAt(0) === 47) {
    headers.path = target;
    return null;
  }
  if (target === "*") {
    if (headers.method !== "OPTIONS" && options.allowAbsoluteUrl) return INVALID_URL;
    headers.path = target;
    return null;
  }
  const schemeEnd = target.indexOf("://");
  if (schemeEnd < 1 || !/^[A-Za-z]+$/.test(target.slice(0, schemeEnd))) {
    return codecError("the request target is neither a path nor a URL");
  }
  // No route takes what does not begin with a slash.
  if (!options.allowAbsoluteUrl) {
    headers.path = target;
    return null;
  }
  const scheme = target.slice(0, schemeEnd).toLowerCase();
  if (scheme !== "http" && scheme !== "https") {
    return badMessage("http1.invalid_scheme", `the scheme is ${scheme}, expected http or https`);
  }
  let authorityEnd = schemeEnd + 3;
  for (; authorityEnd < target.length; authorityEnd++) {
    const code = target.charCodeAt(authorityEnd);
    if (code === 47 || code === 63 || code === 35) break;
  }
  const hostAndUser = target.slice(schemeEnd + 3, authorityEnd);
  const at = hostAndUser.indexOf("@");
  const authority = hostAndUser.slice(at + 1);
  // Two readers can disagree on which `@` ends the user, and so on the host.
  if (authority === "" || authority.includes("@")) return INVALID_URL;
  if (!isAuthority(authority) || (at > 0 && !isAuthority(hostAndUser.slice(0, at)))) {
    return codecError("the authority has a character that is not allowed in it");
  }
  if (!isHost(authority, false)) return INVALID_URL;
  const path = target.slice(authorityEnd);
  if (path.charCodeAt(0) === 35) return codecError("the request target has a fragment behind its authority");
  if (scheme === "https" && options.rejectHttpsUrl) return HTTPS_URL_ON_PLAINTEXT;
  headers.authority = authority;
  headers.scheme = scheme;
  headers.path = path === "" ? "/" : path;
  return null;
}

/** `host:port`, `1.2.3.4:port` or `[::1]:port`; without the port, too, where it need not be there. */
function isHost(text: string, needsPort: boolean): boolean {
  const bracket = text.lastIndexOf("]");
  const colon = text.indexOf(":", bracket + 1);
  if (colon < 0 ? needsPort : !isPort(text.slice(colon + 1))) return false;
  const host = colon < 0 ? text : text.slice(0, colon);
  if (host.startsWith("[")) return /^\[[0-9A-Fa-f:.]+\]$/.test(host);
  return host !== "" && isAuthority(host) && !/[[\]]/.test(host);
}

function isPort(text: string): boolean {
  return /^[0-9]+$/.test(text) && Number(text) <= 65535;
}
