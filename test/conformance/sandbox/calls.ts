// test/conformance/sandbox/calls.ts: every host function with arguments that it takes, to be spoilt one by one.
/** @module */
import { encodePairs, type HostcallRow, HOSTCALLS, valueTypeOf, WASI_FUNCTIONS } from "../../../abi/mod.ts";
import { latin1Slice } from "../../../host/base/bytes.ts";
import { OUT, s } from "../../host/wasm/guest.ts";
import { CALL_REQUEST } from "./strike.ts";

/** One argument as text, or a range as pointer and size. */
export type Argument = string;

const PAIRS = latin1Slice(encodePairs([["a", "1"]]), 0, encodePairs([["a", "1"]]).length);

/** Strings by function and parameter; any text will do for others. */
const TEXTS: Readonly<Record<string, string>> = {
  "proxy_get_property.path": "known",
  "proxy_set_header_map_pairs.data": PAIRS,
  "proxy_send_local_response.headers": PAIRS,
  "proxy_http_call.headers": CALL_REQUEST,
  "proxy_http_call.trailers": PAIRS,
  "proxy_grpc_call.metadata": PAIRS,
  "proxy_grpc_stream.metadata": PAIRS,
  "proxy_call_foreign_function.name": "echo",
  "proxy_resolve_shared_queue.vm_id": "vm",
  "proxy_resolve_shared_queue.name": "q",
  "proxy_register_shared_queue.name": "q",
};

/** Where the queue's and the counter's number are. */
export const QUEUE = 0x180;
export const COUNTER = 0x184;

/** Numbers by function and parameter; 0 for others. */
const NUMBERS: Readonly<Record<string, string>> = {
  "proxy_log.level": "(i32.const 0)",
  "proxy_get_buffer_bytes.buffer": "(i32.const 6)",
  "proxy_get_buffer_bytes.max_size": "(i32.const 100)",
  "proxy_get_buffer_status.buffer": "(i32.const 6)",
  "proxy_enqueue_shared_queue.id": `(i32.load (i32.const ${QUEUE}))`,
  "proxy_dequeue_shared_queue.id": `(i32.load (i32.const ${QUEUE}))`,
  "proxy_increment_metric.id": `(i32.load (i32.const ${COUNTER}))`,
  "proxy_increment_metric.delta": "(i64.const 1)",
  "proxy_record_metric.id": `(i32.load (i32.const ${COUNTER}))`,
  "proxy_get_metric.id": `(i32.load (i32.const ${COUNTER}))`,
  "proxy_send_local_response.status_code": "(i32.const 403)",
};

/** The arguments of a host function; `sizes` of ranges follow their pointers. */
export function validArguments(row: HostcallRow): Argument[] {
  const all: Argument[] = [];
  let place = OUT;
  for (const [index, param] of row.params.entries()) {
    const key = `${row.name}.${param.name}`;
    if (param.kind === "ptr") {
      const [ptr, size] = s(TEXTS[key] ?? "x-a").split(") (");
      all.push(ptr + ")", "(" + size!);
    } else if (param.kind === "size") {
      if (row.params[index - 1]!.kind !== "ptr") throw new Error(`${key} has no pointer`);
    } else if (param.kind.startsWith("out_")) {
      all.push(`(i32.const ${place})`);
      place += 8;
    } else all.push(NUMBERS[key] ?? `(${valueTypeOf(param.kind)}.const 0)`);
  }
  return all;
}

/** What makes the calls above find something; done once. */
export const PREPARE: string = `(if (i32.eqz (i32.load (i32.const ${COUNTER}))) (then
  (drop (call $proxy_register_shared_queue ${s("q")} (i32.const ${QUEUE})))
  (drop (call $proxy_enqueue_shared_queue (i32.load (i32.const ${QUEUE})) ${s("message")}))
  (drop (call $proxy_enqueue_shared_queue (i32.load (i32.const ${QUEUE})) ${s("message")}))
  (drop (call $proxy_define_metric (i32.const 0) ${s("counter")} (i32.const ${COUNTER})))
  (drop (call $proxy_set_shared_data ${s("x-a")} ${s("value")} (i32.const 0)))))`;

export { HOSTCALLS, WASI_FUNCTIONS };
