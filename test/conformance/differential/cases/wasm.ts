// test/conformance/differential/cases/wasm.ts: what a wasm filter is configured with, byte by byte.
/** @module */
import wabtFactory from "wabt";
import { bootstrap, cluster, httpListener, indent } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

const wabt = await wabtFactory();

/** Answers every request with its plugin's configuration, and with the VM's in a header. */
const ECHOES_CONFIGURATION = `(module
  (import "env" "proxy_get_buffer_bytes" (func $get_buffer (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_send_local_response"
    (func $respond (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (global $heap (mut i32) (i32.const 65536))
  (data (i32.const 256) "\\01\\00\\00\\00\\04\\00\\00\\00")
  (data (i32.const 270) "x-vm\\00")
  (data (i32.const 280) "echoed configuration")
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "malloc") (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $heap))
    (global.set $heap (i32.and (i32.add (i32.add (local.get $at) (local.get $size)) (i32.const 15)) (i32.const -8)))
    (local.get $at))
  (func (export "proxy_on_context_create") (param i32 i32))
  ;; The VM's configuration: pointer at 16, size at 20.
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32)
    (drop (call $get_buffer (i32.const 6) (i32.const 0) (i32.const 65535) (i32.const 16) (i32.const 20)))
    (i32.const 1))
  ;; The plugin's: pointer at 24, size at 28.
  (func (export "proxy_on_configure") (param i32 i32) (result i32)
    (drop (call $get_buffer (i32.const 7) (i32.const 0) (i32.const 65535) (i32.const 24) (i32.const 28)))
    (i32.const 1))
  ;; One pair of headers: count, sizes, x-vm, its value.
  (func $headers (result i32)
    (local $size i32)
    (local.set $size (i32.load (i32.const 20)))
    (i32.store (i32.const 264) (local.get $size))
    (memory.copy (i32.const 512) (i32.const 256) (i32.const 12))
    (memory.copy (i32.const 524) (i32.const 270) (i32.const 5))
    (memory.copy (i32.const 529) (i32.load (i32.const 16)) (local.get $size))
    (i32.store8 (i32.add (i32.const 529) (local.get $size)) (i32.const 0))
    (i32.add (local.get $size) (i32.const 18)))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (drop (call $respond (i32.const 200) (i32.const 280) (i32.const 20)
      (i32.load (i32.const 24)) (i32.load (i32.const 28)) (i32.const 512) (call $headers) (i32.const -1)))
    (i32.const 1)))`;

/** Adds and replaces fields of requests and responses, some of which are there already. */
const CHANGES_HEADERS = `(module
  (import "env" "proxy_add_header_map_value" (func $add (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_replace_header_map_value" (func $replace (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 100) "acceptx-aviavaryagesetnewuser-agent")
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "malloc") (param i32) (result i32) (i32.const 4096))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))
  (func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 1))
  ;; added: accept: new, x-a: new, via: (nothing); replaced: set: new, user-agent: new
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (drop (call $add (i32.const 0) (i32.const 100) (i32.const 6) (i32.const 122) (i32.const 3)))
    (drop (call $add (i32.const 0) (i32.const 106) (i32.const 3) (i32.const 122) (i32.const 3)))
    (drop (call $add (i32.const 0) (i32.const 109) (i32.const 3) (i32.const 122) (i32.const 0)))
    (drop (call $replace (i32.const 0) (i32.const 119) (i32.const 3) (i32.const 122) (i32.const 3)))
    (drop (call $replace (i32.const 0) (i32.const 125) (i32.const 10) (i32.const 122) (i32.const 3)))
    (i32.const 0))
  ;; added: vary: new, age: new, x-a: new
  (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
    (drop (call $add (i32.const 2) (i32.const 112) (i32.const 4) (i32.const 122) (i32.const 3)))
    (drop (call $add (i32.const 2) (i32.const 116) (i32.const 3) (i32.const 122) (i32.const 3)))
    (drop (call $add (i32.const 2) (i32.const 106) (i32.const 3) (i32.const 122) (i32.const 3)))
    (i32.const 0)))`;

/** A module in base64, as configuration has it. */
function compiled(text: string): string {
  const module = wabt.parseWat("filter.wat", text);
  const bytes = btoa(String.fromCharCode(...module.toBinary({}).buffer));
  module.destroy();
  return bytes;
}

/** Configurations as they stand in a file, by listener. */
const CONFIGURATIONS: Readonly<Record<string, string>> = {
  text: '{ "@type": type.googleapis.com/google.protobuf.StringValue, value: "text é" }',
  json_text: `{ "@type": type.googleapis.com/google.protobuf.StringValue, value: '{"a": 1}' }`,
  raw: '{ "@type": type.googleapis.com/google.protobuf.BytesValue, value: AQID/w== }',
  struct:
    '{ "@type": type.googleapis.com/google.protobuf.Struct, value: { a: [ 1, 1.5, "x", yes, null, { b: c }, [] ] } }',
  duration: '{ "@type": type.googleapis.com/google.protobuf.Duration, value: 1.5s }',
  number: '{ "@type": type.googleapis.com/google.protobuf.UInt32Value, value: 300 }',
  typed_struct:
    '{ "@type": type.googleapis.com/xds.type.v3.TypedStruct, type_url: type.googleapis.com/google.protobuf.StringValue, value: { value: inside } }',
};

/** What makes something else of the guest's replies. */
const MAPPED = `local_reply_config:
  mappers:
  - filter: { status_code_filter: { comparison: { op: EQ, value: { default_value: 200, runtime_key: none } } } }
    status_code: 202
    headers_to_add: [ { header: { key: x-mapped, value: "%RESP(x-vm)%" } } ]
  body_format:
    json_format: { said: "%LOCAL_REPLY_BODY%", why: "%RESPONSE_CODE_DETAILS%" }`;

function wasmListener(
  name: string,
  configuration: string,
  module: string = ECHOES_CONFIGURATION,
  manager = "",
): string {
  return httpListener(name, {
    manager,
    filters: `- name: echo
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
    config:
      name: ${name}
${indent(configuration, 6)}      vm_config:
        vm_id: ${name}
        runtime: envoy.wasm.runtime.v8
        code: { local: { inline_bytes: ${compiled(module)} } }
        configuration: ${CONFIGURATIONS["text"]!.replace("text é", "for the VM")}
`,
  });
}

function get(name: string, listener: string): Exchange {
  return { name, listener, client: "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n" };
}

export const wasm: Group = {
  name: "wasm",
  listeners: ["none"],
  upstreams: ["u"],
  yaml: bootstrap([
    wasmListener("none", ""),
    wasmListener("changes", "", CHANGES_HEADERS),
    wasmListener("mapped", `configuration: ${CONFIGURATIONS["text"]}`, ECHOES_CONFIGURATION, MAPPED),
    ...Object.entries(CONFIGURATIONS).map(([name, value]) => wasmListener(name, `configuration: ${value}`)),
  ], [cluster("u")]),
  exchanges: [
    get("no configuration", "none"),
    get("a text", "text"),
    get("a text that is JSON", "json_text"),
    get("bytes", "raw"),
    get("a Struct", "struct"),
    get("another message", "duration"),
    get("a wrapped number", "number"),
    get("a TypedStruct", "typed_struct"),
    get("a reply that is mapped", "mapped"),
    {
      name: "headers that a filter adds to those that are there, and replaces",
      listener: "changes",
      client: "GET / HTTP/1.1\r\nHost: a.example\r\nAccept: old\r\nX-A: old\r\nVia: old\r\nSet: a\r\nSet: b\r\n" +
        "User-Agent: old\r\nX-Last: 1\r\n\r\n",
      upstreams: {
        u: { http: ["HTTP/1.1 200 OK\r\nvary: old\r\nage: 1\r\nx-a: old\r\ncontent-length: 0\r\n\r\n"] },
      },
    },
    {
      name: "headers that a filter adds first",
      listener: "changes",
      client: "GET / HTTP/1.1\r\nHost: a.example\r\nSet: one\r\nX-Last: 1\r\n\r\n",
    },
  ],
};
