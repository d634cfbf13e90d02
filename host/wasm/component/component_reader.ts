// host/wasm/component/component_reader.ts: reads how a component is put together of core modules.
// pure: no I/O, no clock, no runtime globals
/**
 * A component is a list of definitions that refer to earlier ones by index: core modules, their instances,
 * functions made fit for them (`canon lower`), functions of theirs made fit for the outside (`canon lift`),
 * types, and inner components, which tools use to give exports their names. The reader carries that out as far
 * as it can be without running anything; what is left is a `ComponentLayout`.
 *
 * It is for components that were validated before (`ComponentTranspiler`). What it does not know it refuses.
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
 * @module
 */
import { BinaryReader, UnreadableModule } from "../binary_reader.ts";
import { FIRST_SECTION, readSections } from "../sections.ts";
import { type ComponentType, isResource, readType, typeOfBound, TypeScope } from "./component_types.ts";
import type {
  CanonOptions,
  ComponentLayout,
  CoreExport,
  CoreFunction,
  CoreInstance,
  CoreItem,
  ExportedFunction,
  LiftedFunction,
  StringEncoding,
} from "./layout.ts";

/** A function as the component model sees it. */
export type ComponentFunction =
  | { readonly kind: "import"; readonly interface: string; readonly name: string; readonly type: string }
  | { readonly kind: "lift"; readonly lift: LiftedFunction; readonly type: string };

/** What an instance or an inner component's argument can be. */
type Item =
  | { readonly sort: "func"; readonly func: ComponentFunction }
  | { readonly sort: "type"; readonly type: ComponentType }
  | { readonly sort: "instance"; readonly items: Items }
  | { readonly sort: "component"; readonly component: InnerComponent };
type Items = ReadonlyMap<string, Item>;

interface InnerComponent {
  readonly start: number;
  readonly end: number;
  readonly scope: Scope;
}

/** Inner components may be instantiated in one another; this many times at most. */
const MAX_INSTANTIATIONS = 256;

/** The index spaces of one component. Core ones hold indexes of the layout's lists. */
class Scope extends TypeScope {
  readonly modules: number[] = [];
  readonly coreInstances: number[] = [];
  readonly coreFunctions: number[] = [];
  readonly coreTables: number[] = [];
  readonly coreMemories: number[] = [];
  readonly coreGlobals: number[] = [];
  readonly functions: ComponentFunction[] = [];
  readonly instances: Items[] = [];
  readonly components: InnerComponent[] = [];
  readonly exports = new Map<string, Item>();
}

/** What a component says, or a text that names what could not be read. */
export function readComponent(bytes: Uint8Array): ComponentLayout | string {
  try {
    return new ComponentReader(bytes).read();
  } catch (error) {
    if (error instanceof UnreadableModule) return error.message;
    // The stack ended: types and components may be in one another.
    if (error instanceof RangeError) return "it is nested too deeply";
    throw error;
  }
}

class ComponentReader {
  readonly #bytes: Uint8Array;
  readonly #modules: { start: number; end: number }[] = [];
  readonly #instances: CoreInstance[] = [];
  readonly #functions: CoreFunction[] = [];
  readonly #tables: CoreExport[] = [];
  readonly #memories: CoreExport[] = [];
  readonly #globals: CoreExport[] = [];
  readonly #destructors: (number | null)[] = [];
  #instantiations = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  read(): ComponentLayout {
    const scope = new Scope(null);
    this.#readSections(scope, FIRST_SECTION, this.#bytes.length, null);
    const exports = new Map<string, Map<string, ExportedFunction>>();
    for (const [name, item] of scope.exports) {
      if (item.sort !== "instance") continue;
      const functions = new Map<string, ExportedFunction>();
      for (const [key, each] of item.items) {
        if (each.sort === "func" && each.func.kind === "lift") {
          functions.set(key, { type: each.func.type, lift: each.func.lift });
        }
      }
      exports.set(name, functions);
    }
    return {
      modules: this.#modules,
      instances: this.#instances,
      functions: this.#functions,
      tables: this.#tables,
      memories: this.#memories,
      globals: this.#globals,
      destructors: this.#destructors,
      exports,
    };
  }

  /** `args` are what the component's imports are; null for the outermost one. */
  #readSections(scope: Scope, start: number, end: number, args: Items | null): void {
    for (const section of readSections(this.#bytes, start, end)) {
      const reader = new BinaryReader(this.#bytes, section.start, section.end);
      switch (section.id) {
        case 0:
          break;
        case 1:
          scope.modules.push(this.#modules.push({ start: section.start, end: section.end }) - 1);
          break;
        case 2:
          for (let count = reader.number(); count > 0; count--) this.#coreInstance(reader, scope);
          break;
        case 4:
          scope.components.push({ start: section.start + FIRST_SECTION, end: section.end, scope });
          break;
        case 5:
          for (let count = reader.number(); count > 0; count--) scope.instances.push(this.#instance(reader, scope));
          break;
        case 6:
          for (let count = reader.number(); count > 0; count--) this.#alias(reader, scope);
          break;
        case 7:
          for (let count = reader.number(); count > 0; count--) this.#type(reader, scope);
          break;
        case 8:
          for (let count = reader.number(); count > 0; count--) this.#canon(reader, scope);
          break;
        case 10:
          for (let count = reader.number(); count > 0; count--) this.#import(reader, scope, args);
          break;
        case 11:
          for (let count = reader.number(); count > 0; count--) this.#export(reader, scope);
          break;
        default:
          throw new UnreadableModule(`component section ${section.id}`);
      }
    }
  }

  #coreInstance(reader: BinaryReader, scope: Scope): void {
    const kind = reader.byte();
    if (kind === 0) {
      const module = at(scope.modules, reader.number());
      const args: [string, number][] = [];
      for (let count = reader.number(); count > 0; count--) {
        const name = reader.name();
        expect(reader, 0x12);
        args.push([name, at(scope.coreInstances, reader.number())]);
      }
      scope.coreInstances.push(this.#instances.push({ kind: "module", module, args }) - 1);
      return;
    }
    if (kind !== 1) throw new UnreadableModule(`core instance of kind ${kind}`);
    const items: [string, CoreItem][] = [];
    for (let count = reader.number(); count > 0; count--) {
      const name = reader.name();
      const sort = reader.byte();
      const index = reader.number();
      if (sort === 0) items.push([name, { sort: "func", index: at(scope.coreFunctions, index) }]);
      else if (sort === 1) items.push([name, { sort: "table", index: at(scope.coreTables, index) }]);
      else if (sort === 2) items.push([name, { sort: "memory", index: at(scope.coreMemories, index) }]);
      else if (sort === 3) items.push([name, { sort: "global", index: at(scope.coreGlobals, index) }]);
      else throw new UnreadableModule(`core sort ${sort} in an instance`);
    }
    scope.coreInstances.push(this.#instances.push({ kind: "items", items }) - 1);
  }

  #instance(reader: BinaryReader, scope: Scope): Items {
    const kind = reader.byte();
    if (kind === 0) {
      const component = at(scope.components, reader.number());
      const args = new Map<string, Item>();
      for (let count = reader.number(); count > 0; count--) {
        const name = reader.name();
        const item = this.#sortIndex(reader, scope);
        if (item !== null) args.set(name, item);
      }
      if (++this.#instantiations > MAX_INSTANTIATIONS) throw new UnreadableModule("more inner components than 256");
      const inner = new Scope(component.scope);
      this.#readSections(inner, component.start, component.end, args);
      return inner.exports;
    }
    if (kind !== 1) throw new UnreadableModule(`instance of kind ${kind}`);
    const items = new Map<string, Item>();
    for (let count = reader.number(); count > 0; count--) {
      const name = externName(reader);
      const item = this.#sortIndex(reader, scope);
      if (item !== null) items.set(name, item);
    }
    return items;
  }

  /** What a sort and an index mean; null for core things, which nothing but exports of modules mention. */
  #sortIndex(reader: BinaryReader, scope: Scope): Item | null {
    const sort = reader.byte();
    if (sort === 0) {
      reader.byte();
      reader.number();
      return null;
    }
    const index = reader.number();
    switch (sort) {
      case 1:
        return { sort: "func", func: at(scope.functions, index) };
      case 3:
        return { sort: "type", type: scope.typeAt(index) };
      case 4:
        return { sort: "component", component: at(scope.components, index) };
      case 5:
        return { sort: "instance", items: at(scope.instances, index) };
      default:
        throw new UnreadableModule(`sort ${sort}`);
    }
  }

  /** Gives something the next index of its kind. */
  #add(scope: Scope, item: Item): void {
    if (item.sort === "func") scope.functions.push(item.func);
    else if (item.sort === "type") scope.types.push(item.type);
    else if (item.sort === "instance") scope.instances.push(item.items);
    else scope.components.push(item.component);
  }

  #alias(reader: BinaryReader, scope: Scope): void {
    const sort = reader.byte();
    const coreSort = sort === 0 ? reader.byte() : 0;
    const target = reader.byte();
    if (target === 0) {
      const items = at(scope.instances, reader.number());
      const name = reader.name();
      const item = items.get(name);
      if (item === undefined) throw new UnreadableModule(`an alias of ${JSON.stringify(name)}, which is not there`);
      return this.#add(scope, item);
    }
    if (target === 1) {
      const entry: CoreExport = { instance: at(scope.coreInstances, reader.number()), name: reader.name() };
      if (coreSort === 0) {
        scope.coreFunctions.push(this.#functions.push({ kind: "export", ...entry }) - 1);
      } else if (coreSort === 1) scope.coreTables.push(this.#tables.push(entry) - 1);
      else if (coreSort === 2) scope.coreMemories.push(this.#memories.push(entry) - 1);
      else if (coreSort === 3) scope.coreGlobals.push(this.#globals.push(entry) - 1);
      else throw new UnreadableModule(`an alias of core sort ${coreSort}`);
      return;
    }
    if (target !== 2) throw new UnreadableModule(`an alias of kind ${target}`);
    const outer = scope.outer(reader.number()) as Scope;
    const index = reader.number();
    if (sort === 3) scope.types.push(outer.typeAt(index));
    else if (sort === 4) scope.components.push(at(outer.components, index));
    else if (sort === 0 && coreSort === 0x11) scope.modules.push(at(outer.modules, index));
    else throw new UnreadableModule(`an outer alias of sort ${sort}`);
  }

  #type(reader: BinaryReader, scope: Scope): void {
    const type = readType(reader, scope);
    if (!isResource(type) || type.destructor === undefined) {
      scope.types.push(type);
      return;
    }
    const destructor = type.destructor === null ? null : at(scope.coreFunctions, type.destructor);
    scope.types.push({ ...type, resource: this.#destructors.push(destructor) - 1 });
  }

  #canon(reader: BinaryReader, scope: Scope): void {
    const kind = reader.byte();
    switch (kind) {
      case 0: {
        expect(reader, 0);
        const core = at(scope.coreFunctions, reader.number());
        const options = this.#options(reader, scope);
        const type = scope.typeAt(reader.number());
        if (type.kind !== "func") throw new UnreadableModule("a function whose type is none");
        scope.functions.push({
          kind: "lift",
          lift: { function: core, resource: type.resource ?? null, ...options },
          type: type.text,
        });
        return;
      }
      case 1: {
        expect(reader, 0);
        const func = at(scope.functions, reader.number());
        const { memory, realloc, encoding } = this.#options(reader, scope);
        const lowered: CoreFunction = func.kind === "lift"
          ? { kind: "call", type: func.type }
          : { ...func, kind: "lower", memory, realloc, encoding };
        scope.coreFunctions.push(this.#functions.push(lowered) - 1);
        return;
      }
      case 2:
      case 3:
      case 4: {
        const type = scope.typeAt(reader.number());
        if (!isResource(type)) throw new UnreadableModule("a resource whose type is none");
        const action = kind === 2 ? "new" : kind === 3 ? "drop" : "rep";
        const made: CoreFunction = { kind: "resource", action, resource: type.resource ?? -1 };
        scope.coreFunctions.push(this.#functions.push(made) - 1);
        return;
      }
      default:
        throw new UnreadableModule(`canonical function 0x${kind.toString(16)}, of asynchronous components`);
    }
  }

  #options(reader: BinaryReader, scope: Scope): CanonOptions {
    let encoding: StringEncoding = "utf8";
    let memory: number | null = null;
    let realloc: number | null = null;
    let postReturn: number | null = null;
    for (let count = reader.number(); count > 0; count--) {
      const option = reader.byte();
      if (option === 0) encoding = "utf8";
      else if (option === 1) encoding = "utf16";
      else if (option === 2) encoding = "latin1+utf16";
      else if (option === 3) memory = at(scope.coreMemories, reader.number());
      else if (option === 4) realloc = at(scope.coreFunctions, reader.number());
      else if (option === 5) postReturn = at(scope.coreFunctions, reader.number());
      else throw new UnreadableModule(`canonical option ${option}, of asynchronous components`);
    }
    return { encoding, memory, realloc, postReturn };
  }

  #import(reader: BinaryReader, scope: Scope, args: Items | null): void {
    const name = externName(reader);
    const kind = reader.byte();
    if (kind === 3) {
      const bound = typeOfBound(reader, scope);
      const given = args?.get(name);
      scope.types.push(given?.sort === "type" ? given.type : bound);
      return;
    }
    if (kind !== 1 && kind !== 4 && kind !== 5) throw new UnreadableModule(`an import of kind ${kind}`);
    const type = scope.typeAt(reader.number());
    if (args !== null) {
      const given = args.get(name);
      if (given === undefined) throw new UnreadableModule(`no argument ${JSON.stringify(name)}`);
      return this.#add(scope, given);
    }
    if (kind === 5 && type.kind === "instance") {
      const items = new Map<string, Item>();
      for (const [key, text] of type.functions) {
        items.set(key, { sort: "func", func: { kind: "import", interface: name, name: key, type: text } });
      }
      for (const [key, each] of type.types) items.set(key, { sort: "type", type: each });
      scope.instances.push(items);
    } else if (kind === 1 && type.kind === "func") {
      scope.functions.push({ kind: "import", interface: "", name, type: type.text });
    } else throw new UnreadableModule(`import ${JSON.stringify(name)} is a component`);
  }

  #export(reader: BinaryReader, scope: Scope): void {
    const name = externName(reader);
    const item = this.#sortIndex(reader, scope);
    if (reader.byte() === 1) {
      // The type under which it is exported: that of the thing itself, seen through other names.
      const kind = reader.byte();
      if (kind === 3) typeOfBound(reader, scope);
      else reader.number();
    }
    if (item === null) throw new UnreadableModule("a core module as an export");
    scope.exports.set(name, item);
    this.#add(scope, item);
  }
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new UnreadableModule(`index ${index} of ${list.length}`);
  return item;
}

function expect(reader: BinaryReader, byte: number): void {
  const found = reader.byte();
  if (found !== byte) throw new UnreadableModule(`byte ${found}, expected ${byte}`);
}

/** The name of an import or export; a version may follow it. */
function externName(reader: BinaryReader): string {
  const kind = reader.byte();
  if (kind > 2) throw new UnreadableModule(`a name of kind ${kind}`);
  const name = reader.name();
  if (kind === 2) { for (let count = reader.number(); count > 0; count--) reader.name(); }
  return name;
}
