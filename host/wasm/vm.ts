// host/wasm/vm.ts: one instance of a module, and the guard around every call into it.
// pure: no I/O, no clock, no runtime globals
// hot: runs per callback and per host call; see bench/micro/wasm_hostcalls.bench.ts
/**
 * Invariants:
 *
 * - The guest is never entered while it runs, but for its allocator. What would enter it is deferred.
 * - A trap, or the decision to stop a guest, makes `failure` non-null for good; from then on no callback
 *   runs. The flag decides, not the exception: a guest can catch exceptions.
 * - While the guest starts or allocates, `context` is null and every proxy-wasm function but logging traps.
 *
 * @see Envoy: proxy-wasm-cpp-host include/proxy-wasm/wasm.h, wasm_vm.h
 * @module
 */
import { type AbiVersion, LogLevel } from "../../abi/mod.ts";
import { bug } from "../base/error.ts";
import type { Diagnostic } from "../base/diagnostic.ts";
import { callbackName, type Callbacks, type GuestFunction } from "./callbacks.ts";
import { CalloutQuota } from "./callout_quota.ts";
import type { Context } from "./context.ts";
import { ContextTable } from "./context_table.ts";
import * as problems from "./diagnostics.ts";
import { type Fuel, spend } from "./fuel.ts";
import { GuestExit } from "./guest_exit.ts";
import { GuestLog, type GuestLogOwner } from "./guest_log.ts";
import { GuestMemory } from "./memory.ts";
import { HOSTCALL_UNITS } from "./meter/code.ts";
import type { WasmModule } from "./module.ts";
import { Operations, type OperationsOwner } from "./operations.ts";
import type { LogSource, WasmEnvironment } from "./ports.ts";
import { guestFrames, trapMessage } from "./trace.ts";
import type { FailState, VmFailure, VmOptions } from "./vm_options.ts";

export class Vm implements GuestLogOwner, OperationsOwner {
  readonly options: VmOptions;
  readonly environment: WasmEnvironment;
  readonly abiVersion: AbiVersion;
  readonly module: WasmModule;
  readonly memory: GuestMemory = new GuestMemory();
  /** Who speaks when no plugin does. */
  readonly source: LogSource;
  readonly isEnvoyCompatible: boolean;
  /** Live contexts by id. */
  readonly contexts: ContextTable = new ContextTable();
  /** What host functions act on; null while the guest starts or allocates, and outside calls. */
  context: Context | null = null;
  failure: VmFailure | null = null;
  callbacks: Callbacks;
  /** Callbacks that were called. */
  calls = 0;
  /** Fuel that all calls so far have spent. */
  fuelSpent = 0;
  readonly callouts: CalloutQuota;
  #allocator: ((size: number) => number) | null = null;
  #fuel: Fuel | null = null;
  #running: GuestFunction | null = null;
  #inGuest = false;
  #starting = false;
  #nextContextId = 1;
  #nextCallout = 1;
  /** What it says, and what is said of it. */
  readonly log: GuestLog;
  /** What waits for the guest to return. */
  readonly operations: Operations;

  constructor(
    module: WasmModule,
    callbacks: Callbacks,
    options: VmOptions,
    environment: WasmEnvironment,
    source: LogSource,
  ) {
    this.module = module;
    // Modules without a version are refused before; see checkModule.
    this.abiVersion = module.info.abiVersion ?? "0.2.1";
    this.callbacks = callbacks;
    this.options = options;
    this.environment = environment;
    this.source = source;
    this.isEnvoyCompatible = options.compat === "envoy";
    this.callouts = new CalloutQuota(options);
    this.log = new GuestLog(this);
    this.operations = new Operations(this, environment.clock);
  }

  /** Gives the VM its exports, once the instance is made. */
  bind(callbacks: Callbacks, allocator: ((size: number) => number) | null, fuel: Fuel | null): void {
    this.callbacks = callbacks;
    this.#allocator = allocator;
    this.#fuel = fuel;
    this.memory.fuel = fuel;
  }

  /** Whose words the guest's are now. */
  get speaker(): LogSource {
    return this.context?.root.source ?? this.source;
  }

  get runningCallback(): string {
    return this.#running === null ? "start" : callbackName(this.callbacks, this.#running);
  }

  /** True while a guest frame is on the stack. */
  get inGuest(): boolean {
    return this.#inGuest;
  }

  /** An id that no live context has; 0 is the VM's. */
  newContextId(): number {
    let id = this.#nextContextId;
    while (id === 0 || this.contexts.get(id) !== null) id = (id + 1) >>> 0;
    this.#nextContextId = (id + 1) >>> 0;
    return id;
  }

  /** The next number that callout tokens of all kinds are made from. */
  newCalloutNumber(): number {
    const number = this.#nextCallout;
    this.#nextCallout = number === 0x3fffffff ? 1 : number + 1;
    return number;
  }

  /**
   * Calls the guest: `fn(context.id, a, b, c, d)`; functions that take less ignore the rest. 0 when the VM
   * has failed, before or in this call.
   */
  call(context: Context, fn: GuestFunction, a: number, b: number, c: number, d: number): number {
    if (this.failure !== null) return 0;
    // The message is made only when needed: this runs per callback.
    if (this.#inGuest) bug(true, `${callbackName(this.callbacks, fn)}: the guest is running already`);
    this.#inGuest = true;
    this.#running = fn;
    this.context = context;
    this.calls++;
    if (this.log.lastWords !== "") this.log.lastWords = "";
    const fuel = this.#fuel;
    const budget = fuel === null ? 0 : this.#budgetOf(fn);
    if (fuel !== null) fuel.value = budget;
    let result = 0;
    try {
      result = fn(context.id, a, b, c, d);
    } catch (error) {
      result = 0;
      this.#onThrow(error, "RuntimeError");
    }
    if (fuel !== null) this.fuelSpent += budget - fuel.value;
    if (this.log.hasOutput) this.log.flushOutput();
    this.context = null;
    this.#running = null;
    this.#inGuest = false;
    if (this.operations.isWaiting) this.operations.run();
    return this.failure === null ? result : 0;
  }

  #budgetOf(fn: GuestFunction): number {
    const { callbacks, options } = this;
    return fn === callbacks.proxy_on_vm_start || fn === callbacks.proxy_on_configure
      ? options.startCpuBudget
      : options.cpuBudget;
  }

  /** Runs one of the module's start functions; host functions but a few trap meanwhile. */
  start(name: string, fn: () => unknown): void {
    this.#inGuest = true;
    this.#starting = true;
    if (this.#fuel !== null) this.#fuel.value = this.options.startCpuBudget;
    try {
      fn();
    } catch (error) {
      if (!(error instanceof GuestExit) || error.fatal) this.#onThrow(error, "UnableToInitializeCode", name);
    }
    if (this.log.hasOutput) this.log.flushOutput();
    this.#starting = false;
    this.#inGuest = false;
  }

  get isStarting(): boolean {
    return this.#starting;
  }

  #onThrow(error: unknown, state: FailState, where?: string): void {
    const name = where ?? (this.#running === null ? "" : callbackName(this.callbacks, this.#running));
    const stack = error instanceof Error ? error.stack ?? "" : "";
    if (this.log.hasOutput) this.log.flushOutput();
    const frames = guestFrames(stack, this.module);
    const reason = this.#isExhausted(error) ? this.#exhaustion(where) : trapMessage(error);
    this.fail(state, problems.trap(name, reason, frames, this.log.lastWords, this.module));
  }

  /** Whether the guest trapped because it had nothing left to spend. */
  #isExhausted(error: unknown): boolean {
    return error instanceof WebAssembly.RuntimeError && this.#fuel !== null && this.#fuel.value < 0;
  }

  #exhaustion(where: string | undefined): string {
    const isCallback = where === undefined && this.#running !== null;
    const budget = isCallback ? this.#budgetOf(this.#running!) : this.options.startCpuBudget;
    return `cpu budget exhausted: plugin "${this.source.pluginName}" has spent the ${budget} units of this call`;
  }

  /** Charges a host function whose call the guest's own code does not pay for. */
  chargeHostcall(): void {
    this.charge(HOSTCALL_UNITS);
  }

  /** Has the guest pay for work of the host that its call alone does not cover. */
  charge(units: number): void {
    if (this.#fuel !== null) spend(this.#fuel, units);
  }

  /** Ends the VM for good. The first failure counts. */
  fail(state: FailState, diagnostic: Diagnostic): void {
    if (this.failure !== null) return;
    this.failure = { state, diagnostic };
    const source = this.speaker;
    let text = diagnostic.message;
    if (diagnostic.stack !== undefined && diagnostic.stack.length > 0) {
      text += "\nProxy-Wasm plugin in-VM backtrace:\n" +
        diagnostic.stack.map((frame, index) => `${String(index).padStart(3)}: ${frame}`).join("\n");
    }
    this.log.flush();
    this.log.say(LogLevel.Critical, source, text);
    this.environment.events?.onVmFailed?.(source, diagnostic.message, diagnostic);
    this.operations.announceFailure(this.contexts.all());
  }

  /**
   * Stops the guest from within a host function. The flag is set first: a guest that catches the exception
   * still never runs again once it has returned.
   */
  stop(reason: string): never {
    const exit = new GuestExit(reason, true);
    this.#onThrow(exit, this.#starting ? "UnableToInitializeCode" : "RuntimeError");
    // One that catches the exception gets no farther than its next loop or function.
    if (this.#fuel !== null) this.#fuel.value = -1;
    throw exit;
  }

  /**
   * A host function for guests that can catch exceptions. Whatever comes out of it ends the guest for good: a
   * fault of the host's, or an exception of the allocator, which has left the function half way. Without this
   * a guest could go on as if nothing were wrong. What has failed can call nothing any more.
   */
  guarded(fn: (...args: never[]) => unknown): (...args: never[]) => unknown {
    return (...args: never[]): unknown => {
      if (this.failure !== null) throw new GuestExit("the guest has failed", true);
      try {
        return fn(...args);
      } catch (error) {
        if (error instanceof GuestExit && !error.fatal) throw error;
        this.#onThrow(error, this.#starting ? "UnableToInitializeCode" : "RuntimeError");
        if (this.#fuel !== null) this.#fuel.value = -1;
        throw error;
      }
    };
  }

  /** What host functions do that are called while the guest starts or allocates. */
  refuse(name: string): never {
    return this.stop(
      `restricted_callback: ${name} was called while the guest ${this.#starting ? "starts" : "allocates memory"}`,
    );
  }

  /** Guest memory of `size` bytes, or 0. */
  allocate(size: number): number {
    if (this.#allocator === null) return 0;
    const context = this.context;
    this.context = null;
    const ptr = this.#allocator(size) >>> 0;
    this.context = context;
    return ptr !== 0 && this.memory.has(ptr, size) ? ptr : 0;
  }

  /** Bytes of guest memory now. */
  get memoryBytes(): number {
    return this.memory.byteLength;
  }
}
