// test/conformance/differential/cases/requests.ts: well-formed requests through a connection manager as it is by default.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Group } from "../exchange.ts";

const HOST = "Host: a.example\r\n";

export const requests: Group = {
  name: "requests",
  listeners: ["main"],
  upstreams: ["u"],
  yaml: bootstrap([httpListener("main")], [cluster("u")]),
  exchanges: [
    { name: "a GET", client: `GET /a?b=c HTTP/1.1\r\n${HOST}User-Agent: test\r\nAccept: */*\r\n\r\n` },
    {
      name: "a POST with a length",
      client: `POST /form HTTP/1.1\r\n${HOST}Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello`,
    },
    {
      name: "a chunked POST in pieces",
      client: [
        `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`,
        { seen: 1 },
        "2;ext=1\r\nde\r\n0",
        { pause: 10 },
        "\r\n\r\n",
        "response",
      ],
    },
    {
      name: "request trailers are dropped",
      client:
        `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTrailer: x-t\r\n\r\n3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n`,
    },
    {
      name: "a HEAD",
      client: [`HEAD / HTTP/1.1\r\n${HOST}\r\n`, "response to HEAD", `GET /2 HTTP/1.1\r\n${HOST}\r\n`, "response"],
      upstreams: {
        u: { http: ["HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"] },
      },
    },
    {
      name: "a HEAD of a chunked resource",
      client: [`HEAD / HTTP/1.1\r\n${HOST}\r\n`, "response to HEAD"],
      upstreams: { u: { http: ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"] } },
    },
    {
      name: "a HEAD without any length",
      client: [`HEAD / HTTP/1.1\r\n${HOST}\r\n`, "response to HEAD"],
      upstreams: { u: { http: ["HTTP/1.1 200 OK\r\nx-a: 1\r\n\r\n"] } },
    },
    {
      name: "three requests, one connection",
      client: [
        `GET /1 HTTP/1.1\r\n${HOST}\r\n`,
        "response",
        `GET /2 HTTP/1.1\r\n${HOST}\r\n`,
        "response",
        `GET /3 HTTP/1.1\r\n${HOST}\r\n`,
        "response",
      ],
    },
    {
      name: "pipelined requests are answered in order",
      client: [
        `GET /1 HTTP/1.1\r\n${HOST}\r\nPOST /2 HTTP/1.1\r\n${HOST}Content-Length: 1\r\n\r\nxGET /3 HTTP/1.1\r\n${HOST}\r\n`,
        "response",
        "response",
        "response",
      ],
      upstreams: {
        u: {
          http: [
            { steps: [{ pause: 30 }, "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1"] },
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n2",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n3",
          ],
        },
      },
    },
    {
      name: "the client asks to close",
      client: `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
    },
    {
      name: "empty lines before a request",
      client: `\r\n\r\nGET / HTTP/1.1\r\n${HOST}\r\n`,
    },
    {
      name: "a head that comes byte by byte",
      client: [...`GET /slow HTTP/1.1\r\n${HOST}\r\n`].flatMap((byte) => [byte, { pause: 1 }]).concat("response"),
    },
    {
      name: "100-continue is answered by the proxy",
      client: [
        `PUT / HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 4\r\n\r\n`,
        { until: "\r\n\r\n" },
        "body",
        "response",
      ],
    },
    {
      name: "another expectation passes",
      client: `PUT / HTTP/1.1\r\n${HOST}Expect: miracles\r\nContent-Length: 1\r\n\r\nx`,
    },
    {
      name: "hop-by-hop fields stay behind",
      client: `GET / HTTP/1.1\r\n${HOST}Connection: x-secret, keep-alive\r\nX-Secret: 1\r\nKeep-Alive: timeout=5\r\n` +
        `Proxy-Connection: keep-alive\r\nTE: trailers, deflate\r\nX-Kept: 1\r\n\r\n`,
    },
    {
      name: "an expected upgrade to h2c stays behind",
      client: `GET / HTTP/1.1\r\n${HOST}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n` +
        `HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n`,
    },
    {
      name: "an upgrade that no configuration allows",
      client: `GET /ws HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    },
    {
      name: "fields that come several times",
      client: `GET / HTTP/1.1\r\n${HOST}Accept: a\r\nX-A: 1\r\nAccept: b\r\nX-A: 2\r\nCookie: a=1\r\nCookie: b=2\r\n` +
        `Accept-Encoding: gzip\r\nAccept-Encoding: br\r\nCache-Control: no-store\r\nCache-Control: private\r\n` +
        `User-Agent: x\r\nUser-Agent: y\r\nVia: 1.1 a\r\nVia: 1.1 b\r\n\r\n`,
    },
    {
      name: "empty fields and white space around values",
      client: `GET / HTTP/1.1\r\n${HOST}X-Empty:\r\nAccept:\r\nX-Spaces: \t a  b \t\r\nX-CASE: MiXeD\r\nVia:\r\n\r\n`,
    },
    {
      name: "response fields that come several times",
      client: `GET / HTTP/1.1\r\n${HOST}\r\n`,
      upstreams: {
        u: {
          http: [
            "HTTP/1.1 200 Fine\r\nSet-Cookie: a=1\r\nX-A: 1\r\nSet-Cookie: b=2\r\nX-A: 2\r\nVary: a\r\nVary: b\r\n" +
            "Cache-Control: x\r\nCache-Control: y\r\nServer: theirs\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n" +
            "Connection: keep-alive, x-gone\r\nX-Gone: 1\r\nKeep-Alive: timeout=9\r\nETag: e\r\nETag: f\r\nX-Empty:\r\n" +
            "Via:\r\nContent-Length: 0\r\n\r\n",
          ],
        },
      },
    },
    {
      name: "forwarded fields of the client are trusted",
      client: `GET / HTTP/1.1\r\n${HOST}X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n` +
        `X-Request-Id: mine\r\nX-Forwarded-Host: h\r\n\r\n`,
    },
    {
      name: "what only internal callers may say",
      client: `GET / HTTP/1.1\r\n${HOST}X-Envoy-Internal: true\r\nX-Envoy-Max-Retries: 3\r\nX-Envoy-Retry-On: 5xx\r\n` +
        `X-Envoy-Upstream-Rq-Timeout-Ms: 7\r\nX-Envoy-Expected-Rq-Timeout-Ms: 9\r\nX-Envoy-Force-Trace: 1\r\n` +
        `X-Envoy-Decorator-Operation: o\r\nX-Envoy-Original-Path: /o\r\nX-Envoy-Original-Host: o\r\nX-Envoy-Attempt-Count: 4\r\n` +
        `X-Envoy-External-Address: 1.1.1.1\r\nX-Envoy-Downstream-Service-Cluster: d\r\nX-Envoy-Unknown: u\r\n` +
        `X-Forwarded-Client-Cert: By=a\r\nX-Envoy-Ip-Tags: t\r\n\r\n`,
    },
    {
      name: "settings of HTTP/2 without an upgrade",
      client: `GET / HTTP/1.1\r\n${HOST}HTTP2-Settings: AAMAAABkAARAAAAA\r\n\r\n`,
    },
    {
      name: "a response that is the last on its connection",
      client: [
        `GET /first HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
        "response",
      ],
      upstreams: { u: { http: ["HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"] } },
      anyConnection: true,
    },
    {
      name: "chunks without a byte, on a new connection",
      client: `GET / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      anyConnection: true,
    },
    { name: "an absolute target wins over Host", client: `GET http://b.example:81/p?q HTTP/1.1\r\n${HOST}\r\n` },
    { name: "an absolute https target over plain text", client: `GET https://b.example HTTP/1.1\r\n${HOST}\r\n` },
    { name: "an unusual method", client: `PROPFIND / HTTP/1.1\r\n${HOST}Depth: 1\r\n\r\n` },
    {
      name: "an informational response, then the real one",
      client: `GET / HTTP/1.1\r\n${HOST}\r\n`,
      upstreams: {
        u: {
          http: [
            "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
          ],
        },
      },
    },
    {
      name: "a chunked response with trailers",
      client: `GET / HTTP/1.1\r\n${HOST}TE: trailers\r\n\r\n`,
      upstreams: {
        u: {
          http: [
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n2\r\nab\r\n1;e\r\nc\r\n0\r\nx-t: 1\r\n\r\n",
          ],
        },
      },
    },
    {
      name: "a response that ends with its connection",
      client: [`GET / HTTP/1.1\r\n${HOST}\r\n`, "response", `GET /2 HTTP/1.1\r\n${HOST}\r\n`, "response"],
      upstreams: {
        u: {
          http: [
            { steps: ["HTTP/1.1 200 OK\r\n\r\nab", { pause: 10 }, "cd", "end"] },
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
          ],
        },
      },
    },
    {
      name: "an upstream that closes after its response",
      client: [`GET / HTTP/1.1\r\n${HOST}\r\n`, "response", `GET /2 HTTP/1.1\r\n${HOST}\r\n`, "response"],
      upstreams: {
        u: {
          http: [
            { steps: ["HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx", "end"] },
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
          ],
        },
      },
    },
    {
      name: "an upstream that speaks HTTP/1.0",
      client: [`GET / HTTP/1.1\r\n${HOST}\r\n`, "response", `GET /2 HTTP/1.1\r\n${HOST}\r\n`, "response"],
      upstreams: {
        u: {
          http: [
            { steps: ["HTTP/1.0 200 OK\r\n\r\nold", "end"] },
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
          ],
        },
      },
    },
    {
      name: "a response without a body that names a length",
      client: [
        `GET /1 HTTP/1.1\r\n${HOST}If-None-Match: e\r\n\r\n`,
        "response",
        `GET /2 HTTP/1.1\r\n${HOST}\r\n`,
        "response",
      ],
      upstreams: {
        u: {
          http: [
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\netag: e\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
          ],
        },
      },
    },
    {
      name: "no content",
      client: `DELETE / HTTP/1.1\r\n${HOST}\r\n`,
      upstreams: { u: { http: ["HTTP/1.1 204 No Content\r\nx-a: 1\r\n\r\n"] } },
    },
    {
      name: "an unknown status and reason",
      client: `GET / HTTP/1.1\r\n${HOST}\r\n`,
      upstreams: { u: { http: ["HTTP/1.1 299 Whatever You Say\r\ncontent-length: 0\r\n\r\n"] } },
    },
    {
      name: "a response before the request is whole",
      client: [
        `POST / HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\nhalf`,
        "response",
      ],
      upstreams: {
        u: { http: [{ when: "head", steps: ["HTTP/1.1 413 Too Big\r\ncontent-length: 2\r\n\r\nno"] }] },
      },
    },
    {
      name: "a client that half-closes and waits",
      client: [`GET / HTTP/1.1\r\n${HOST}\r\n`, { seen: 1 }, "end", "response", "closed"],
      upstreams: { u: { http: [{ steps: ["hang"] }] } },
    },
    {
      name: "a client that leaves before the response",
      client: [`GET / HTTP/1.1\r\n${HOST}\r\n`, { seen: 1 }, "reset"],
      upstreams: { u: { http: [{ steps: ["hang"] }] } },
    },
    {
      name: "a client that leaves in its request body",
      client: [`POST / HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\nhalf`, { seen: 1 }, "reset"],
    },
    {
      name: "a client that leaves in the response body",
      client: [`GET / HTTP/1.1\r\n${HOST}\r\n`, { until: "HTTP/1.1 200 OK\r\n" }, { pause: 50 }, "reset"],
      upstreams: { u: { http: [{ steps: ["HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", "hang"] }] } },
    },
    {
      name: "a large body both ways",
      client: `POST / HTTP/1.1\r\n${HOST}Content-Length: 3000000\r\n\r\n${"x".repeat(3_000_000)}`,
      upstreams: { u: { http: [`HTTP/1.1 200 OK\r\ncontent-length: 3000000\r\n\r\n${"y".repeat(3_000_000)}`] } },
    },
  ],
};
