// host/wasm/hostcalls/buffer.ts: bodies, connection data, callout results, configuration.
// pure: no I/O, no clock, no runtime globals
// hot: see bench/micro/wasm_hostcalls.bench.ts
/**
 * Buffers 0 to 3 belong to the effective context's stream and can be edited anywhere; Envoy only edits at
 * the ends. The others can be read only. A stream buffer outside its phase is empty, as in Envoy.
 *
 * @module
 */
import { BufferType, enumName, Status } from "../../../abi/mod.ts";
import { EMPTY_BYTES } from "../../base/bytes.ts";
import type { Context } from "../context.ts";
import type { Vm } from "../vm.ts";
import type { HostcallTable } from "./family.ts";
import { returnBytes, returnLatin1, returnQueue } from "../returns.ts";

const LAST_STREAM_BUFFER = BufferType.UpstreamData;

/** A buffer that is no stream's, or null when there is none now. */
function otherBuffer(context: Context, type: number): Uint8Array | null {
  const root = context.root;
  switch (type) {
    case BufferType.VmConfiguration:
      return root.vmConfiguration;
    case BufferType.PluginConfiguration:
      return root.isConfiguring ? root.pluginConfiguration : null;
    case BufferType.HttpCallResponseBody:
      return root.calloutData.buffer(type);
    default:
      return root.calloutData.buffer(type) ?? EMPTY_BYTES;
  }
}

export const bufferHostcalls: HostcallTable = {
  proxy_get_buffer_bytes:
    (vm) => (type: number, start: number, maxSize: number, returnData: number, returnSize: number): Status => {
      const context = vm.context ?? vm.refuse("proxy_get_buffer_bytes");
      if (!isBufferType(type)) return Status.BadArgument;
      const from = start >>> 0;
      if (type <= LAST_STREAM_BUFFER) {
        const queue = context.streamBuffer(type);
        if (queue === null || from >= queue.length) return returnLatin1(vm, "", returnData >>> 0, returnSize >>> 0);
        const end = Math.min(queue.length, from + (maxSize >>> 0));
        return returnQueue(vm, queue, from, end, returnData >>> 0, returnSize >>> 0);
      }
      const bytes = otherBuffer(context, type);
      if (bytes === null) return Status.NotFound;
      const part = bytes.subarray(from, from + (maxSize >>> 0));
      return returnBytes(vm, part, returnData >>> 0, returnSize >>> 0);
    },

  proxy_set_buffer_bytes:
    (vm) => (type: number, start: number, size: number, value: number, valueSize: number): Status => {
      const context = vm.context ?? vm.refuse("proxy_set_buffer_bytes");
      if (!isBufferType(type)) return Status.BadArgument;
      const ptr = value >>> 0;
      if (!vm.memory.has(ptr, valueSize >>> 0)) return Status.InvalidMemoryAccess;
      const queue = type <= LAST_STREAM_BUFFER ? context.streamBuffer(type) : null;
      if (queue === null) return cannotChange(vm, context, type);
      const from = start >>> 0;
      if (vm.isEnvoyCompatible && from > 0 && from < queue.length) return Status.BadArgument;
      const removed = from >= queue.length ? 0 : Math.min(size >>> 0, queue.length - from);
      const added = (valueSize >>> 0) - removed;
      const { maxBodyBytes } = vm.options;
      if (added > 0 && queue.length + added > maxBodyBytes) {
        vm.log.onLimit("body_bytes", `proxy_set_buffer_bytes: the buffer would have more than ${maxBodyBytes} bytes`);
        return Status.BadArgument;
      }
      queue.splice(from, from >= queue.length ? 0 : size >>> 0, vm.memory.copy(ptr, valueSize >>> 0));
      context.onBufferChanged(type);
      return Status.Ok;
    },

  proxy_get_buffer_status: (vm) => (type: number, returnSize: number, returnFlags: number): Status => {
    const context = vm.context ?? vm.refuse("proxy_get_buffer_status");
    if (!isBufferType(type)) return Status.BadArgument;
    let length = 0;
    if (type <= LAST_STREAM_BUFFER) {
      length = context.streamBuffer(type)?.length ?? 0;
    } else {
      const bytes = otherBuffer(context, type);
      if (bytes === null) return Status.NotFound;
      length = bytes.length;
    }
    const memory = vm.memory;
    if (!memory.has(returnFlags >>> 0, 4) || !memory.setU32(returnSize >>> 0, length)) {
      return Status.InvalidMemoryAccess;
    }
    memory.setU32(returnFlags >>> 0, 0);
    return Status.Ok;
  },
};

function cannotChange(vm: Vm, context: Context, type: number): Status {
  if (type > LAST_STREAM_BUFFER && otherBuffer(context, type) === null) return Status.NotFound;
  vm.log.explain(`proxy_set_buffer_bytes: buffer ${enumName(BufferType, type)} cannot be changed now`);
  return Status.BadArgument;
}

/** Whether a number is a buffer type. */
function isBufferType(type: number): type is BufferType {
  return type >= BufferType.HttpRequestBody && type <= BufferType.ForeignFunctionArguments;
}
