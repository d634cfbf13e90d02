// abi/shims.ts: what compilers import from "env" and other modules besides proxy-wasm.
// pure: no I/O, no clock, no runtime globals
/**
 * AssemblyScript and Emscripten modules import a few functions of their own run time. Envoy refuses such
 * modules (but for Emscripten's); giving them the functions lets a filter compiled with default options run.
 *
 * @module
 */
import type { ValueType } from "./hostcalls.ts";

export interface ShimRow {
  readonly module: string;
  readonly name: string;
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
  readonly from: "AssemblyScript" | "Emscripten";
  readonly doc: string;
}

const AS = "AssemblyScript";
const I32: readonly ValueType[] = ["i32"];

export const SHIMS: readonly ShimRow[] = [
  {
    module: "env",
    name: "emscripten_notify_memory_growth",
    params: I32,
    results: [],
    from: "Emscripten",
    doc: "The memory has grown; nothing to do.",
  },
  {
    module: "env",
    name: "pthread_equal",
    params: ["i32", "i32"],
    results: I32,
    from: "Emscripten",
    doc: "1 when both are equal.",
  },
  {
    module: "env",
    name: "abort",
    params: ["i32", "i32", "i32", "i32"],
    results: [],
    from: AS,
    doc: "Logs the message with file, line and column, and traps.",
  },
  { module: "env", name: "seed", params: [], results: ["f64"], from: AS, doc: "A random seed for `Math.random`." },
  {
    module: "env",
    name: "trace",
    params: ["i32", "i32", "f64", "f64", "f64", "f64", "f64"],
    results: [],
    from: AS,
    doc: "Logs a message and up to five numbers.",
  },
  {
    module: "env",
    name: "Date.now",
    params: [],
    results: ["f64"],
    from: AS,
    doc: "Milliseconds since 1970.",
  },
  ...["log", "debug", "info", "warn", "error"].map((level): ShimRow => ({
    module: "env",
    name: `console.${level}`,
    params: I32,
    results: [],
    from: AS,
    doc: `Logs a string${level === "log" ? " at level info" : ` at level ${level}`}.`,
  })),
];
