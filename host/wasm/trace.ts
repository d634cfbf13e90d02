// host/wasm/trace.ts: from a JavaScript error to the guest's frames by name and place.
// pure: no I/O, no clock, no runtime globals
/**
 * V8 puts wasm frames into `Error.stack` as `at name (wasm://wasm/module-id:wasm-function[12]:0x1a2b)`. The
 * last number is the byte offset in the module, which tells the function: the index in brackets is always 0
 * on Deno. Names are those of the module's name section and exports; places come from its source map.
 *
 * @see https://github.com/v8/v8/wiki/Stack-Trace-API
 * @module
 */
import { demangle } from "./demangle.ts";
import { originalOffset } from "./meter.ts";
import { functionAt, readFunctionNames, type WasmModule } from "./module.ts";
import { originalPosition } from "./source_map.ts";

/** One function of the guest on the stack. */
export interface GuestFrame {
  /** What the module calls it, or `function 12`. */
  readonly name: string;
  readonly functionIndex: number;
  /** Byte offset in the module as it was given, which tools for WebAssembly know. */
  readonly offset: number;
  /** `filter.ts:12:5`; null when the module has no source map, or it has nothing about this place. */
  readonly place: string | null;
}

const FRAME = /wasm:\/\/[^\s)]*?wasm-function\[\d+\]:0x([0-9a-f]+)/g;
/** Frames kept, as in Envoy's backtraces. */
const MAX_FRAMES = 20;
/** Longer names are cut. */
const MAX_NAME_LENGTH = 1000;

/** Has the engine write down as many frames as are kept; of the usual ten a panic's own may be all. */
export function keepFrames(): void {
  // A few are the host's.
  Error.stackTraceLimit = Math.max(Error.stackTraceLimit, MAX_FRAMES + 5);
}

/** The guest's frames, innermost first; none when the error did not come through a guest. */
export function guestFrames(stack: string, module: WasmModule): GuestFrame[] {
  const found: (readonly [running: number, functionIndex: number])[] = [];
  for (const match of stack.matchAll(FRAME)) {
    if (found.length === MAX_FRAMES) break;
    const running = parseInt(match[1]!, 16);
    found.push([running, functionAt(module.info, running)]);
  }
  if (found.length === 0) return [];
  const names = functionNames(module, new Set(found.map(([, functionIndex]) => functionIndex)));
  return found.map(([running, functionIndex]) => {
    const name = names.get(functionIndex)?.slice(0, MAX_NAME_LENGTH) ?? `function ${functionIndex}`;
    const offset = givenOffset(module, running);
    return { name: demangle(name), functionIndex, offset, place: placeOf(module, functionIndex, offset) };
  });
}

/** From an offset in the module that runs to the one in the module that was given. */
function givenOffset(module: WasmModule, running: number): number {
  return module.meter === null ? running : originalOffset(module.meter, running);
}

function placeOf(module: WasmModule, functionIndex: number, offset: number): string | null {
  const { sourceMap, info } = module;
  if (sourceMap === undefined || typeof sourceMap === "string") return null;
  const index = functionIndex - info.importedFunctionCount;
  const from = index === 0 ? 0 : givenOffset(module, info.functionEnds[index - 1]!);
  const position = originalPosition(sourceMap, offset, from);
  return position === null ? null : `${position.source.slice(0, MAX_NAME_LENGTH)}:${position.line}:${position.column}`;
}

/** What the name section says, and for functions without a name what they are exported as. */
function functionNames(module: WasmModule, wanted: ReadonlySet<number>): Map<number, string> {
  const section = WebAssembly.Module.customSections(module.code, "name")[0];
  const names = section === undefined ? new Map<number, string>() : readFunctionNames(new Uint8Array(section), wanted);
  for (const row of module.info.exports) {
    if (row.kind === "func" && wanted.has(row.index) && !names.has(row.index)) names.set(row.index, row.name);
  }
  return names;
}

/** The error's message without the engine's decoration. */
export function trapMessage(error: unknown): string {
  if (error instanceof RangeError && error.message.includes("call stack")) return "the guest's call stack is exhausted";
  if (error instanceof Error) return error.message;
  return "the guest threw an exception";
}
