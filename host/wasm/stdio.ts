// host/wasm/stdio.ts: a guest's standard output and error as log lines.
// pure: no I/O, no clock, no runtime globals
/**
 * Run times write a line in many pieces (a Go panic takes some eighty). Pieces are put together until a line
 * ends; what is left when the guest returns, or when it logs by itself, is a line too.
 *
 * @module
 */
import { LogLevel } from "../../abi/mod.ts";
import { concatBytes, utf8Slice } from "../base/bytes.ts";

/** Characters of standard error that are kept as the guest's last words. */
export const MAX_LAST_WORDS = 1000;
const NEWLINE = 10;

export class GuestOutput {
  readonly #level: LogLevel;
  readonly #log: (level: LogLevel, text: string) => void;
  readonly #maxLineBytes: number;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;

  constructor(level: LogLevel, maxLineBytes: number, log: (level: LogLevel, text: string) => void) {
    this.#level = level;
    this.#maxLineBytes = maxLineBytes;
    this.#log = log;
  }

  /** Takes bytes of guest memory; what is kept of them is copied. The number of pieces that they were. */
  write(bytes: Uint8Array): number {
    let start = 0;
    let pieces = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      this.#keep(bytes.subarray(start, end));
      this.flush(true);
      start = end + 1;
      pieces++;
    }
    if (start === bytes.length) return pieces;
    this.#keep(bytes.subarray(start));
    return pieces + 1;
  }

  /** Logs what is pending; an empty line only when it was really written. */
  flush(isLine: boolean): void {
    if (!isLine && this.#pendingBytes === 0) return;
    const line = concatBytes(this.#pending, this.#pendingBytes);
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#log(this.#level, utf8Slice(line, 0, line.length));
  }

  #keep(bytes: Uint8Array): void {
    const part = bytes.slice(0, Math.max(0, this.#maxLineBytes - this.#pendingBytes));
    if (part.length === 0) return;
    this.#pending.push(part);
    this.#pendingBytes += part.length;
  }
}

/** Adds a line to last words, up to the limit. */
export function addLastWords(words: string, line: string): string {
  if (words.length >= MAX_LAST_WORDS || line === "") return words;
  return (words === "" ? line : `${words}\n${line}`).slice(0, MAX_LAST_WORDS);
}
