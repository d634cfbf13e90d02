// test/conformance/hostcalls/cases/proxy_on_log.ts: streams of which all is known.
import { ABI_VERSIONS } from "../../../../abi/mod.ts";
import type { Case } from "../play.ts";
import { call, returns } from "../steps.ts";

const HOST = "Host: a.example\r\n";
const CHUNKED = `POST /p HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;

/** Requests that are refused before a filter is asked, or under its hands. */
const REFUSED: readonly (readonly [string, Case["client"] & object | string, string?])[] = [
  ["a head that is none", [`GET /p HTTP/1.1\r\n${HOST}Bad Header: 1\r\n\r\n`, "response", "closed"]],
  ["a first line that is none", ["hello there\r\n\r\n", "response", "closed"]],
  ["a version that is too old", [`GET /p HTTP/1.0\r\n${HOST}\r\n`, "response", "closed"]],
  ["a head that is too large", [`GET /p HTTP/1.1\r\n${HOST}X-A: ${"a".repeat(61_500)}\r\n\r\n`, "response", "closed"]],
  ["a transfer coding that is unknown", [
    `POST /p HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip\r\n\r\n`,
    "response",
    "closed",
  ]],
  ["no host", "GET /p HTTP/1.1\r\n\r\n"],
  ["a path that is none", `GET * HTTP/1.1\r\n${HOST}\r\n`],
  ["an upgrade that is not configured", `GET /p HTTP/1.1\r\n${HOST}Connection: upgrade\r\nUpgrade: foo\r\n\r\n`],
  ["a chunk that is none", [CHUNKED, { seen: 1 }, "zz\r\n", "response", "closed"]],
  ["a bad request behind a good one", [
    `GET /1 HTTP/1.1\r\n${HOST}\r\nGET /2 HTTP/1.1\r\nX(: 1\r\n\r\n`,
    "response",
    "response",
    "closed",
  ]],
  ["a head that takes too long", [`GET /p HTTP/1.1\r\n${HOST}`, "response", "closed"], "request_headers_timeout: 0.1s"],
  ["a head that breaks off", [`GET /p HTTP/1.1\r\n${HOST}`, "reset"]],
];

export const CASES: readonly Case[] = [
  {
    name: "once for each stream",
    versions: ABI_VERSIONS,
    callbacks: { proxy_on_log: [call("proxy_get_property", "response\0code")] },
  },
  {
    name: "requests that were answered",
    client: "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
    callbacks: {
      proxy_on_request_headers: [call("proxy_send_local_response", 403, "", "", "", -1), returns(1)],
      proxy_on_log: [call("proxy_get_property", "response\0code")],
    },
  },
  ...REFUSED.map(([name, client, manager]): Case => ({
    name,
    client,
    manager: `delayed_close_timeout: 0.02s\n${manager ?? ""}`,
    watch: ["client"],
    callbacks: {
      proxy_on_request_headers: [],
      proxy_on_request_body: [],
      proxy_on_response_headers: [call("proxy_add_header_map_value", 2, "x-seen", "1")],
      proxy_on_response_body: [],
      proxy_on_log: [
        call("proxy_get_property", "response\0code"),
        call("proxy_get_property", "response\0code_details"),
        call("proxy_get_header_map_value", 0, ":path"),
        call("proxy_get_header_map_value", 2, ":status"),
      ],
      proxy_on_delete: [],
    },
  })),
];
