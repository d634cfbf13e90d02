// host/wasm/hostcalls/local_response.ts: proxy_send_local_response.
// pure: no I/O, no clock, no runtime globals
/**
 * Answers Ok whenever memory is fine, as Envoy does: guests do not expect anything else.
 *
 * @module
 */
import { Status } from "../../../abi/mod.ts";
import { readPairs } from "./header_map.ts";
import type { WasmLocalReply } from "../ports.ts";
import type { HostcallTable } from "./family.ts";

/** The highest gRPC status that exists; others mean "none given". */
export const MAX_GRPC_STATUS = 16;
/** Details stand in every access log line of the stream; longer ones are cut. */
export const MAX_DETAILS_BYTES = 1024;

/** Details without white space, as in Envoy, and without what would end a line or colour a terminal. */
export function cleanDetails(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\s\x00-\x1f\x7f-\x9f]/g, "_");
}

export const localResponseHostcalls: HostcallTable = {
  proxy_send_local_response: (vm) =>
  (
    statusCode: number,
    details: number,
    detailsSize: number,
    body: number,
    bodySize: number,
    headers: number,
    headersSize: number,
    grpcStatus: number,
  ): Status => {
    const context = vm.context ?? vm.refuse("proxy_send_local_response");
    const memory = vm.memory;
    if (
      !memory.has(details >>> 0, detailsSize >>> 0) || !memory.has(body >>> 0, bodySize >>> 0) ||
      !memory.has(headers >>> 0, headersSize >>> 0)
    ) return Status.InvalidMemoryAccess;
    let status = statusCode >>> 0;
    if (status < 200 || status > 599) {
      vm.log.explain(`proxy_send_local_response: status ${status} cannot be sent, 500 is`);
      status = 500;
    }
    const pairs = readPairs(vm, headers >>> 0, headersSize >>> 0);
    if (pairs === null) vm.log.explain("proxy_send_local_response: the headers are malformed and left out");
    let size = bodySize >>> 0;
    const { maxBodyBytes } = vm.options;
    if (size > maxBodyBytes) {
      vm.log.onLimit(
        "body_bytes",
        `proxy_send_local_response: the body has more than ${maxBodyBytes} bytes; 500 is sent`,
      );
      status = 500;
      size = 0;
    }
    const reply: WasmLocalReply = {
      status,
      body: memory.copy(body >>> 0, size),
      details: cleanDetails(memory.utf8(details >>> 0, Math.min(detailsSize >>> 0, MAX_DETAILS_BYTES))),
      headers: pairs ?? [],
    };
    const grpc = grpcStatus >>> 0;
    context.sendLocalReply(grpc <= MAX_GRPC_STATUS ? { ...reply, grpcStatus: grpc } : reply);
    return Status.Ok;
  },
};
