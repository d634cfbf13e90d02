// host/wasm/component/plan.ts: checks a component against the world and says how to run it.
// pure: no I/O, no clock, no runtime globals
/**
 * Everything that keeps a component from being a filter is found at once, as for modules (`linker.ts`).
 *
 * @module
 */
import {
  COMPONENT_EXPORTS,
  COMPONENT_IMPORTS,
  COMPONENT_PACKAGE,
  COMPONENT_VERSION,
  type ComponentFunctionRow,
} from "../../../abi/mod.ts";
import type { Diagnostic } from "../../base/diagnostic.ts";
import * as problems from "./diagnostics.ts";
import type {
  ComponentLayout,
  ComponentLinks,
  CoreExport,
  ExportedFunction,
  LiftedFunction,
  StringEncoding,
} from "./layout.ts";
import { hasWasiFunction } from "./component_wasi.ts";

/** Instances of core modules: each may have a memory and tables. Tools make three of most components. */
const MAX_INSTANCES = 32;

/** `nuncio:filter/http@0.1.3` is interface `http`. */
const INTERFACE = new RegExp(
  `^${COMPONENT_PACKAGE}/([a-z-]+)@${COMPONENT_VERSION.replace(/\d+$/, "").replaceAll(".", "\\.")}\\d+$`,
);

/** The world's interface that a component calls so, or null. */
export function interfaceName(name: string): string | null {
  return INTERFACE.exec(name)?.[1] ?? null;
}

/** `wasi:io/streams@0.2.3` is interface `io/streams` of WASI. */
export function wasiInterface(name: string): string | null {
  return /^wasi:([a-z-]+\/[a-z-]+)@0\.2\.\d+$/.exec(name)?.[1] ?? null;
}

/** The name under which a row's function is known here. */
export function functionKey(row: Pick<ComponentFunctionRow, "interface" | "name">): string {
  return `${row.interface}.${row.name}`;
}

const IMPORTS = new Map(COMPONENT_IMPORTS.map((row) => [functionKey(row), row]));

/** How to link a component, or everything that is wrong with it. */
export function planLinks(layout: ComponentLayout): ComponentLinks | readonly Diagnostic[] {
  const callbacks = new Map<string, LiftedFunction>();
  const found = [...checkImports(layout), ...collectCallbacks(layout, callbacks)];
  if (found.length > 0) return found;
  const options = commonOptions(layout, callbacks);
  if (typeof options === "string") return [problems.unusableComponent(options)];
  const { instances, functions, tables, memories, globals, destructors } = layout;
  const owner = instances[memories[options.memory]!.instance]!;
  if (owner.kind !== "module") return [problems.unusableComponent("its memory is no module's")];
  const modules = instances.filter((each) => each.kind === "module").map((each) => each.module);
  if (modules.length > MAX_INSTANCES) {
    return [
      problems.unusableComponent(`it is made of ${modules.length} instances, at most ${MAX_INSTANCES} are allowed`),
    ];
  }
  if (modules.filter((module) => module === owner.module).length > 1) {
    return [problems.unusableComponent("the module that has its memory is instantiated more than once")];
  }
  return {
    instances,
    functions,
    tables,
    memories,
    globals,
    destructors,
    callbacks,
    ...options,
    mainPart: owner.module,
  };
}

function checkImports(layout: ComponentLayout): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const each of layout.functions) {
    if (each.kind === "resource" && each.resource < 0 && each.action !== "drop") {
      found.push(problems.unusableComponent("it makes a resource of somebody else"));
    }
    if (each.kind !== "lower") continue;
    const wasi = wasiInterface(each.interface);
    if (wasi !== null && hasWasiFunction(wasi, each.name)) continue;
    const name = interfaceName(each.interface);
    const row = name === null ? undefined : IMPORTS.get(functionKey({ interface: name, name: each.name }));
    if (row === undefined) found.push(problems.missingComponentImport(each.interface, each.name));
    else if (row.type !== each.type) {
      found.push(problems.componentFunctionType("import", `${each.interface}.${each.name}`, each.type, row.type));
    }
  }
  return found;
}

function collectCallbacks(layout: ComponentLayout, callbacks: Map<string, LiftedFunction>): Diagnostic[] {
  const found: Diagnostic[] = [];
  const exported = new Map<string, ReadonlyMap<string, ExportedFunction>>();
  for (const [name, functions] of layout.exports) {
    const known = interfaceName(name);
    if (known !== null) exported.set(known, functions);
  }
  if (!exported.has("plugin") || (!exported.has("http") && !exported.has("tcp"))) {
    return [problems.unknownComponentWorld([...layout.exports.keys()])];
  }
  for (const row of COMPONENT_EXPORTS) {
    const functions = exported.get(row.interface);
    if (functions === undefined) continue;
    const each = functions.get(row.name);
    const name = `${COMPONENT_PACKAGE}/${row.interface}.${row.name}`;
    if (each === undefined) found.push(problems.missingComponentExport(name));
    else if (each.type !== row.type) found.push(problems.componentFunctionType("export", name, each.type, row.type));
    else callbacks.set(functionKey(row), each.lift);
  }
  return found;
}

interface CommonOptions {
  readonly memory: number;
  readonly realloc: number;
  readonly encoding: StringEncoding;
}

/** What the functions of the component have in common, or a text that says why they have nothing. */
function commonOptions(
  layout: ComponentLayout,
  callbacks: ReadonlyMap<string, LiftedFunction>,
): CommonOptions | string {
  const lowered = layout.functions.filter((each) => each.kind === "lower");
  const lifted = COMPONENT_EXPORTS.flatMap((row) => {
    const lift = callbacks.get(functionKey(row));
    return lift === undefined ? [] : [{ ...lift, type: row.type }];
  });
  const memories = [...lifted, ...lowered].flatMap(({ memory }) => memory === null ? [] : [memory]);
  const reallocs = lifted.flatMap(({ realloc }) => realloc === null ? [] : [realloc]);
  const [memory] = memories;
  const [realloc] = reallocs;
  if (memory === undefined || realloc === undefined) return "it has no memory or no allocator";
  const memoryKeys = new Set(memories.map((index) => exportKey(layout.memories[index]!)));
  if (memoryKeys.size > 1) return "its functions use more than one memory";
  const allocatorKeys = new Set(reallocs.map((index) => functionId(layout, index)));
  if (allocatorKeys.size > 1) return "its exports use more than one allocator";
  // Those without texts need not say how they would have them.
  const encodings = new Set(lifted.filter(({ type }) => type.includes("string")).map(({ encoding }) => encoding));
  if (encodings.size > 1) return "its exports use more than one encoding of text";
  return { memory, realloc, encoding: [...encodings][0] ?? "utf8" };
}

/** The same for all names that a core function has. */
function functionId(layout: ComponentLayout, index: number): string {
  const each = layout.functions[index]!;
  return each.kind === "export" ? exportKey(each) : `#${index}`;
}

function exportKey({ instance, name }: CoreExport): string {
  return `${instance}.${name}`;
}
