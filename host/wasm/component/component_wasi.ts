// host/wasm/component/component_wasi.ts: what components get of WASI 0.2: enough for standard libraries to start.
// pure: no I/O, no clock, no runtime globals
/**
 * Standard libraries import much of WASI whether a filter uses it or not. There are clocks, random numbers, the
 * plugin's environment, and standard output and error, which go to the log; no files, sockets, arguments or
 * input. A call of anything else ends the guest.
 *
 * Functions have the parameters of their canonical form, as in `component_imports.ts`.
 *
 * @see https://github.com/WebAssembly/WASI/tree/main/proposals
 * @module
 */
import type { Vm } from "../vm.ts";
import type { ComponentGuest, ComponentImport } from "./component_guest.ts";
import type { ComponentValues } from "./component_values.ts";

const STDIN = 1;
const STDOUT = 2;
const STDERR = 3;
/** What `check-write` lets a guest write at once. */
const WRITE_BYTES = 4096;
const MAX_RANDOM_BYTES = 65536n;

/** What a guest may do while it allocates or frees: it writes why it will trap. */
const MAY_BE_ALONE = /^(?:cli\/std(?:out|err)\.|io\/streams\.\[method\]output-stream\.)/;

/** The function of an interface; one that nobody has here ends the guest that calls it. */
export function wasiImport(of: string, name: string, vm: Vm, guest: () => ComponentGuest): ComponentImport {
  const key = `${of}.${name}`;
  const mayBeAlone = MAY_BE_ALONE.test(key);
  const make = FUNCTIONS[key];
  let made: ComponentImport | null = null;
  return (...args: never[]): number | bigint | void => {
    vm.chargeHostcall();
    made ??= make?.(guest()) ?? guest().vm.stop(`wasi:${of} ${name} was called, which filters do not have`);
    if (vm.context === null && !mayBeAlone) vm.refuse(`wasi:${of} ${name}`);
    return made(...args);
  };
}

type Factory = (guest: ComponentGuest) => ComponentImport;

function isNone({ values }: ComponentGuest): ComponentImport {
  return (ret: number): void => putCase(values, ret, 0);
}

function emptyList({ values }: ComponentGuest): ComponentImport {
  return (ret: number): void => {
    values.check(ret >>> 0, 8, 4);
    values.putResult(ret >>> 0, 4, 0);
  };
}

function putCase(values: ComponentValues, ret: number, value: number): void {
  values.check(ret >>> 0, 1, 1);
  values.putByte(ret >>> 0, value);
}

function write({ vm, values }: ComponentGuest): ComponentImport {
  return (stream: number, ptr: number, size: number, ret: number): void => {
    const isError = outputOf(vm, stream) === STDERR;
    if (size >>> 0 > WRITE_BYTES) vm.stop(`it writes ${size >>> 0} bytes at once, at most ${WRITE_BYTES} are taken`);
    vm.writeOutput(isError, values.view(ptr >>> 0, size >>> 0));
    putCase(values, ret, 0);
  };
}

/** A handle of standard output or error; any other ends the guest. */
function outputOf(vm: Vm, handle: number): number {
  return handle === STDOUT || handle === STDERR
    ? handle
    : vm.stop(`handle ${handle} of a stream that it does not have`);
}

function flush({ vm, values }: ComponentGuest): ComponentImport {
  return (stream: number, ret: number): void => {
    outputOf(vm, stream);
    putCase(values, ret, 0);
  };
}

function randomBytes({ vm }: ComponentGuest, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  if (vm.environment.randomBytes !== undefined) vm.environment.randomBytes(bytes);
  else crypto.getRandomValues(bytes);
  return bytes;
}

function randomNumber(guest: ComponentGuest): ComponentImport {
  return (): bigint => new DataView(randomBytes(guest, 8).buffer).getBigUint64(0, true);
}

function randomList(guest: ComponentGuest): ComponentImport {
  return (size: bigint, ret: number): void => {
    const { vm, values } = guest;
    const count = BigInt.asUintN(64, size);
    if (count > MAX_RANDOM_BYTES) {
      vm.stop(`it wants ${count} random bytes at once, at most ${MAX_RANDOM_BYTES} are given`);
    }
    vm.charge(Number(count) >>> 2);
    const ptr = values.lowerBytes(randomBytes(guest, Number(count)));
    values.check(ret >>> 0, 8, 4);
    values.putResult(ret >>> 0, ptr, values.length);
  };
}

const FUNCTIONS: Readonly<Record<string, Factory>> = {
  "cli/environment.get-environment": ({ vm, values }) => (ret: number): void => {
    const entries = vm.options.environment.map((entry) => entry.split(/=(.*)/s, 2) as [string, string]);
    const list = values.allocate(entries.length * 16, 4);
    for (const [index, [name, value]] of entries.entries()) {
      values.putText(list + index * 16, name);
      values.putText(list + index * 16 + 8, value);
    }
    values.check(ret >>> 0, 8, 4);
    values.putResult(ret >>> 0, list, entries.length);
  },
  "cli/environment.get-arguments": emptyList,
  "cli/environment.initial-cwd": isNone,
  "cli/exit.exit": ({ vm }) => (status: number): void =>
    vm.stop(`it exited with ${status === 0 ? "success" : "failure"}`),
  "cli/stdin.get-stdin": () => (): number => STDIN,
  "cli/stdout.get-stdout": () => (): number => STDOUT,
  "cli/stderr.get-stderr": () => (): number => STDERR,
  "cli/terminal-stdin.get-terminal-stdin": isNone,
  "cli/terminal-stdout.get-terminal-stdout": isNone,
  "cli/terminal-stderr.get-terminal-stderr": isNone,
  "io/streams.[method]output-stream.check-write": ({ vm, values }) => (stream: number, ret: number): void => {
    outputOf(vm, stream);
    values.check(ret >>> 0, 16, 8);
    values.putByte(ret >>> 0, 0);
    values.putU64((ret >>> 0) + 8, BigInt(WRITE_BYTES));
  },
  "io/streams.[method]output-stream.write": write,
  "io/streams.[method]output-stream.blocking-write-and-flush": write,
  "io/streams.[method]output-stream.flush": flush,
  "io/streams.[method]output-stream.blocking-flush": flush,
  "clocks/monotonic-clock.now": ({ vm }) => (): bigint => BigInt(Math.floor(vm.environment.clock.nowMs() * 1e6)),
  "clocks/monotonic-clock.resolution": () => (): bigint => 1_000_000n,
  "clocks/wall-clock.now": ({ vm, values }) => (ret: number): void => {
    const now = vm.environment.clock.wallNs();
    values.check(ret >>> 0, 16, 8);
    values.putU64(ret >>> 0, now / 1_000_000_000n);
    values.putU32((ret >>> 0) + 8, Number(now % 1_000_000_000n));
  },
  "clocks/wall-clock.resolution": ({ values }) => (ret: number): void => {
    values.check(ret >>> 0, 16, 8);
    values.putU64(ret >>> 0, 0n);
    values.putU32((ret >>> 0) + 8, 1_000_000);
  },
  "random/random.get-random-u64": randomNumber,
  "random/random.get-random-bytes": randomList,
  "random/insecure.get-insecure-random-u64": randomNumber,
  "random/insecure.get-insecure-random-bytes": randomList,
  "random/insecure-seed.insecure-seed": (guest) => (ret: number): void => {
    guest.values.check(ret >>> 0, 16, 8);
    guest.values.putBytes(ret >>> 0, randomBytes(guest, 16));
  },
  "filesystem/preopens.get-directories": emptyList,
};
