// host/wasm/trace.ts: from a JavaScript error to the guest's frames by name.
// pure: no I/O, no clock, no runtime globals
/**
 * V8 puts wasm frames into `Error.stack` as `at name (wasm://wasm/module-id:wasm-function[12]:0x1a2b)`; the
 * number in brackets is the function's index, the last one the byte offset in the module. V8 leaves the
 * name out for some modules, so the module's own name section has the first word.
 *
 * @see https://github.com/v8/v8/wiki/Stack-Trace-API
 * @module
 */
import { readFunctionNames } from "./module.ts";

/** One function of the guest on the stack. */
export interface GuestFrame {
  /** What the module calls it, or `function 12`. */
  readonly name: string;
  readonly functionIndex: number;
  /** Byte offset in the module. */
  readonly offset: number;
}

const FRAME = /at (?:(.*?) \()?wasm:\/\/[^\s)]*?wasm-function\[(\d+)\](?::0x([0-9a-f]+))?/g;
/** Frames kept, as in Envoy's backtraces. */
const MAX_FRAMES = 20;

/** The guest's frames, innermost first; none when the error did not come through a guest. */
export function guestFrames(stack: string, code: WebAssembly.Module | null): GuestFrame[] {
  const frames: GuestFrame[] = [];
  let names: Map<number, string> | null = null;
  for (const match of stack.matchAll(FRAME)) {
    if (frames.length === MAX_FRAMES) break;
    names ??= functionNames(code);
    const functionIndex = Number(match[2]);
    const name = names.get(functionIndex) ?? match[1] ?? `function ${functionIndex}`;
    frames.push({ name: demangle(name), functionIndex, offset: parseInt(match[3] ?? "0", 16) });
  }
  return frames;
}

function functionNames(code: WebAssembly.Module | null): Map<number, string> {
  const section = code === null ? undefined : WebAssembly.Module.customSections(code, "name")[0];
  return section === undefined ? new Map() : readFunctionNames(new Uint8Array(section));
}

/** Rust's older mangling: `_ZN4core9panicking5panic17h0123456789abcdefE` is `core::panicking::panic`. */
function demangle(name: string): string {
  if (!name.startsWith("_ZN") || !name.endsWith("E")) return name;
  const parts: string[] = [];
  let rest = name.slice(3, -1);
  while (rest !== "") {
    const length = /^\d+/.exec(rest)?.[0];
    if (length === undefined) return name;
    const part = rest.slice(length.length, length.length + Number(length));
    rest = rest.slice(length.length + Number(length));
    if (!/^h[0-9a-f]{16}$/.test(part)) parts.push(part);
  }
  return parts.join("::").replaceAll("$LT$", "<").replaceAll("$GT$", ">").replaceAll("$u20$", " ")
    .replaceAll("$RF$", "&").replaceAll("$C$", ",").replaceAll("..", "::");
}

/** The error's message without the engine's decoration. */
export function trapMessage(error: unknown): string {
  if (error instanceof RangeError) return "the guest's call stack is exhausted";
  if (error instanceof Error) return error.message;
  return "the guest threw an exception";
}
