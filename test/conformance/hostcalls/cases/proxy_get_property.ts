// test/conformance/hostcalls/cases/proxy_get_property.ts: attributes of the stream, and what filters keep.
import { type Case, versionsOf } from "../play.ts";
import { at, BAD, call, into, masked } from "../steps.ts";

/** A property by its path. */
const get = (...path: string[]) => call("proxy_get_property", path.join("\0"));

/** What is, and is not, there once its headers went on. */
const WENT_ON = [
  get("request", "path"),
  get("request", "headers", "x-a"),
  get("request", "size"),
  get("request", "protocol"),
  get("response", "code"),
  get("response", "headers", "content-length"),
  get("response", "size"),
];

export const CASES: readonly Case[] = [
  {
    name: "the request",
    versions: versionsOf("proxy_get_property"),
    callbacks: {
      proxy_on_request_headers: [
        get("request", "path"),
        get("request", "url_path"),
        get("request", "query"),
        get("request", "host"),
        get("request", "method"),
        get("request", "scheme"),
        get("request", "protocol"),
        get("request", "headers", "x-a"),
        get("request", "headers", "x-b"),
        get("request", "headers", "absent"),
        get("request", "size"),
        get("request", "referer"),
        get("request", "useragent"),
        masked(get("request", "id")),
        masked(get("request", "time")),
        get("request", "duration"),
      ],
    },
  },
  {
    name: "the response, when all is over",
    callbacks: {
      proxy_on_log: [
        get("response", "code"),
        get("response", "code_details"),
        get("response", "flags"),
        get("response", "size"),
        get("response", "headers", "content-length"),
        get("response", "trailers"),
        get("response", "grpc_status"),
        get("request", "size"),
        get("request", "path"),
        masked(get("request", "duration")),
        masked(get("request", "total_size")),
      ],
    },
  },
  {
    name: "headers that went on",
    client: ["POST /path HTTP/1.1\r\nHost: a.example\r\nX-A: one\r\nContent-Length: 2\r\n\r\nab", "response"],
    callbacks: {
      proxy_on_request_body: WENT_ON,
      proxy_on_response_headers: WENT_ON,
      proxy_on_response_body: WENT_ON,
    },
  },
  {
    name: "before there is a response",
    callbacks: {
      proxy_on_request_headers: [get("response", "code"), get("response", "flags"), get("response", "size")],
    },
  },
  {
    name: "the connection and the plugin",
    callbacks: {
      proxy_on_request_headers: [
        masked(get("source", "address")),
        masked(get("source", "port")),
        masked(get("destination", "address")),
        masked(get("connection", "id")),
        get("connection", "mtls"),
        get("connection", "requested_server_name"),
        get("connection", "tls_version"),
        get("connection", "termination_details"),
        get("plugin_root_id"),
        masked(get("plugin_name")),
        masked(get("plugin_vm_id")),
        get("node", "id"),
        get("cluster_name"),
        get("route_name"),
        get("listener_direction"),
        get("xds", "cluster_name"),
        get("xds", "route_name"),
      ],
    },
  },
  {
    name: "in the plugin's own context",
    callbacks: {
      proxy_on_vm_start: [get("plugin_root_id"), get("request", "path"), get("connection", "id")],
      proxy_on_configure: [get("plugin_root_id"), get("cluster_name"), get("listener_direction")],
    },
  },
  {
    name: "paths that lead nowhere",
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_get_property", ""),
        call("proxy_get_property", "\0"),
        get("no", "such"),
        get("request"),
        get("request", "path", "more"),
        call("proxy_get_property", "request\0path\0"),
        call("proxy_get_property", "request.path"),
        call("proxy_get_property", "request\0\0path"),
      ],
    },
  },
  {
    name: "what was set",
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_set_property", "mine", "a value"),
        get("mine"),
        get("filter_state", "wasm.mine"),
        get("wasm.mine"),
        call("proxy_set_property", "mine", ""),
        get("mine"),
      ],
      proxy_on_log: [get("mine")],
    },
  },
  {
    name: "pointers outside of memory",
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_get_property", at(BAD, 4)),
        into(get("request", "path"), BAD),
        into(get("request", "path"), null, BAD),
      ],
    },
  },
];
