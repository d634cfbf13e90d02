// host/wasm/guest_log.ts: what a guest says, and what the host has to say of it.
// pure: no I/O, no clock, no runtime globals
/** @module */
import { LogLevel } from "../../abi/mod.ts";
import type { LimitName } from "./limits.ts";
import { LogLimiter } from "./log_limiter.ts";
import type { LogSource, WasmEnvironment } from "./ports.ts";
import { addLastWords, GuestOutput, MAX_LAST_WORDS } from "./stdio.ts";
import type { VmOptions } from "./vm_options.ts";

/** What a guest pays for each line, or part of one, that it writes to standard output or error. */
const UNITS_PER_LINE = 128;
/** Sentences that are said once each. */
const MOST_EXPLANATIONS = 100;

/** The VM, as its log sees it. */
export interface GuestLogOwner {
  readonly options: VmOptions;
  readonly environment: WasmEnvironment;
  /** Who speaks when no plugin does. */
  readonly source: LogSource;
  /** Who speaks now. */
  readonly speaker: LogSource;
  /** The name of the callback that is running; `start` before there is any. */
  readonly runningCallback: string;
  charge(units: number): void;
}

export class GuestLog {
  /** The last error that the guest logged in the last call, or what it wrote to standard error: a panic's text. */
  lastWords = "";
  /** Standard output or error was written to in this call, and may hold a part of a line. */
  hasOutput = false;
  readonly #owner: GuestLogOwner;
  readonly #limiter: LogLimiter;
  #explained: Set<string> | null = null;
  #stdout: GuestOutput | null = null;
  #stderr: GuestOutput | null = null;

  constructor(owner: GuestLogOwner) {
    this.#owner = owner;
    const { environment, options } = owner;
    this.#limiter = new LogLimiter(
      environment.clock,
      options.maxLogLinesPerSecond,
      options.maxLogBytesPerSecond,
      (lines, bytes) => this.#onDropped(lines, bytes),
    );
  }

  /** Logs what the guest says, unless it says too much. */
  write(level: number, source: LogSource, text: string): void {
    const port = this.#owner.environment.log;
    if (level < port.level || !this.#limiter.admits(text.length)) return;
    port.log(level, source, text);
  }

  /** Logs what the host has to say. */
  say(level: number, source: LogSource, text: string): void {
    const port = this.#owner.environment.log;
    if (level >= port.level) port.log(level, source, text);
  }

  /** Whether the log would take a line now. */
  get isOpen(): boolean {
    return this.#limiter.isOpen;
  }

  /** Counts a line that was not even read. */
  drop(bytes: number): void {
    this.#limiter.drop(bytes);
  }

  /** Says how much was dropped, before something that explains it. */
  flush(): void {
    this.#limiter.flush();
  }

  #onDropped(lines: number, bytes: number): void {
    const { environment, source, options } = this.#owner;
    environment.events?.onLimit?.(source, "log", lines);
    const { maxLogLinesPerSecond, maxLogBytesPerSecond } = options;
    const text = `${lines} log lines (${bytes} bytes) of this plugin were dropped: a second may have ` +
      `${maxLogLinesPerSecond} lines and ${maxLogBytesPerSecond} bytes`;
    this.say(LogLevel.Warn, source, text);
  }

  /** Counts that a limit kept the guest from something, and says so the first time. */
  onLimit(limit: LimitName, text: string): void {
    const { environment, speaker } = this.#owner;
    environment.events?.onLimit?.(speaker, limit, 1);
    this.explain(text);
  }

  /** Explains to people why a host function refused; the same sentence only once per VM. */
  explain(text: string): void {
    this.#explained ??= new Set();
    if (this.#explained.has(text) || this.#explained.size >= MOST_EXPLANATIONS) return;
    this.#explained.add(text);
    const { speaker, runningCallback } = this.#owner;
    this.say(LogLevel.Warn, speaker, `${text} (in ${runningCallback})`);
  }

  /** Takes what the guest writes to standard output or error. */
  writeOutput(isError: boolean, bytes: Uint8Array): void {
    this.hasOutput = true;
    const limit = this.#owner.options.maxLogLineBytes;
    const output = isError
      ? this.#stderr ??= new GuestOutput(LogLevel.Error, limit, (level, text) => this.#onLine(level, text))
      : this.#stdout ??= new GuestOutput(LogLevel.Info, limit, (level, text) => this.#onLine(level, text));
    let part = bytes;
    if (!this.isOpen) {
      // The log takes none of it, but why a guest traps is worth knowing.
      part = bytes.subarray(0, isError && this.lastWords.length < MAX_LAST_WORDS ? MAX_LAST_WORDS : 0);
      if (part.length < bytes.length) this.drop(bytes.length - part.length);
    }
    this.#owner.charge(output.write(part) * UNITS_PER_LINE);
  }

  /** Logs the parts of lines that are left. */
  flushOutput(): void {
    this.hasOutput = false;
    this.#stdout?.flush(false);
    this.#stderr?.flush(false);
  }

  #onLine(level: LogLevel, text: string): void {
    if (level === LogLevel.Error) this.lastWords = addLastWords(this.lastWords, text);
    this.write(level, this.#owner.speaker, text);
  }
}
