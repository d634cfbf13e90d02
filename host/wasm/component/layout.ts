// host/wasm/component/layout.ts: what a component consists of, as plain data.
// pure: no I/O, no clock, no runtime globals
/**
 * Lists in the order of definition: whatever an entry refers to has a lower index in its own list, and
 * functions refer only to instances that were made before the instance which uses them.
 *
 * @module
 */

export type StringEncoding = "utf8" | "utf16" | "latin1+utf16";

/** Indexes of `memories` and `functions`. */
export interface CanonOptions {
  readonly encoding: StringEncoding;
  readonly memory: number | null;
  readonly realloc: number | null;
  readonly postReturn: number | null;
}

/** An export of a core instance. */
export interface CoreExport {
  readonly instance: number;
  readonly name: string;
}

/** A function of the host, with `interface` and `name` as the component imports it. */
export interface LoweredFunction {
  readonly kind: "lower";
  readonly interface: string;
  readonly name: string;
  readonly type: string;
  readonly encoding: StringEncoding;
  readonly memory: number | null;
  /** Allocates what it is given; adapters have one of their own. */
  readonly realloc: number | null;
}

export type CoreFunction =
  | ({ readonly kind: "export" } & CoreExport)
  | LoweredFunction
  /** A function of another component inside of this one. */
  | { readonly kind: "call"; readonly type: string }
  /** Handles of a resource that the component defines; -1 when it is not its own. */
  | { readonly kind: "resource"; readonly action: "new" | "drop" | "rep"; readonly resource: number };

export interface CoreItem {
  readonly sort: "func" | "table" | "memory" | "global";
  readonly index: number;
}

export type CoreInstance =
  | { readonly kind: "module"; readonly module: number; readonly args: readonly (readonly [string, number])[] }
  | { readonly kind: "items"; readonly items: readonly (readonly [string, CoreItem])[] };

/** A core function that is called from outside. */
export interface LiftedFunction extends CanonOptions {
  readonly function: number;
  /** The resource of the handle that it answers with. */
  readonly resource: number | null;
}

/** A function that a component exports. */
export interface ExportedFunction {
  readonly type: string;
  readonly lift: LiftedFunction;
}

/** A component, taken apart. */
export interface ComponentLayout {
  /** Where the core modules are in the component's bytes. */
  readonly modules: readonly { readonly start: number; readonly end: number }[];
  readonly instances: readonly CoreInstance[];
  readonly functions: readonly CoreFunction[];
  readonly tables: readonly CoreExport[];
  readonly memories: readonly CoreExport[];
  readonly globals: readonly CoreExport[];
  /** For each resource that the component defines the function that ends one. */
  readonly destructors: readonly (number | null)[];
  /** Functions by exported interface and name. */
  readonly exports: ReadonlyMap<string, ReadonlyMap<string, ExportedFunction>>;
}

/** A core module of a component. */
export interface ComponentPart {
  readonly code: WebAssembly.Module;
  /** The name that its fuel is exported by; null when it runs without limits. */
  readonly fuelExport: string | null;
  /** The fuel that it starts with. */
  readonly startFuel: number;
}

/** How a component is made run; plain data but for the compiled modules, so that it can be posted to workers. */
export interface ComponentPlan {
  readonly parts: readonly ComponentPart[];
  readonly links: ComponentLinks;
}

/** How the parts hang together. */
export interface ComponentLinks extends Omit<ComponentLayout, "modules" | "exports"> {
  /** What the host calls, by `interface.name`. */
  readonly callbacks: ReadonlyMap<string, LiftedFunction>;
  /** The memory that all functions use; the allocator and the encoding of text of those that the host calls. */
  readonly memory: number;
  readonly realloc: number;
  readonly encoding: StringEncoding;
  /** The module that has the memory: the filter's own code. */
  readonly mainPart: number;
}
