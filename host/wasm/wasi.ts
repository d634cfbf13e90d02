// host/wasm/wasi.ts: the WASI functions that answer more than a number.
// pure: no I/O, no clock, no runtime globals
/**
 * Standard output is logged at info, standard error at error. There are no files, sockets or arguments.
 * `poll_oneoff` answers at once with no event, which Go's scheduler relies on.
 *
 * @see abi/wasi.ts for the table
 * @see Envoy: proxy-wasm-cpp-host src/exports.cc
 * @module
 */
import { Errno, type WasiRow } from "../../abi/mod.ts";
import { fromUtf8 } from "../base/bytes.ts";
import { setNanoseconds } from "./hostcalls/timer.ts";
import type { HostFunction, HostFunctionFactory } from "./hostcalls/family.ts";
import { GuestExit } from "./guest_exit.ts";
import type { Vm } from "./vm.ts";

const STDOUT = 1;
const STDERR = 2;
const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
/** The monotonic clock's start: Go's run time dies of a clock that says 0. */
const MONOTONIC_START_MS = 1000;
/** Most buffers of one write, as elsewhere. */
const MAX_VECTOR = 1024;
/** Bytes of one write that are looked at; the rest counts as written, and as dropped from the log. */
const MAX_OUTPUT_BYTES = 64 * 1024;
/** Most bytes of one `random_get`, Envoy's. */
const MAX_RANDOM_BYTES = 64 * 1024;
/** Random bytes cost this much, and one unit more for every 4 of them. */
const UNITS_PER_RANDOM = 512;
const RANDOM_SHIFT = 2;
const FILETYPE_CHARACTER_DEVICE = 2;
const RIGHT_FD_WRITE = 64;

function isStdio(fd: number): boolean {
  return fd === STDOUT || fd === STDERR;
}

/** Writes the buffers of an I/O vector to the log. */
function write(vm: Vm, fd: number, vector: number, count: number, returnWritten: number): Errno {
  if (!isStdio(fd)) return Errno.BadFileDescriptor;
  const { memory } = vm;
  const start = vector >>> 0;
  const entries = count >>> 0;
  if (!memory.has(start, entries * 8) || !memory.has(returnWritten >>> 0, 4)) return Errno.Fault;
  if (entries > MAX_VECTOR) return Errno.Invalid;
  let total = 0;
  for (let i = 0; i < entries; i++) {
    const ptr = memory.getU32(start + i * 8);
    const size = memory.getU32(start + i * 8 + 4);
    if (!memory.has(ptr, size)) return Errno.Fault;
    const shown = Math.max(0, Math.min(size, MAX_OUTPUT_BYTES - total));
    vm.log.writeOutput(fd === STDERR, memory.view(ptr, shown));
    if (shown < size) vm.log.drop(size - shown);
    total += size;
  }
  memory.setU32(returnWritten >>> 0, total >>> 0);
  return Errno.Success;
}

/** Sizes and places of the environment's strings. */
function environmentBytes(vm: Vm): Uint8Array[] {
  return vm.options.environment.map((entry) => fromUtf8(entry + "\0"));
}

const COMPUTED: Readonly<Record<string, HostFunctionFactory>> = {
  args_get: () => (): Errno => Errno.Success,

  args_sizes_get: (vm) => (returnCount: number, returnSize: number): Errno =>
    vm.memory.setU32(returnCount >>> 0, 0) && vm.memory.setU32(returnSize >>> 0, 0) ? Errno.Success : Errno.Fault,

  environ_sizes_get: (vm) => (returnCount: number, returnSize: number): Errno => {
    const entries = environmentBytes(vm);
    const size = entries.reduce((sum, entry) => sum + entry.length, 0);
    return vm.memory.setU32(returnCount >>> 0, entries.length) && vm.memory.setU32(returnSize >>> 0, size)
      ? Errno.Success
      : Errno.Fault;
  },

  environ_get: (vm) => (pointers: number, buffer: number): Errno => {
    const { memory } = vm;
    let slot = pointers >>> 0;
    let ptr = buffer >>> 0;
    for (const entry of environmentBytes(vm)) {
      if (!memory.has(ptr, entry.length) || !memory.setU32(slot, ptr)) return Errno.Fault;
      memory.bytes.set(entry, ptr);
      slot += 4;
      ptr += entry.length;
    }
    return Errno.Success;
  },

  clock_time_get: (vm) => (id: number, _precision: bigint, returnTime: number): Errno => {
    const { clock } = vm.environment;
    if (id !== CLOCK_REALTIME && id !== CLOCK_MONOTONIC) return Errno.NotSupported;
    const ms = id === CLOCK_REALTIME ? clock.wallMs() : clock.nowMs() + MONOTONIC_START_MS;
    return setNanoseconds(vm.memory, returnTime >>> 0, ms) ? Errno.Success : Errno.Fault;
  },

  clock_res_get: (vm) => (id: number, returnResolution: number): Errno => {
    if (id !== CLOCK_REALTIME && id !== CLOCK_MONOTONIC) return Errno.NotSupported;
    return vm.memory.setU64(returnResolution >>> 0, 1, 0) ? Errno.Success : Errno.Fault;
  },

  fd_write: (vm) => (fd: number, vector: number, count: number, returnWritten: number): Errno =>
    write(vm, fd, vector, count, returnWritten),

  fd_pwrite: (vm) => (fd: number, vector: number, count: number, _offset: bigint, returnWritten: number): Errno =>
    write(vm, fd, vector, count, returnWritten),

  fd_tell: (vm) => (fd: number, returnOffset: number): Errno => {
    if (!isStdio(fd)) return Errno.BadFileDescriptor;
    return vm.memory.setU64(returnOffset >>> 0, 0, 0) ? Errno.Success : Errno.Fault;
  },

  fd_fdstat_get: (vm) => (fd: number, returnStat: number): Errno => {
    if (!isStdio(fd)) return Errno.BadFileDescriptor;
    const { memory } = vm;
    const ptr = returnStat >>> 0;
    if (!memory.has(ptr, 24)) return Errno.Fault;
    memory.setU64(ptr, FILETYPE_CHARACTER_DEVICE, 0);
    memory.setU64(ptr + 8, RIGHT_FD_WRITE, 0);
    memory.setU64(ptr + 16, 0, 0);
    return Errno.Success;
  },

  fd_renumber: () => (from: number, to: number): Errno =>
    isStdio(from) && isStdio(to) ? Errno.NotSupported : Errno.BadFileDescriptor,

  poll_oneoff: (vm) => (_in: number, _out: number, _count: number, returnEvents: number): Errno =>
    vm.memory.setU32(returnEvents >>> 0, 0) ? Errno.Success : Errno.Fault,

  proc_exit: (vm) => (code: number): void => {
    if (code === 0 && vm.isStarting) throw new GuestExit("proc_exit(0)", false);
    vm.stop(`proc_exit(${code})`);
  },

  random_get: (vm) => (buffer: number, size: number): Errno => {
    const ptr = buffer >>> 0;
    const length = size >>> 0;
    if (length > MAX_RANDOM_BYTES) return Errno.Invalid;
    if (!vm.memory.has(ptr, length)) return Errno.Fault;
    vm.charge(UNITS_PER_RANDOM + (length >>> RANDOM_SHIFT));
    const target = vm.memory.view(ptr, length);
    const { randomBytes } = vm.environment;
    if (randomBytes !== undefined) randomBytes(target);
    else crypto.getRandomValues(target as Uint8Array<ArrayBuffer>);
    return Errno.Success;
  },
};

/** Makes the import of a row. */
export function wasiFunction(row: WasiRow, vm: Vm): HostFunction {
  const { answer } = row;
  switch (answer.kind) {
    case "computed":
      return COMPUTED[row.name]!(vm);
    case "stdio":
      return (fd: number): Errno => isStdio(fd) ? answer.errno : Errno.BadFileDescriptor;
    case "constant":
      return row.zeroed === undefined ? (): Errno => answer.errno : zeroing(row.zeroed, answer.errno, vm);
  }
}

function zeroing(indexes: readonly number[], errno: Errno, vm: Vm): HostFunction {
  return (...args: number[]): Errno => {
    for (const index of indexes) if (!vm.memory.setU32(Number(args[index]) >>> 0, 0)) return Errno.Fault;
    return errno;
  };
}
