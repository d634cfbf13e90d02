// host/wasm/hostcalls/http_call.ts: HTTP callouts and how the last one ended.
// pure: no I/O, no clock, no runtime globals
/**
 * @module
 */
import { Status } from "../../../abi/mod.ts";
import { MAX_NAME_BYTES, UNITS_PER_CALLOUT } from "../limits.ts";
import { readPairs } from "./header_map.ts";
import type { HostcallTable } from "./family.ts";
import { returnLatin1 } from "../returns.ts";

const REQUIRED_HEADERS = [":path", ":method", ":authority"];

export const httpCallHostcalls: HostcallTable = {
  proxy_http_call: (vm) =>
  (
    upstream: number,
    upstreamSize: number,
    headers: number,
    headersSize: number,
    body: number,
    bodySize: number,
    trailers: number,
    trailersSize: number,
    timeoutMs: number,
    returnToken: number,
  ): Status => {
    const context = vm.context ?? vm.refuse("proxy_http_call");
    const memory = vm.memory;
    if (
      !memory.has(upstream >>> 0, upstreamSize >>> 0) || !memory.has(headers >>> 0, headersSize >>> 0) ||
      !memory.has(body >>> 0, bodySize >>> 0) || !memory.has(trailers >>> 0, trailersSize >>> 0) ||
      !memory.setU32(returnToken >>> 0, 0)
    ) return Status.InvalidMemoryAccess;
    const nameSize = Math.min(upstreamSize >>> 0, MAX_NAME_BYTES);
    vm.charge(UNITS_PER_CALLOUT + (nameSize << 2));
    const cluster = memory.utf8(upstream >>> 0, nameSize);
    const headerPairs = readPairs(vm, headers >>> 0, headersSize >>> 0);
    const trailerPairs = readPairs(vm, trailers >>> 0, trailersSize >>> 0);
    if (headerPairs === null || trailerPairs === null) {
      vm.log.explain("proxy_http_call: the headers or trailers are malformed");
      return Status.BadArgument;
    }
    const missing = REQUIRED_HEADERS.filter((name) => !headerPairs.some((pair) => pair[0] === name));
    if (missing.length > 0) {
      vm.log.explain(`proxy_http_call: the request has no ${missing.join(", ")}`);
      return Status.BadArgument;
    }
    if ((timeoutMs | 0) < 0) {
      vm.log.explain(`proxy_http_call: the timeout is ${timeoutMs} ms, expected 0 or more`);
      return Status.BadArgument;
    }
    const size = bodySize >>> 0;
    if (size > vm.options.maxHttpCallBytes) {
      vm.log.onLimit("http_call_bytes", `proxy_http_call: the body has ${size} bytes, more than all calls may have`);
      return Status.InternalFailure;
    }
    const token = context.root.httpCall({
      cluster,
      headers: headerPairs,
      body: memory.copy(body >>> 0, size),
      trailers: trailerPairs,
      timeoutMs,
    });
    if (token < 0) return -token as Status;
    memory.setU32(returnToken >>> 0, token);
    return Status.Ok;
  },

  proxy_get_status: (vm) => (returnCode: number, returnMessage: number, returnSize: number): Status => {
    const { root } = vm.context ?? vm.refuse("proxy_get_status");
    if (!vm.memory.setU32(returnCode >>> 0, root.lastStatus)) return Status.InvalidMemoryAccess;
    return returnLatin1(vm, root.lastStatusMessage, returnMessage >>> 0, returnSize >>> 0);
  },
};
