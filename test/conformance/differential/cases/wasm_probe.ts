// test/conformance/differential/cases/wasm_probe.ts: a guest that does what its configuration says, and tells.
/**
 * Its configuration is a list of commands (get or set a property, call a foreign function) with the callback in
 * which each runs. It answers with one line for each: the status, then the value, as text where it is text and in
 * hexadecimal digits otherwise.
 *
 * @module
 */
import wabtFactory from "wabt";
import { cluster, httpListener } from "../bootstrap.ts";
import type { Exchange } from "../exchange.ts";

const wabt = await wabtFactory();

const PROBE = `(module
  (import "env" "proxy_get_buffer_bytes" (func $get_buffer (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_buffer_bytes" (func $set_buffer (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_send_local_response"
    (func $respond (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_property" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_property" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_call_foreign_function" (func $foreign (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 64)
  (data (i32.const 8) "probe")
  (global $heap (mut i32) (i32.const 0x40000))
  ;; What is to be answered: from 0x20000 on.
  (global $end (mut i32) (i32.const 0x20000))
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "malloc") (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $heap))
    (global.set $heap (i32.and (i32.add (i32.add (local.get $at) (local.get $size)) (i32.const 15)) (i32.const -8)))
    (local.get $at))
  (func $byte (param $value i32)
    (i32.store8 (global.get $end) (local.get $value))
    (global.set $end (i32.add (global.get $end) (i32.const 1))))
  (func $digit (param $value i32)
    (call $byte (i32.add (local.get $value)
      (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $value) (i32.const 10))))))
  (func $value (param $at i32) (param $size i32)
    (local $i i32)
    (local $byte i32)
    (block $binary
      (loop $next
        (if (i32.lt_u (local.get $i) (local.get $size)) (then
          (local.set $byte (i32.load8_u (i32.add (local.get $at) (local.get $i))))
          (br_if $binary (i32.gt_u (i32.sub (local.get $byte) (i32.const 32)) (i32.const 94)))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br $next))))
      (call $byte (i32.const 34))
      (memory.copy (global.get $end) (local.get $at) (local.get $size))
      (global.set $end (i32.add (global.get $end) (local.get $size)))
      (call $byte (i32.const 34))
      (return))
    (local.set $i (i32.const 0))
    (loop $next
      (if (i32.lt_u (local.get $i) (local.get $size)) (then
        (local.set $byte (i32.load8_u (i32.add (local.get $at) (local.get $i))))
        (call $digit (i32.shr_u (local.get $byte) (i32.const 4)))
        (call $digit (i32.and (local.get $byte) (i32.const 15)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))))
  ;; Commands: phase, operation, name's length (16 bits), argument's length (32 bits), name, argument.
  (func $run (param $phase i32)
    (local $at i32)
    (local $end i32)
    (local $name i32)
    (local $name_size i32)
    (local $arg i32)
    (local $arg_size i32)
    (local $operation i32)
    (local $status i32)
    (local.set $at (i32.load (i32.const 24)))
    (local.set $end (i32.add (local.get $at) (i32.load (i32.const 28))))
    (loop $next
      (if (i32.lt_u (local.get $at) (local.get $end)) (then
        (local.set $operation (i32.load8_u offset=1 (local.get $at)))
        (local.set $name_size (i32.load16_u offset=2 (local.get $at)))
        (local.set $arg_size (i32.load offset=4 (local.get $at)))
        (local.set $name (i32.add (local.get $at) (i32.const 8)))
        (local.set $arg (i32.add (local.get $name) (local.get $name_size)))
        (if (i32.eq (i32.load8_u (local.get $at)) (local.get $phase)) (then
          (i64.store (i32.const 32) (i64.const 0))
          (if (i32.eq (local.get $operation) (i32.const 115)) (then ;; s
            (local.set $status (call $set
              (local.get $name) (local.get $name_size) (local.get $arg) (local.get $arg_size))))
          (else (if (i32.eq (i32.or (local.get $operation) (i32.const 32)) (i32.const 102)) (then ;; f
            (local.set $status (call $foreign (local.get $name) (local.get $name_size)
              (local.get $arg) (local.get $arg_size) (i32.const 32) (i32.const 36))))
          (else
            (local.set $status (call $get
              (local.get $name) (local.get $name_size) (i32.const 32) (i32.const 36)))))))
          (call $digit (local.get $status))
          (if (i32.eqz (local.get $status)) (then
            (call $byte (i32.const 32))
            ;; A capital letter: only how much it is.
            (if (i32.lt_u (local.get $operation) (i32.const 97))
              (then
                (call $byte (i32.const 35))
                (i32.store (i32.const 40) (i32.load (i32.const 36)))
                (call $digit (i32.and (i32.shr_u (i32.load (i32.const 36)) (i32.const 4)) (i32.const 15)))
                (call $digit (i32.and (i32.load (i32.const 36)) (i32.const 15))))
              (else (call $value (i32.load (i32.const 32)) (i32.load (i32.const 36)))))))
          (call $byte (i32.const 10))))
        (local.set $at (i32.add (local.get $arg) (local.get $arg_size)))
        (br $next)))))
  ;; The number of commands of a phase.
  (func $has (param $phase i32) (result i32)
    (local $at i32)
    (local $end i32)
    (local $count i32)
    (local.set $at (i32.load (i32.const 24)))
    (local.set $end (i32.add (local.get $at) (i32.load (i32.const 28))))
    (loop $next
      (if (i32.lt_u (local.get $at) (local.get $end)) (then
        (local.set $count (i32.add (local.get $count)
          (i32.eq (i32.load8_u (local.get $at)) (local.get $phase))))
        (local.set $at (i32.add (i32.add (local.get $at) (i32.const 8))
          (i32.add (i32.load16_u offset=2 (local.get $at)) (i32.load offset=4 (local.get $at)))))
        (br $next))))
    (local.get $count))
  (func $answer
    (drop (call $respond (i32.const 200) (i32.const 8) (i32.const 5)
      (i32.const 0x20000) (i32.sub (global.get $end) (i32.const 0x20000)) (i32.const 0) (i32.const 0) (i32.const -1)))
    (global.set $end (i32.const 0x20000)))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))
  (func (export "proxy_on_configure") (param i32 i32) (result i32)
    (drop (call $get_buffer (i32.const 7) (i32.const 0) (i32.const 0x40000) (i32.const 24) (i32.const 28)))
    (call $run (i32.const 0))
    (i32.const 1))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (call $run (i32.const 1))
    (if (call $has (i32.const 2)) (then (return (i32.const 0))))
    (call $answer)
    (i32.const 1))
  (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
    (if (i32.eqz (call $has (i32.const 2))) (then (return (i32.const 0))))
    (call $run (i32.const 2))
    (call $answer)
    (i32.const 1))
  (func (export "proxy_on_new_connection") (param i32) (result i32)
    (call $run (i32.const 3))
    (i32.const 0))
  (func (export "proxy_on_downstream_data") (param i32 i32 i32) (result i32)
    ;; The end alone is no question.
    (if (i32.or (i32.eqz (call $has (i32.const 4))) (i32.eqz (local.get 1))) (then (return (i32.const 0))))
    (call $run (i32.const 4))
    (drop (call $set_buffer (i32.const 2) (i32.const 0) (local.get 1)
      (i32.const 0x20000) (i32.sub (global.get $end) (i32.const 0x20000))))
    (global.set $end (i32.const 0x20000))
    (i32.const 0))
  ;; Said in the next answer.
  (func (export "proxy_on_log") (param i32)
    (call $run (i32.const 5))))`;

/** When a command runs. */
const Phase = { configure: 0, request: 1, response: 2, connection: 3, data: 4, log: 5 } as const;
type Phase = keyof typeof Phase;

export interface Command {
  readonly operation: "g" | "G" | "s" | "f" | "F";
  readonly name: string;
  readonly argument: Uint8Array;
}

const NONE = new Uint8Array(0);

/** Gets properties; segments are joined by dots here. */
export function get(...paths: string[]): Command[] {
  return paths.map((path) => ({ operation: "g", name: path.replaceAll(".", "\0"), argument: NONE }));
}

/** Gets a property whose path is this text. */
export function raw(name: string): Command {
  return { operation: "g", name, argument: NONE };
}

/** Gets properties of which only the size is the same each time. */
export function sizeOf(...paths: string[]): Command[] {
  return get(...paths).map((each) => ({ ...each, operation: "G" }));
}

export function set(name: string, value: string): Command {
  return { operation: "s", name, argument: bytesOf(value) };
}

export function call(name: string, argument: string | Uint8Array = NONE): Command {
  return { operation: "f", name, argument: bytesOf(argument) };
}

function bytesOf(value: string | Uint8Array): Uint8Array {
  return typeof value === "string" ? new TextEncoder().encode(value) : value;
}

/** A protobuf message: strings and bytes, or numbers, by field number. */
export function message(fields: Readonly<Record<number, string | Uint8Array | number>>): Uint8Array {
  const bytes: number[] = [];
  const varint = (value: number): void => {
    for (; value > 127; value = Math.floor(value / 128)) bytes.push(value % 128 + 128);
    bytes.push(value);
  };
  for (const [number, value] of Object.entries(fields)) {
    varint(Number(number) * 8 + (typeof value === "number" ? 0 : 2));
    if (typeof value === "number") varint(value);
    else {
      varint(bytesOf(value).length);
      bytes.push(...bytesOf(value));
    }
  }
  return Uint8Array.from(bytes);
}

export function u32(value: number): Uint8Array {
  return Uint8Array.of(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24);
}

export type Commands = Readonly<Partial<Record<Phase, readonly Command[]>>>;

function encoded(commands: Commands): string {
  const parts: Uint8Array[] = [];
  for (const [phase, list] of Object.entries(commands)) {
    for (const { operation, name, argument } of list!) {
      const nameBytes = bytesOf(name);
      parts.push(
        Uint8Array.of(Phase[phase as Phase], operation.charCodeAt(0), nameBytes.length & 255, nameBytes.length >> 8),
        u32(argument.length),
        nameBytes,
        argument,
      );
    }
  }
  return btoa(parts.map((part) => String.fromCharCode(...part)).join(""));
}

function compiled(text: string): string {
  const module = wabt.parseWat("probe.wat", text);
  const bytes = btoa(String.fromCharCode(...module.toBinary({}).buffer));
  module.destroy();
  return bytes;
}

const MODULE = compiled(PROBE);

/** The probe as a filter of this kind. */
export function probe(kind: "http" | "network", name: string, commands: Commands): string {
  return `- name: probe
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.${kind}.wasm.v3.Wasm
    config:
      name: ${name}
      root_id: root-of-${name}
      configuration: { "@type": type.googleapis.com/google.protobuf.BytesValue, value: ${encoded(commands)} }
      vm_config:
        vm_id: vm-of-${name}
        runtime: envoy.wasm.runtime.v8
        code: { local: { inline_bytes: ${MODULE} } }
`;
}

export const REQUEST: string = "POST /a/b?c=d HTTP/1.1\r\nHost: a.example\r\nReferer: here\r\nUser-Agent: probe\r\n" +
  "X-Two: 1\r\nX-Two: 2\r\nX-Request-Id: an-id\r\nContent-Length: 2\r\n\r\nhi";
const RESPONSE = "HTTP/1.1 201 Created\r\nX-Two: 1\r\nX-Two: 2\r\nGrpc-Status: 5\r\nContent-Length: 2\r\n\r\nok";

/** Listeners for which the same request is enough. */
export function topicListeners(topics: Readonly<Record<string, Commands>>): string[] {
  return Object.entries(topics).map(([name, commands]) =>
    httpListener(name, {
      filters: probe("http", name, commands),
      listener: `traffic_direction: OUTBOUND\nmetadata: ${metadata("of the listener")}`,
      routes: `- { name: all, match: { prefix: "/" }, route: { cluster: u }, metadata: ${metadata("of the route")} }`,
      virtualHost: `metadata: ${metadata("of the virtual host")}`,
    })
  );
}

export function metadata(text: string): string {
  return `{ filter_metadata: { ns: { text: ${text} } } }`;
}

const CLUSTER = `name: u
connect_timeout: 2s
metadata: ${metadata("of the cluster")}
load_assignment:
  cluster_name: u
  endpoints:
  - locality: { region: r, zone: z }
    metadata: ${metadata("of the locality")}
    lb_endpoints:
    - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: @u@ } } }
      metadata: ${metadata("of the host")}
`;

export const NODE: string = `node:
  id: an-id
  cluster: a-cluster
  locality: { region: here, sub_zone: there }
  metadata: { text: t, number: 2, yes: true, nothing: null, list: [ a, 1 ], map: { a: b } }
`;

/** The clusters that listeners and exchanges of topics want. */
export const CLUSTERS: readonly string[] = [`- ${CLUSTER.trimEnd().replaceAll("\n", "\n  ")}\n`, cluster("second")];

/** One request for each topic. */
export function topicExchanges(topics: Readonly<Record<string, Commands>>): Exchange[] {
  return Object.keys(topics).map((listener) => ({
    name: listener.replaceAll("_", " "),
    listener,
    client: REQUEST,
    wholeBodies: true,
    upstreams: {
      u: { http: [listener === "plain_response" ? "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n" : RESPONSE] },
    },
  }));
}
