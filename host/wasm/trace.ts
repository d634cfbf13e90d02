// host/wasm/trace.ts: from a JavaScript error to the guest's frames by name.
// pure: no I/O, no clock, no runtime globals
/**
 * V8 puts wasm frames into `Error.stack` as `at name (wasm://wasm/module-id:wasm-function[12]:0x1a2b)`. The
 * last number is the byte offset in the module, which tells the function: the index in brackets is always 0
 * on Deno. Names are those of the module's name section and exports.
 *
 * @see https://github.com/v8/v8/wiki/Stack-Trace-API
 * @module
 */
import type { WasmModule } from "./module.ts";
import { functionAt, readFunctionNames } from "./module.ts";

/** One function of the guest on the stack. */
export interface GuestFrame {
  /** What the module calls it, or `function 12`. */
  readonly name: string;
  readonly functionIndex: number;
  /** Byte offset in the module. */
  readonly offset: number;
}

const FRAME = /wasm:\/\/[^\s)]*?wasm-function\[\d+\]:0x([0-9a-f]+)/g;
/** Frames kept, as in Envoy's backtraces. */
const MAX_FRAMES = 20;

/** The guest's frames, innermost first; none when the error did not come through a guest. */
export function guestFrames(stack: string, module: WasmModule): GuestFrame[] {
  const frames: GuestFrame[] = [];
  let names: Map<number, string> | null = null;
  for (const match of stack.matchAll(FRAME)) {
    if (frames.length === MAX_FRAMES) break;
    names ??= functionNames(module);
    const offset = parseInt(match[1]!, 16);
    const functionIndex = functionAt(module.info, offset);
    const name = names.get(functionIndex) ?? `function ${functionIndex}`;
    frames.push({ name: demangle(name), functionIndex, offset });
  }
  return frames;
}

/** What the name section says, and for functions without a name what they are exported as. */
function functionNames(module: WasmModule): Map<number, string> {
  const section = WebAssembly.Module.customSections(module.code, "name")[0];
  const names = section === undefined ? new Map<number, string>() : readFunctionNames(new Uint8Array(section));
  for (const row of module.info.exports) {
    if (row.kind === "func" && !names.has(row.index)) names.set(row.index, row.name);
  }
  return names;
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
  if (error instanceof RangeError && error.message.includes("call stack")) return "the guest's call stack is exhausted";
  if (error instanceof Error) return error.message;
  return "the guest threw an exception";
}
