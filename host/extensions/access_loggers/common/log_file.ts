// host/extensions/access_loggers/common/log_file.ts: a buffered file that lines are appended to.
/**
 * Lines gather until there are 64 KiB of them or the interval is over, and go out in one write of whole
 * lines at the file's end (O_APPEND), so that threads and processes can share a file. Pipes and terminals
 * get at most 4 KiB at once, which the system writes in one piece, and are flushed soon: people watch them.
 *
 * @see Envoy: source/common/access_log/access_log_manager_impl.h
 * @module
 */
import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { fromLatin1 } from "../../../base/bytes.ts";
import type { Clock, Timer } from "../../../base/clock.ts";
import type { Logger } from "../../../observe/log.ts";
import type { Counter, Gauge, StatsScope } from "../../../observe/stats.ts";

export interface LogFileOptions {
  /** A path, or a descriptor that is open already and stays so. */
  readonly target: string | number;
  readonly clock: Clock;
  readonly stats: StatsScope;
  readonly logger: Logger;
  readonly flushIntervalMs: number;
  readonly flushBytes: number;
}

/** Envoy's `filesystem.*`. */
class LogFileStats {
  readonly buffered: Counter;
  readonly completed: Counter;
  readonly failed: Counter;
  readonly flushedByTimer: Counter;
  readonly reopenFailed: Counter;
  readonly totalBuffered: Gauge;

  constructor(scope: StatsScope) {
    const filesystem = scope.scope("filesystem");
    this.buffered = filesystem.counter("write_buffered");
    this.completed = filesystem.counter("write_completed");
    this.failed = filesystem.counter("write_failed");
    this.flushedByTimer = filesystem.counter("flushed_by_timer");
    this.reopenFailed = filesystem.counter("reopen_failed");
    this.totalBuffered = filesystem.gauge("write_total_buffered");
  }
}

/** What a pipe takes in one piece, however many write to it (POSIX PIPE_BUF on Linux). */
const PIPE_BYTES = 4096;
/** How long lines for a pipe or terminal may wait. */
const STREAM_FLUSH_MS = 100;
/** A reader that does not read, or a full disk: so many bytes are kept, then lines are dropped and counted. */
const BACKLOG_BYTES = 4 * 1024 * 1024;
const RETRY_MS = 10;
const NOT_OPEN = -1;

export class LogFile {
  readonly #options: LogFileOptions;
  readonly #stats: LogFileStats;
  readonly #timer: Timer;
  #descriptor: number;
  #regular: boolean;
  /** Wire text not yet written, and bytes that a write left over. */
  #lines = "";
  #rest: Uint8Array | null = null;

  /**
   * Planning has checked that the file can be opened. Where it cannot be any more, requests are served all the same:
   * lines are lost, and counted, until the logs are reopened.
   */
  constructor(options: LogFileOptions) {
    this.#options = options;
    this.#stats = new LogFileStats(options.stats);
    this.#descriptor = openFirst(options);
    this.#regular = isRegular(this.#descriptor);
    this.#timer = options.clock.createTimer(() => {
      this.#stats.flushedByTimer.inc();
      this.flush();
    });
  }

  /** Takes a line, with its newline. */
  write(line: string): void {
    const waiting = this.#lines.length + (this.#rest?.length ?? 0);
    if (this.#descriptor === NOT_OPEN || waiting + line.length > BACKLOG_BYTES) {
      this.#stats.failed.inc();
      return;
    }
    this.#stats.buffered.inc();
    this.#stats.totalBuffered.add(line.length);
    this.#lines += line;
    if (this.#rest === null && this.#lines.length >= this.#options.flushBytes) this.flush();
    else if (!this.#timer.enabled) this.#timer.enable(this.#intervalMs);
  }

  /** Writes what there is, as far as the system takes it. */
  flush(): void {
    this.#timer.disable();
    while (this.#rest !== null || this.#lines.length > 0) {
      const chunk = this.#rest ?? this.#takeChunk();
      this.#rest = null;
      const written = this.#writeChunk(chunk);
      if (written < 0) return;
      this.#stats.totalBuffered.sub(written);
      if (written < chunk.length) {
        this.#rest = chunk.subarray(written);
        this.#timer.enable(RETRY_MS);
        return;
      }
      this.#stats.completed.inc();
    }
  }

  /** Opens the path anew; what is buffered goes to the old file. When that fails the old one stays. */
  reopen(): void {
    this.flush();
    if (typeof this.#options.target === "number") return;
    try {
      const descriptor = open(this.#options.target);
      if (this.#descriptor !== NOT_OPEN) closeSync(this.#descriptor);
      this.#descriptor = descriptor;
      this.#regular = isRegular(descriptor);
    } catch {
      this.#stats.reopenFailed.inc();
    }
  }

  /** What the system does not take at once, and lines that come later, are lost and counted. */
  close(): void {
    this.flush();
    this.#timer.disable();
    if (this.#rest !== null) {
      this.#stats.failed.inc();
      this.#stats.totalBuffered.sub(this.#rest.length + this.#lines.length);
      this.#rest = null;
      this.#lines = "";
    }
    if (typeof this.#options.target !== "number" && this.#descriptor !== NOT_OPEN) closeSync(this.#descriptor);
    // Another file may have it from now on.
    this.#descriptor = NOT_OPEN;
  }

  get #intervalMs(): number {
    const { flushIntervalMs } = this.#options;
    return this.#regular ? flushIntervalMs : Math.min(flushIntervalMs, STREAM_FLUSH_MS);
  }

  /** Everything, or for a pipe whole lines that fit one piece. */
  #takeChunk(): Uint8Array {
    let end = this.#lines.length;
    if (!this.#regular && end > PIPE_BYTES) {
      const newline = this.#lines.lastIndexOf("\n", PIPE_BYTES - 1);
      end = (newline < 0 ? this.#lines.indexOf("\n") : newline) + 1 || end;
    }
    const chunk = fromLatin1(end === this.#lines.length ? this.#lines : this.#lines.slice(0, end));
    this.#lines = this.#lines.slice(end);
    return chunk;
  }

  /** Bytes written; 0 when the reader is slow, -1 when the chunk is lost. */
  #writeChunk(chunk: Uint8Array): number {
    try {
      return writeSync(this.#descriptor, chunk, 0, chunk.length);
    } catch (error) {
      if ((error as { code?: string }).code === "EAGAIN") return 0;
      this.#stats.failed.inc();
      this.#stats.totalBuffered.sub(chunk.length);
      return -1;
    }
  }
}

function openFirst({ target, logger }: LogFileOptions): number {
  try {
    return open(target);
  } catch (error) {
    logger.error("an access log cannot be opened: its lines are lost until the logs are reopened", {
      path: String(target),
      reason: error instanceof Error ? error.message : String(error),
    });
    return NOT_OPEN;
  }
}

function open(target: string | number): number {
  if (typeof target === "number") return target;
  return openSync(target, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o644);
}

function isRegular(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isFile();
  } catch {
    return false;
  }
}
