// test/conformance/differential/cases/bad_requests.ts: requests that are refused before they have a route.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

const HOST = "Host: a.example\r\n";

/** Sends these bytes, and then one more request, which must not be answered. */
function refused(name: string, bytes: string, listener?: string): Exchange {
  return { name, client: [bytes, "response", "closed"], ...(listener === undefined ? {} : { listener }) };
}

export const badRequests: Group = {
  name: "bad_requests",
  listeners: ["main", "strict"],
  upstreams: ["u"],
  yaml: bootstrap([
    httpListener("main"),
    httpListener("strict", {
      manager: `common_http_protocol_options: { headers_with_underscores_action: REJECT_REQUEST, max_headers_count: 5 }
max_request_headers_kb: 1`,
    }),
  ], [cluster("u")]),
  exchanges: [
    refused("no HTTP at all", "hello there\r\n\r\n"),
    refused("HTTP/1.0 is not accepted", `GET / HTTP/1.0\r\n${HOST}\r\n`),
    refused("an unknown version", `GET / HTTP/3.7\r\n${HOST}\r\n`),
    refused("an unknown version, and a target that is none", `GET ftp://a.example/ HTTP/1.0\r\n${HOST}\r\n`),
    refused("CONNECT to a path in HTTP/1.0", `CONNECT /x HTTP/1.0\r\n${HOST}\r\n`),
    refused("no target in HTTP/1.0", `GET ?q HTTP/1.0\r\n${HOST}\r\n`),
    refused("M-SEARCH", `M-SEARCH / HTTP/1.1\r\n${HOST}\r\n`),
    refused("a port above 65535 in the target", `GET http://a.example:65536/ HTTP/1.1\r\n${HOST}\r\n`),
    { name: "the last port in the target", client: `GET http://a.example:65535/ HTTP/1.1\r\n${HOST}\r\n` },
    { name: "port 0 in the target", client: [`GET http://a.example:0/ HTTP/1.1\r\n${HOST}\r\n`, "response"] },
    {
      name: "a port with zeros in the target",
      client: [`GET http://a.example:00080/ HTTP/1.1\r\n${HOST}\r\n`, "response"],
    },
    { name: "an empty port in the target", client: [`GET http://a.example:/ HTTP/1.1\r\n${HOST}\r\n`, "response"] },
    {
      name: "a port that is no number in the target",
      client: [`GET http://a.example:x/ HTTP/1.1\r\n${HOST}\r\n`, "response"],
    },
    {
      name: "an address in brackets in the target",
      client: [`GET http://[::1]:8/ HTTP/1.1\r\n${HOST}\r\n`, "response"],
    },
    {
      name: "an address without an end in the target",
      client: [`GET http://[::1/ HTTP/1.1\r\n${HOST}\r\n`, "response"],
    },
    {
      name: "an address without brackets in the target",
      client: [`GET http://::1/ HTTP/1.1\r\n${HOST}\r\n`, "response"],
    },
    { name: "a port above 65535 in Host", client: [`GET / HTTP/1.1\r\nHost: a.example:65536\r\n\r\n`, "response"] },
    { name: "a port that is no number in Host", client: [`GET / HTTP/1.1\r\nHost: a.example:x\r\n\r\n`, "response"] },
    { name: "an address without an end in Host", client: [`GET / HTTP/1.1\r\nHost: [::1\r\n\r\n`, "response"] },
    refused("no Host", "GET / HTTP/1.1\r\nX-A: 1\r\n\r\n"),
    { name: "an empty Host", client: "GET / HTTP/1.1\r\nHost:\r\n\r\n" },
    refused("a Host that is no authority", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
    refused(
      "length and chunked",
      `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ),
    refused(
      "an unknown transfer coding",
      `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    ),
    refused("two lengths", `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`),
    refused("a length that is no number", `POST / HTTP/1.1\r\n${HOST}Content-Length: +3\r\n\r\nabc`),
    refused("a space before the colon", `GET / HTTP/1.1\r\n${HOST}X-A : 1\r\n\r\n`),
    refused("a NUL in a value", `GET / HTTP/1.1\r\n${HOST}X-A: a\0b\r\n\r\n`),
    refused("a name that is no token", `GET / HTTP/1.1\r\n${HOST}X(A): 1\r\n\r\n`),
    refused("a space in the target", `GET /a b HTTP/1.1\r\n${HOST}\r\n`),
    refused("a byte above ASCII in the target", `GET /\xff HTTP/1.1\r\n${HOST}\r\n`),
    { name: "a fragment in the target", client: `GET /a#b HTTP/1.1\r\n${HOST}\r\n` },
    { name: "OPTIONS of the whole server", client: `OPTIONS * HTTP/1.1\r\n${HOST}\r\n` },
    { name: "GET of the whole server", client: [`GET * HTTP/1.1\r\n${HOST}\r\n`, "response"] },
    {
      name: "CONNECT without a tunnel route",
      client: ["CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", "response to CONNECT"],
    },
    refused("heads above 60 KiB", `GET / HTTP/1.1\r\n${HOST}X-A: ${"a".repeat(61_500)}\r\n\r\n`),
    refused("a target above 60 KiB", `GET /${"a".repeat(61_500)} HTTP/1.1\r\n${HOST}\r\n`),
    refused("more than 100 fields", `GET / HTTP/1.1\r\n${HOST}${"X-A: 1\r\n".repeat(100)}\r\n`),
    refused("an underscore where it is refused", `GET / HTTP/1.1\r\n${HOST}X_A: 1\r\n\r\n`, "strict"),
    refused("more fields than configured", `GET / HTTP/1.1\r\n${HOST}${"X-A: 1\r\n".repeat(5)}\r\n`, "strict"),
    refused("a head larger than configured", `GET / HTTP/1.1\r\n${HOST}X-A: ${"a".repeat(1100)}\r\n\r\n`, "strict"),
    { name: "lines that end with a line feed alone", client: `GET / HTTP/1.1\n${HOST.replace("\r", "")}X-A: 1\n\n` },
    { name: "a carriage return in a value", client: `GET / HTTP/1.1\r\n${HOST}X-A: 1\r2\r\n\r\n` },
    { name: "a folded line", client: `GET / HTTP/1.1\r\n${HOST}X-A: 1\r\n  2\r\n\r\n` },
    { name: "two Hosts", client: `GET / HTTP/1.1\r\n${HOST}Host: b.example\r\n\r\n` },
    {
      name: "a bad request behind a good one",
      client: [`GET /1 HTTP/1.1\r\n${HOST}\r\nGET /2 HTTP/1.1\r\nX(: 1\r\n\r\n`, "response", "response", "closed"],
    },
    {
      name: "a chunk size that is no number",
      client: [
        `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`,
        { seen: 1 },
        "zz\r\n",
        "response",
        "closed",
      ],
    },
    {
      name: "a chunk that is longer than it says",
      client: [
        `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`,
        { seen: 1 },
        "1\r\nabc\r\n0\r\n\r\n",
        "response",
      ],
    },
    {
      name: "a body that goes on after a refusal",
      client: [`POST /a#b HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nab`, "response", "closed"],
    },
    {
      name: "a connection that ends in a head",
      client: ["GET / HTTP/1.1\r\nHost: a", "end", "closed"],
    },
    {
      name: "a connection that ends before a request",
      client: ["end", "closed"],
    },
    {
      name: "a connection option that names x-forwarded-for",
      client: [`GET / HTTP/1.1\r\n${HOST}Connection: x-forwarded-for\r\n\r\n`, "response", "closed"],
    },
  ],
};
