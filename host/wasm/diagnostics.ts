// host/wasm/diagnostics.ts: the problems that a module or a plugin may have, in words.
// pure: no I/O, no clock, no runtime globals
/**
 * @see docs/reference/errors.md
 * @module
 */
import { ABANDONED_HOSTCALLS } from "../../abi/mod.ts";
import type { Diagnostic } from "../base/diagnostic.ts";
import { formatType, type FunctionType, type WasmModule } from "./module.ts";
import type { GuestFrame } from "./trace.ts";

function error(code: string, message: string, more: Partial<Diagnostic> = {}): Diagnostic {
  return { code, severity: "error", message, ...more };
}

export function notWasm(byteLength: number): Diagnostic {
  return error("wasm/not-wasm", `not a WebAssembly module (${byteLength} bytes, expected to begin with "\\0asm")`);
}

export function invalidModule(reason: string): Diagnostic {
  return error("wasm/invalid-module", `failed to compile the Wasm module: ${reason}`);
}

export function unmeteredModule(reason: string): Diagnostic {
  return error("wasm/unmetered-module", `the module cannot be held to its limits: ${reason}`, {
    help: ["compile the filter without it, or set nuncio.wasm.metering to false to run it without limits"],
  });
}

export function unknownAbi(exportCount: number): Diagnostic {
  return error("wasm/unknown-abi", "Missing or unknown Proxy-Wasm ABI version", {
    notes: [`none of the ${exportCount} exports is proxy_abi_version_0_1_0, _0_2_0 or _0_2_1`],
    help: ["compile the filter with a proxy-wasm SDK"],
  });
}

export function missingImport(module: string, name: string): Diagnostic {
  const message = `Failed to load Wasm module due to a missing import: ${module}.${name}`;
  if (!ABANDONED_HOSTCALLS.includes(name)) return error("wasm/missing-import", message);
  return error("wasm/missing-import", message, {
    notes: [`${name} is of an abandoned draft of the ABI`],
    help: ["compile the filter with an SDK for ABI 0.2.1"],
  });
}

export function unsupportedImport(kind: string, module: string, name: string): Diagnostic {
  return error("wasm/missing-import", `Failed to load Wasm module due to a missing import: ${module}.${name}`, {
    notes: [`it is a ${kind}; only functions, a memory and a table are given`],
  });
}

export function importType(module: string, name: string, found: FunctionType, expected: FunctionType): Diagnostic {
  return error("wasm/import-type", `import ${module}.${name} has type ${formatType(found)}`, {
    notes: [`expected ${formatType(expected)}`],
  });
}

export function callbackType(name: string, found: FunctionType, expected: FunctionType): Diagnostic {
  return error("wasm/callback-type", `export ${name} has type ${formatType(found)}`, {
    notes: [`expected ${formatType(expected)}`],
  });
}

export function missingAllocator(): Diagnostic {
  return error("wasm/missing-allocator", "Wasm module is missing malloc function.", {
    notes: ["neither proxy_on_memory_allocate nor malloc is exported, so results cannot be handed over"],
  });
}

export function unusableMemory(reason: string): Diagnostic {
  return error("wasm/unusable-memory", `the module's memory cannot be used: ${reason}`);
}

export function tooLargeTable(found: number, most: number): Diagnostic {
  return error("wasm/unusable-table", `the module's table begins with ${found} elements, at most ${most} are allowed`);
}

export function tooLargeModule(found: number, most: number): Diagnostic {
  return error("wasm/too-large-module", `the module has ${found} bytes, at most ${most} are allowed`);
}

export function tooManyVms(most: number): Diagnostic {
  return error("wasm/too-many-vms", `there are ${most} wasm VMs on this thread, the most that there may be`);
}

export function startFailed(source: string, failure: Diagnostic): Diagnostic {
  return error("wasm/start-failed", `plugin "${source}" failed to start: ${failure.message}`, {
    notes: failure.notes,
    stack: failure.stack,
  });
}

export function vmStartRefused(plugin: string, lastWords: string): Diagnostic {
  return refused("wasm/vm-start-refused", plugin, "proxy_on_vm_start answered false", lastWords);
}

export function configureRefused(plugin: string, lastWords: string): Diagnostic {
  return refused("wasm/configure-refused", plugin, "proxy_on_configure answered false", lastWords);
}

function refused(code: string, plugin: string, what: string, lastWords: string): Diagnostic {
  const message = `Unable to create Wasm plugin ${plugin}: ${what}`;
  return error(code, message, lastWords === "" ? {} : { notes: [`its last words: ${lastWords}`] });
}

/** A guest that trapped, was stopped, or exited. */
export function trap(
  where: string,
  reason: string,
  frames: readonly GuestFrame[],
  lastWords: string,
  module: WasmModule,
): Diagnostic {
  // The reason of an abort is the text that was logged.
  const notes = lastWords === "" || reason.includes(lastWords) ? [] : [`its last words: ${lastWords}`];
  if (typeof module.sourceMap === "string") notes.push(module.sourceMap);
  return error("wasm/trap", `Function: ${where} failed: ${reason}`, {
    notes,
    stack: frames.map((frame) => `${frame.name} (${frame.place ?? `0x${frame.offset.toString(16)}`})`),
  });
}
