// host/wasm/component/component_wasi.ts: what components get of WASI 0.2: enough for standard libraries to start.
// pure: no I/O, no clock, no runtime globals
/**
 * Standard libraries import much of WASI whether a filter uses it or not. There are clocks, random numbers, the
 * plugin's environment, and standard output and error, which go to the log. Standard input is at its end, there are
 * no arguments, and no folders, so that functions of files can be imported but never reached. What waits is ready
 * at once: a callback must not wait. Anything else (sockets, HTTP) is refused when the component is loaded.
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
/** Something to wait for, whatever it is. */
const POLLABLE = 1;
/** What a guest may wait for at once. */
const MAX_POLLABLES = 1024;
/** Without a folder there is nothing that these could be called for. */
const UNREACHABLE = /^(?:filesystem\/types\.|io\/error\.)/;

/** Whether a function can be imported. */
export function hasWasiFunction(of: string, name: string): boolean {
  const key = `${of}.${name}`;
  return Object.hasOwn(FUNCTIONS, key) || UNREACHABLE.test(key);
}

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
    if (vm.context === null && !vm.isStarting && !mayBeAlone) vm.refuse(`wasi:${of} ${name}`);
    made ??= make?.(guest()) ?? vm.stop(`wasi:${of} ${name} was called, for which there is nothing`);
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
    vm.log.writeOutput(isError, values.view(ptr >>> 0, size >>> 0));
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

/** `result<…, stream-error>` whose stream is closed; `offset` is where the error is. */
function closed(offset: number): Factory {
  return ({ vm, values }) => (stream: number, ...rest: (number | bigint)[]): void => {
    if (stream !== STDIN && stream !== STDOUT && stream !== STDERR) outputOf(vm, stream);
    const at = Number(rest.at(-1)) >>> 0;
    values.check(at, offset * 2, offset);
    values.putByte(at, 1);
    values.putByte(at + offset, 1);
  };
}

function writeZeroes({ vm, values }: ComponentGuest): ComponentImport {
  return (stream: number, size: bigint, ret: number): void => {
    const isError = outputOf(vm, stream) === STDERR;
    const count = BigInt.asUintN(64, size);
    if (count > WRITE_BYTES) vm.stop(`it writes ${count} bytes at once, at most ${WRITE_BYTES} are taken`);
    vm.log.writeOutput(isError, new Uint8Array(Number(count)));
    putCase(values, ret, 0);
  };
}

function subscribe({ vm }: ComponentGuest): ComponentImport {
  return (): number => {
    vm.log.explain("it waits for something, which no filter can do: what it waits for is said to be there");
    return POLLABLE;
  };
}

function poll({ vm, values }: ComponentGuest): ComponentImport {
  return (ptr: number, count: number, ret: number): void => {
    const size = count >>> 0;
    if (size === 0 || size > MAX_POLLABLES) vm.stop(`it waits for ${size} things, 1 to ${MAX_POLLABLES} can be`);
    values.check(ptr >>> 0, size * 4, 4);
    values.check(ret >>> 0, 8, 4);
    vm.charge(size);
    const list = values.allocate(size * 4, 4);
    for (let i = 0; i < size; i++) values.putU32(list + i * 4, i);
    values.putResult(ret >>> 0, list, size);
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
  "io/streams.[method]output-stream.subscribe": subscribe,
  "io/streams.[method]output-stream.write-zeroes": writeZeroes,
  "io/streams.[method]output-stream.blocking-write-zeroes-and-flush": writeZeroes,
  "io/streams.[method]output-stream.splice": closed(8),
  "io/streams.[method]output-stream.blocking-splice": closed(8),
  "io/streams.[method]input-stream.read": closed(4),
  "io/streams.[method]input-stream.blocking-read": closed(4),
  "io/streams.[method]input-stream.skip": closed(8),
  "io/streams.[method]input-stream.blocking-skip": closed(8),
  "io/streams.[method]input-stream.subscribe": subscribe,
  "io/poll.poll": poll,
  "io/poll.[method]pollable.ready": () => (): number => 1,
  "io/poll.[method]pollable.block": () => (): void => {},
  "clocks/monotonic-clock.subscribe-duration": subscribe,
  "clocks/monotonic-clock.subscribe-instant": subscribe,
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
