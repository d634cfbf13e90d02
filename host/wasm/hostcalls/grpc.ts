// host/wasm/hostcalls/grpc.ts: gRPC calls and streams.
// pure: no I/O, no clock, no runtime globals
/**
 * AssemblyScript SDKs declare `proxy_grpc_call` and `proxy_grpc_stream` without the two parameters for
 * initial metadata; the number of arguments tells which declaration a guest was compiled with.
 *
 * @module
 */
import { Status } from "../../../abi/mod.ts";
import { MAX_NAME_BYTES, UNITS_PER_CALLOUT } from "../limits.ts";
import type { Vm } from "../vm.ts";
import { readPairs } from "./header_map.ts";
import type { HostcallTable } from "./family.ts";

/** Opens a call, or a stream when there is no message, from pointers that are checked here. */
function open(
  vm: Vm,
  hostcall: string,
  names: readonly number[],
  metadata: number,
  metadataSize: number,
  message: readonly [ptr: number, size: number] | null,
  timeoutMs: number,
  returnToken: number,
): Status {
  const context = vm.context ?? vm.refuse(hostcall);
  const memory = vm.memory;
  for (let i = 0; i < names.length; i += 2) {
    if (!memory.has(names[i]! >>> 0, names[i + 1]! >>> 0)) return Status.InvalidMemoryAccess;
  }
  if (
    !memory.has(metadata >>> 0, metadataSize >>> 0) ||
    (message !== null && !memory.has(message[0] >>> 0, message[1] >>> 0)) || !memory.setU32(returnToken >>> 0, 0)
  ) return Status.InvalidMemoryAccess;
  const name = (index: number): number => Math.min(names[index]! >>> 0, MAX_NAME_BYTES);
  vm.charge(UNITS_PER_CALLOUT + ((name(1) + name(3) + name(5)) << 2));
  // Values of "-bin" keys are the guest's to encode.
  const pairs = readPairs(vm, metadata >>> 0, metadataSize >>> 0);
  if (pairs === null) {
    vm.log.explain(`${hostcall}: the initial metadata is malformed`);
    return Status.BadArgument;
  }
  if (message !== null && message[1] >>> 0 > vm.options.maxHttpCallBytes) {
    vm.log.onLimit("http_call_bytes", `${hostcall}: the message has more bytes than all calls may have`);
    return Status.InternalFailure;
  }
  const request = {
    upstream: memory.latin1(names[0]! >>> 0, name(1)),
    service: memory.utf8(names[2]! >>> 0, name(3)),
    method: memory.utf8(names[4]! >>> 0, name(5)),
    metadata: pairs,
  };
  const copy = message === null ? null : memory.copy(message[0] >>> 0, message[1] >>> 0);
  const token = context.root.grpcOpen(request, copy, timeoutMs >>> 0);
  if (token < 0) return -token as Status;
  memory.setU32(returnToken >>> 0, token);
  return Status.Ok;
}

export const grpcHostcalls: HostcallTable = {
  proxy_grpc_call: (vm) => (...args: number[]): Status => {
    const [metadata, metadataSize] = args.length === 12 ? [args[6]!, args[7]!] : [0, 0];
    const [message, messageSize, timeoutMs, returnToken] = args.slice(args.length - 4);
    return open(
      vm,
      "proxy_grpc_call",
      args.slice(0, 6),
      metadata,
      metadataSize,
      [message!, messageSize!],
      timeoutMs!,
      returnToken!,
    );
  },

  proxy_grpc_stream: (vm) => (...args: number[]): Status => {
    const [metadata, metadataSize] = args.length === 9 ? [args[6]!, args[7]!] : [0, 0];
    return open(
      vm,
      "proxy_grpc_stream",
      args.slice(0, 6),
      metadata,
      metadataSize,
      null,
      0,
      args[args.length - 1]!,
    );
  },

  proxy_grpc_send: (vm) => (token: number, message: number, messageSize: number, end: number): Status => {
    const context = vm.context ?? vm.refuse("proxy_grpc_send");
    if (!vm.memory.has(message >>> 0, messageSize >>> 0)) return Status.InvalidMemoryAccess;
    return context.root.grpcSend(token >>> 0, vm.memory.copy(message >>> 0, messageSize >>> 0), end !== 0);
  },

  proxy_grpc_cancel: (vm) => (token: number): Status => {
    const context = vm.context ?? vm.refuse("proxy_grpc_cancel");
    return context.root.grpcCancel(token >>> 0);
  },

  proxy_grpc_close: (vm) => (token: number): Status => {
    const context = vm.context ?? vm.refuse("proxy_grpc_close");
    return context.root.grpcClose(token >>> 0);
  },
};
