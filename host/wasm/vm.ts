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
import { type AbiVersion, BufferType, LogLevel, Status } from "../../abi/mod.ts";
import { latin1Write } from "../base/bytes.ts";
import type { Timer } from "../base/clock.ts";
import type { ByteQueue } from "../base/byte_queue.ts";
import { bug } from "../base/error.ts";
import type { Diagnostic } from "../base/diagnostic.ts";
import { callbackName, type Callbacks, type GuestFunction } from "./callbacks.ts";
import type { WasmModule } from "./module.ts";
import { CalloutQuota } from "./callout_quota.ts";
import { type Context, Deferred } from "./context.ts";
import { ContextTable } from "./context_table.ts";
import * as problems from "./diagnostics.ts";
import { type Fuel, spend } from "./fuel.ts";
import { type GuestLimits, type LimitName, MAX_DEPTH } from "./limits.ts";
import { LogLimiter } from "./log_limiter.ts";
import { GuestMemory } from "./memory.ts";
import { HOSTCALL_UNITS } from "./meter/code.ts";
import type { LogSource, WasmEnvironment } from "./ports.ts";
import { addLastWords, GuestOutput, MAX_LAST_WORDS } from "./stdio.ts";
import { guestFrames, trapMessage } from "./trace.ts";

/** Why a VM cannot run any more; Envoy's names. */
export type FailState =
  | "UnableToCreateVm"
  | "MissingFunction"
  | "UnableToInitializeCode"
  | "StartFailed"
  | "ConfigureFailed"
  | "RuntimeError";

export interface VmFailure {
  readonly state: FailState;
  readonly diagnostic: Diagnostic;
}

/** Whether calls are written down (`call_trace.ts`): not, with lengths in place of values, or with values. */
export type CallTraceMode = "off" | "lengths" | "values";

/** Where guests are to be treated exactly as Envoy treats them, or better than that. */
export type Compat = "nuncio" | "envoy";

export interface VmOptions extends GuestLimits {
  readonly vmId: string;
  readonly compat: Compat;
  readonly callTrace: CallTraceMode;
  /** Names of allowed host functions, callbacks and WASI functions; null allows all. */
  readonly allowedCapabilities: ReadonlySet<string> | null;
  /** `environ_get`, already "KEY=value". */
  readonly environment: readonly string[];
  /** Units of fuel for each callback; see `meter.ts`. */
  readonly cpuBudget: number;
  /** The same for each start function, `proxy_on_vm_start` and `proxy_on_configure`. */
  readonly startCpuBudget: number;
}

/** What a guest pays for each line, or part of one, that it writes to standard output or error. */
const UNITS_PER_LINE = 128;

/** Thrown through the guest to end it; `fatal` is false for a regular `proc_exit(0)` from `_start`. */
export class GuestExit extends Error {
  readonly fatal: boolean;

  constructor(message: string, fatal: boolean) {
    super(message);
    this.fatal = fatal;
  }
}

export class Vm {
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
  /** The last error that the guest logged in the last call, or what it wrote to standard error: a panic's text. */
  lastWords = "";
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
  /** Context, operation, token, context, operation, token, … */
  #deferred: (Context | number)[] = [];
  /** The same, for the event loop. */
  #later: (Context | number)[] = [];
  #laterTimer: Timer | null = null;
  /** Runs of deferred operations inside of one another. */
  #depth = 0;
  readonly #logLimiter: LogLimiter;
  #warned: Set<string> | null = null;
  #stdout: GuestOutput | null = null;
  #stderr: GuestOutput | null = null;
  /** Standard output or error was written to in this call, and may hold a part of a line. */
  #hasOutput = false;

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
    this.#logLimiter = new LogLimiter(
      environment.clock,
      options.maxLogLinesPerSecond,
      options.maxLogBytesPerSecond,
      (lines, bytes) => this.#onLogDropped(lines, bytes),
    );
  }

  /** Gives the VM its exports, once the instance is made. */
  bind(callbacks: Callbacks, allocator: ((size: number) => number) | null, fuel: Fuel | null): void {
    this.callbacks = callbacks;
    this.#allocator = allocator;
    this.#fuel = fuel;
    this.memory.fuel = fuel;
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
    if (this.lastWords !== "") this.lastWords = "";
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
    if (this.#hasOutput) this.flushOutput();
    this.context = null;
    this.#running = null;
    this.#inGuest = false;
    if (this.#deferred.length !== 0) this.#runDeferred();
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
    if (this.#hasOutput) this.flushOutput();
    this.#starting = false;
    this.#inGuest = false;
  }

  get isStarting(): boolean {
    return this.#starting;
  }

  #onThrow(error: unknown, state: FailState, where?: string): void {
    const name = where ?? (this.#running === null ? "" : callbackName(this.callbacks, this.#running));
    const stack = error instanceof Error ? error.stack ?? "" : "";
    if (this.#hasOutput) this.flushOutput();
    const frames = guestFrames(stack, this.module);
    const reason = this.#isExhausted(error) ? this.#exhaustion(where) : trapMessage(error);
    this.fail(state, problems.trap(name, reason, frames, this.lastWords, this.module));
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
    const source = this.context?.root.source ?? this.source;
    let text = diagnostic.message;
    if (diagnostic.stack !== undefined && diagnostic.stack.length > 0) {
      text += "\nProxy-Wasm plugin in-VM backtrace:\n" +
        diagnostic.stack.map((frame, index) => `${String(index).padStart(3)}: ${frame}`).join("\n");
    }
    this.#logLimiter.flush();
    this.#say(LogLevel.Critical, source, text);
    this.environment.events?.onVmFailed?.(source, diagnostic.message, diagnostic);
    for (const context of this.contexts.all()) this.#deferred.push(context, Deferred.VmFailed, 0);
    if (!this.#inGuest) this.#runDeferred();
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

  /** Has `operation` carried out after the guest has returned, at once when it is not running. */
  defer(context: Context, operation: Deferred, token: number): void {
    if (!this.#inGuest) {
      context.runDeferred(operation, token);
      return;
    }
    // An answer comes once a stream: without it the stream would wait for ever.
    if (this.#deferred.length >= this.options.maxDeferred * 3 && operation !== Deferred.LocalReply) {
      this.onLimit("deferred", `one callback may ask for ${this.options.maxDeferred} operations; others are left out`);
      return;
    }
    this.#deferred.push(context, operation, token);
  }

  #runDeferred(): void {
    // One stream's callback lets another one go on, whose callback lets a third one: not without end.
    if (this.#depth === MAX_DEPTH) {
      const waiting = this.#deferred;
      this.#deferred = [];
      for (const each of waiting) this.#later.push(each);
      return this.#armLater();
    }
    this.#depth++;
    try {
      // Operations may call the guest, which may defer more and carry that out itself.
      while (this.#deferred.length !== 0) {
        const batch = this.#deferred;
        this.#deferred = [];
        for (let i = 0; i < batch.length; i += 3) {
          (batch[i] as Context).runDeferred(batch[i + 1] as Deferred, batch[i + 2] as number);
        }
      }
    } finally {
      this.#depth--;
    }
  }

  /**
   * Has `operation` carried out from the event loop: what calls the guest by itself and came while it ran.
   * A guest that is answered at once, each time it asks, would never come to an end otherwise.
   */
  deferLater(context: Context, operation: Deferred, token: number): void {
    this.#later.push(context, operation, token);
    this.#armLater();
  }

  #armLater(): void {
    this.#laterTimer ??= this.environment.clock.createTimer(() => this.#runLater());
    if (!this.#laterTimer.enabled) this.#laterTimer.enable(0);
  }

  /** Carries out what waits, but in one turn no more than the guest may compute in one call. */
  #runLater(): void {
    const most = this.fuelSpent + this.options.cpuBudget;
    const batch = this.#later;
    this.#later = [];
    let i = 0;
    while (i < batch.length && (i === 0 || this.fuelSpent < most)) {
      (batch[i] as Context).runDeferred(batch[i + 1] as Deferred, batch[i + 2] as number);
      i += 3;
    }
    if (i < batch.length) this.#later = [...batch.slice(i), ...this.#later];
    if (this.#later.length !== 0) this.#armLater();
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

  /** Hands latin1 text to the guest. */
  returnLatin1(text: string, outPtr: number, outSize: number): Status {
    const memory = this.memory;
    const size = text.length;
    if (!memory.has(outPtr, 4) || !memory.has(outSize, 4)) return Status.InvalidMemoryAccess;
    let ptr = 0;
    if (size !== 0) {
      ptr = this.allocate(size);
      if (ptr === 0) return Status.InvalidMemoryAccess;
      latin1Write(memory.bytes, text, ptr);
    }
    memory.setU32(outPtr, ptr);
    memory.setU32(outSize, size);
    return Status.Ok;
  }

  /** Hands bytes to the guest. */
  returnBytes(bytes: Uint8Array, outPtr: number, outSize: number): Status {
    const memory = this.memory;
    const size = bytes.length;
    if (!memory.has(outPtr, 4) || !memory.has(outSize, 4)) return Status.InvalidMemoryAccess;
    let ptr = 0;
    if (size !== 0) {
      ptr = this.allocate(size);
      if (ptr === 0) return Status.InvalidMemoryAccess;
      memory.bytes.set(bytes, ptr);
    }
    memory.setU32(outPtr, ptr);
    memory.setU32(outSize, size);
    return Status.Ok;
  }

  /** Hands bytes `start` to `end` of a queue to the guest. */
  returnQueue(queue: ByteQueue, start: number, end: number, outPtr: number, outSize: number): Status {
    const memory = this.memory;
    if (!memory.has(outPtr, 4) || !memory.has(outSize, 4)) return Status.InvalidMemoryAccess;
    let ptr = 0;
    if (end > start) {
      ptr = this.allocate(end - start);
      if (ptr === 0) return Status.InvalidMemoryAccess;
      queue.copyTo(memory.bytes, ptr, start, end);
    }
    memory.setU32(outPtr, ptr);
    memory.setU32(outSize, end - start);
    return Status.Ok;
  }

  /** Logs what the guest says, unless it says too much. */
  log(level: number, source: LogSource, text: string): void {
    const port = this.environment.log;
    if (level < port.level || !this.#logLimiter.admits(text.length)) return;
    port.log(level, source, text);
  }

  /** Logs what the host has to say. */
  #say(level: number, source: LogSource, text: string): void {
    const port = this.environment.log;
    if (level >= port.level) port.log(level, source, text);
  }

  /** Whether the log would take a line of so many bytes; one that it would not take is counted as dropped. */
  get isLogOpen(): boolean {
    return this.#logLimiter.isOpen;
  }

  /** Counts a line that was not even read. */
  dropLog(bytes: number): void {
    this.#logLimiter.drop(bytes);
  }

  #onLogDropped(lines: number, bytes: number): void {
    this.environment.events?.onLimit?.(this.source, "log", lines);
    const { maxLogLinesPerSecond, maxLogBytesPerSecond } = this.options;
    const text = `${lines} log lines (${bytes} bytes) of this plugin were dropped: a second may have ` +
      `${maxLogLinesPerSecond} lines and ${maxLogBytesPerSecond} bytes`;
    this.#say(LogLevel.Warn, this.source, text);
  }

  /** Counts that a limit kept the guest from something, and says so the first time. */
  onLimit(limit: LimitName, text: string): void {
    this.environment.events?.onLimit?.(this.context?.root.source ?? this.source, limit, 1);
    this.explain(text);
  }

  /** Takes what the guest writes to standard output or error. */
  writeOutput(isError: boolean, bytes: Uint8Array): void {
    this.#hasOutput = true;
    const limit = this.options.maxLogLineBytes;
    const output = isError
      ? this.#stderr ??= new GuestOutput(LogLevel.Error, limit, (level, text) => this.#logOutput(level, text))
      : this.#stdout ??= new GuestOutput(LogLevel.Info, limit, (level, text) => this.#logOutput(level, text));
    let part = bytes;
    if (!this.isLogOpen) {
      // The log takes none of it, but why a guest traps is worth knowing.
      part = bytes.subarray(0, isError && this.lastWords.length < MAX_LAST_WORDS ? MAX_LAST_WORDS : 0);
      if (part.length < bytes.length) this.dropLog(bytes.length - part.length);
    }
    this.charge(output.write(part) * UNITS_PER_LINE);
  }

  /** Logs the parts of lines that are left. */
  flushOutput(): void {
    this.#hasOutput = false;
    this.#stdout?.flush(false);
    this.#stderr?.flush(false);
  }

  #logOutput(level: LogLevel, text: string): void {
    if (level === LogLevel.Error) this.lastWords = addLastWords(this.lastWords, text);
    this.log(level, this.context?.root.source ?? this.source, text);
  }

  /** Explains to people why a host function refused; the same sentence only once per VM. */
  explain(text: string): void {
    this.#warned ??= new Set();
    if (this.#warned.has(text) || this.#warned.size >= 100) return;
    this.#warned.add(text);
    const source = this.context?.root.source ?? this.source;
    const callback = this.#running === null ? "start" : callbackName(this.callbacks, this.#running);
    this.#say(LogLevel.Warn, source, `${text} (in ${callback})`);
  }

  /** Bytes of guest memory now. */
  get memoryBytes(): number {
    return this.memory.byteLength;
  }
}

/** Whether a number is a buffer type. */
export function isBufferType(type: number): type is BufferType {
  return type >= BufferType.HttpRequestBody && type <= BufferType.ForeignFunctionArguments;
}
