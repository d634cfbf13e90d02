// host/wasm/returns.ts: values that host functions hand to the guest, in memory that it allocates.
// pure: no I/O, no clock, no runtime globals
// hot: runs per host call; see bench/micro/wasm_hostcalls.bench.ts
/** @module */
import { Status } from "../../abi/mod.ts";
import { latin1Write } from "../base/bytes.ts";
import type { ByteQueue } from "../base/byte_queue.ts";
import type { Vm } from "./vm.ts";

/** Hands latin1 text to the guest. */
export function returnLatin1(vm: Vm, text: string, outPtr: number, outSize: number): Status {
  const memory = vm.memory;
  const size = text.length;
  if (!memory.has(outPtr, 4) || !memory.has(outSize, 4)) return Status.InvalidMemoryAccess;
  let ptr = 0;
  if (size !== 0) {
    ptr = vm.allocate(size);
    if (ptr === 0) return Status.InvalidMemoryAccess;
    latin1Write(memory.bytes, text, ptr);
  }
  memory.setU32(outPtr, ptr);
  memory.setU32(outSize, size);
  return Status.Ok;
}

/** Hands bytes to the guest. */
export function returnBytes(vm: Vm, bytes: Uint8Array, outPtr: number, outSize: number): Status {
  const memory = vm.memory;
  const size = bytes.length;
  if (!memory.has(outPtr, 4) || !memory.has(outSize, 4)) return Status.InvalidMemoryAccess;
  let ptr = 0;
  if (size !== 0) {
    ptr = vm.allocate(size);
    if (ptr === 0) return Status.InvalidMemoryAccess;
    memory.bytes.set(bytes, ptr);
  }
  memory.setU32(outPtr, ptr);
  memory.setU32(outSize, size);
  return Status.Ok;
}

/** Hands bytes `start` to `end` of a queue to the guest. */
export function returnQueue(
  vm: Vm,
  queue: ByteQueue,
  start: number,
  end: number,
  outPtr: number,
  outSize: number,
): Status {
  const memory = vm.memory;
  if (!memory.has(outPtr, 4) || !memory.has(outSize, 4)) return Status.InvalidMemoryAccess;
  let ptr = 0;
  if (end > start) {
    ptr = vm.allocate(end - start);
    if (ptr === 0) return Status.InvalidMemoryAccess;
    queue.copyTo(memory.bytes, ptr, start, end);
  }
  memory.setU32(outPtr, ptr);
  memory.setU32(outSize, end - start);
  return Status.Ok;
}
