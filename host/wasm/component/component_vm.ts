// host/wasm/component/component_vm.ts: makes a VM of a component: links its modules and starts them.
// pure: no I/O, no clock, no runtime globals
/**
 * @module
 */
import { COMPONENT_EXPORTS, COMPONENT_IMPORTS } from "../../../abi/mod.ts";
import { CallTracer } from "../call_trace.ts";
import { NO_CALLBACKS } from "../callbacks.ts";
import { startFailed } from "../diagnostics.ts";
import type { Fuel } from "../fuel.ts";
import type { VmResult } from "../instance.ts";
import type { WasmModule } from "../module.ts";
import type { LogSource, WasmEnvironment } from "../ports.ts";
import { keepFrames } from "../trace.ts";
import { Vm } from "../vm.ts";
import type { VmOptions } from "../vm_options.ts";
import { ComponentCallbacks } from "./component_callbacks.ts";
import {
  ComponentGuest,
  type ComponentImport,
  type CoreCall,
  type GuestExport,
  HandleTable,
  MAX_HANDLES,
} from "./component_guest.ts";
import { componentImport } from "./component_imports.ts";
import { ComponentCallText } from "./component_trace.ts";
import { ComponentValues, type Realloc } from "./component_values.ts";
import type { ComponentPlan, CoreExport, CoreItem, LoweredFunction } from "./layout.ts";
import { wasiImport } from "./component_wasi.ts";
import { functionKey, interfaceName, wasiInterface } from "./plan.ts";

/** A running VM, or what kept it from running. */
export function createComponentVm(
  module: WasmModule,
  plan: ComponentPlan,
  options: VmOptions,
  environment: WasmEnvironment,
  source: LogSource,
): VmResult {
  const vm = new Vm(module, NO_CALLBACKS, options, environment, source);
  const tracer = options.callTrace === "off" ? null : new CallTracer(vm, options.callTrace === "values");
  keepFrames();
  const linker = new ComponentLinker(plan, vm, tracer);
  vm.start("instantiation", () => linker.instantiate());
  if (vm.failure !== null) return { diagnostics: [startFailed(source.pluginName, vm.failure.diagnostic)] };
  linker.bind(options.allowedCapabilities);
  return { vm };
}

/**
 * The fuel of all parts of a component as one number, which is that of the filter's own code less what the other
 * parts have spent. Those are refilled with a share each, so that all of them together cannot spend more than
 * once again as much before anybody looks.
 */
class ComponentFuel implements Fuel {
  readonly #first: Fuel;
  readonly #others: readonly Fuel[];
  #share = 0;

  constructor(fuels: readonly Fuel[]) {
    this.#first = fuels[0]!;
    this.#others = fuels.slice(1);
  }

  get value(): number {
    let value = this.#first.value;
    for (const each of this.#others) {
      const left = each.value;
      // It is that part which has ended the guest, whatever the others have left.
      if (left < 0) return -1;
      value -= this.#share - left;
    }
    return value;
  }

  set value(value: number) {
    this.#first.value = value;
    const { length } = this.#others;
    if (length === 0) return;
    this.#share = value < 0 ? value : Math.floor(value / length);
    for (const each of this.#others) each.value = this.#share;
  }
}

class ComponentLinker {
  readonly #plan: ComponentPlan;
  readonly #vm: Vm;
  readonly #instances: WebAssembly.Exports[] = [];
  readonly #functions: CoreCall[] = [];
  readonly #tracer: CallTracer | null;
  readonly #handles: readonly HandleTable[];
  readonly #fuels: WebAssembly.Global[] = [];
  /** Units that parts have spent while they were made. */
  #spentAtStart = 0;
  #guest: ComponentGuest | null = null;

  constructor(plan: ComponentPlan, vm: Vm, tracer: CallTracer | null) {
    this.#plan = plan;
    this.#vm = vm;
    this.#tracer = tracer;
    this.#handles = plan.links.destructors.map(() => new HandleTable());
  }

  /** Makes the instances, in order; a part may run code while it is made. */
  instantiate(): void {
    const { parts, links } = this.#plan;
    for (const each of links.instances) {
      if (each.kind === "items") {
        const items = Object.create(null) as WebAssembly.Exports;
        for (const [name, item] of each.items) items[name] = this.#item(item);
        this.#instances.push(items);
        continue;
      }
      const imports = Object.create(null) as Record<string, WebAssembly.ModuleImports>;
      for (const [name, instance] of each.args) imports[name] = this.#instances[instance]! as WebAssembly.ModuleImports;
      const part = parts[each.module]!;
      const { exports } = new WebAssembly.Instance(part.code, imports);
      this.#instances.push(exports);
      const fuel = part.fuelExport === null ? undefined : exports[part.fuelExport];
      if (!(fuel instanceof WebAssembly.Global)) continue;
      // The filter's own code spends most.
      if (each.module === links.mainPart) this.#fuels.unshift(fuel);
      else this.#fuels.push(fuel);
      this.#payStart(part.startFuel - (fuel.value as number));
    }
  }

  /** Each part starts with a whole budget, and all of them have one together. */
  #payStart(spent: number): void {
    const { startCpuBudget } = this.#vm.options;
    this.#spentAtStart += spent;
    if (this.#spentAtStart > startCpuBudget) {
      this.#vm.stop(`cpu budget exhausted: its parts have spent the ${startCpuBudget} units of their start`);
    }
  }

  bind(allowed: ReadonlySet<string> | null): void {
    const { links } = this.#plan;
    const vm = this.#vm;
    const realloc = this.#function(links.realloc) as unknown as Realloc;
    const values = new ComponentValues(vm, realloc, links.encoding);
    const exports = new Map<string, GuestExport>();
    for (const [key, each] of links.callbacks) {
      const postReturn = each.postReturn === null ? null : this.#function(each.postReturn);
      exports.set(key, { call: this.#traced(key, this.#function(each.function)), resource: each.resource, postReturn });
    }
    const destructors = links.destructors.map((each) => each === null ? null : this.#function(each));
    this.#guest = new ComponentGuest(vm, values, exports, this.#handles, destructors);
    const callbacks = new ComponentCallbacks(this.#guest, allowed);
    vm.memory.bind(this.#export(links.memories[links.memory]!) as WebAssembly.Memory);
    const allocate = (size: number): number => realloc(0, 0, 1, size);
    vm.bind(callbacks.current, allocate, this.#fuels.length === 0 ? null : new ComponentFuel(this.#fuels));
  }

  /** An export whose calls are written down, when they are to be. */
  #traced(key: string, call: CoreCall): CoreCall {
    const tracer = this.#tracer;
    const row = COMPONENT_EXPORTS.find((row) => functionKey(row) === key);
    if (tracer === null || row === undefined) return call;
    const text = new ComponentCallText(this.#vm, row.type, this.#plan.links.encoding, false, tracer.showsValues);
    return tracer.exported(key, call, text) as CoreCall;
  }

  #export({ instance, name }: CoreExport): WebAssembly.ExportValue {
    return this.#instances[instance]![name]!;
  }

  #item(item: CoreItem): WebAssembly.ExportValue {
    const { links } = this.#plan;
    switch (item.sort) {
      case "func":
        return this.#function(item.index);
      case "table":
        return this.#export(links.tables[item.index]!);
      case "memory":
        return this.#export(links.memories[item.index]!);
      case "global":
        return this.#export(links.globals[item.index]!);
    }
  }

  #function(index: number): CoreCall {
    return this.#functions[index] ??= this.#makeFunction(index);
  }

  #makeFunction(index: number): CoreCall {
    const row = this.#plan.links.functions[index]!;
    switch (row.kind) {
      case "export":
        return this.#export(row) as CoreCall;
      case "lower":
        return this.#hostFunction(row);
      case "call":
        // Its arguments would have to be moved from one memory to another.
        return () => this.#vm.stop(`a call of ${row.type} from one inner component to another`);
      case "resource":
        return this.#resourceFunction(row.action, row.resource);
    }
  }

  #hostFunction(row: LoweredFunction): CoreCall {
    const tracer = this.#tracer;
    const plain = this.#hostImport(row);
    if (tracer === null) return this.#vm.guarded(plain) as CoreCall;
    const text = new ComponentCallText(this.#vm, row.type, row.encoding, true, tracer.showsValues);
    const shown = `${interfaceName(row.interface) ?? `wasi:${wasiInterface(row.interface)}`}.${row.name}`;
    return this.#vm.guarded(tracer.hostcall({ module: row.interface, name: shown }, plain, text)) as CoreCall;
  }

  #hostImport(lowered: LoweredFunction): ComponentImport {
    const vm = this.#vm;
    const { name } = lowered;
    const wasi = wasiInterface(lowered.interface);
    if (wasi !== null) {
      return wasiImport(wasi, name, vm, () => this.#guestOf(lowered) ?? vm.refuse(`wasi:${wasi} ${name}`));
    }
    const key = functionKey({ interface: interfaceName(lowered.interface)!, name });
    const row = COMPONENT_IMPORTS.find((row) => functionKey(row) === key)!;
    return componentImport(row, vm, () => this.#guestOf(lowered) ?? vm.refuse(key));
  }

  /** The guest as a function of the host sees it: what it is given is allocated as that function says. */
  #guestOf({ realloc, encoding }: LoweredFunction): ComponentGuest | null {
    const { links } = this.#plan;
    this.#guest ??= this.#startingGuest();
    if (this.#guest === null || realloc === null && encoding === links.encoding) return this.#guest;
    const allocator = realloc ?? links.realloc;
    const values = new ComponentValues(this.#vm, this.#function(allocator) as unknown as Realloc, encoding);
    return this.#guest.withValues(values);
  }

  /**
   * What there is of the guest while a start function runs, which may ask for what libraries begin with; null
   * when the memory is not there yet.
   */
  #startingGuest(): ComponentGuest | null {
    const { links } = this.#plan;
    const memory = links.memories[links.memory]!;
    const realloc = links.functions[links.realloc]!;
    const made = this.#instances.length;
    if (memory.instance >= made || realloc.kind !== "export" || realloc.instance >= made) return null;
    const vm = this.#vm;
    vm.memory.bind(this.#export(memory) as WebAssembly.Memory);
    // Its own fuel pays for what the host does meanwhile.
    vm.bind(NO_CALLBACKS, null, this.#fuels[0] ?? null);
    const values = new ComponentValues(vm, this.#function(links.realloc) as unknown as Realloc, links.encoding);
    return new ComponentGuest(vm, values, new Map(), this.#handles, []);
  }

  #resourceFunction(action: "new" | "drop" | "rep", resource: number): CoreCall {
    const vm = this.#vm;
    // Handles that the host has given stand for nothing that would have to end.
    const made: CoreCall = resource < 0
      ? () => undefined
      : this.#ownResource(action, this.#handles[resource]!, resource);
    return vm.guarded((...args: (number | bigint)[]) => {
      vm.chargeHostcall();
      return made(...args);
    }) as CoreCall;
  }

  #ownResource(action: "new" | "drop" | "rep", handles: HandleTable, resource: number): CoreCall {
    const vm = this.#vm;
    const missing = (handle: unknown): never => vm.stop(`handle ${handle} of a resource that it does not have`);
    if (action === "new") {
      return (rep) => handles.add(Number(rep)) ?? vm.stop(`more than ${MAX_HANDLES} handles of a resource at once`);
    }
    if (action === "rep") return (handle) => handles.get(Number(handle)) ?? missing(handle);
    return (handle): undefined => {
      const rep = handles.take(Number(handle)) ?? missing(handle);
      this.#guest?.destructors[resource]?.(rep);
    };
  }
}
