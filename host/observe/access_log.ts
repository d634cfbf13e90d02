// host/observe/access_log.ts: the port of access logs.
// pure: no I/O, no clock, no runtime globals
/**
 * Loggers, and the filters that decide which streams are worth a line, are extensions; this is what the
 * data plane knows of them.
 *
 * @see Envoy: envoy/access_log/access_log.h
 * @module
 */
import type { FormatInput, HeaderSource } from "./formatter.ts";

/** Header fields as a log's filter reads them. */
export interface LoggedHeaders extends HeaderSource {
  /** All values joined by ",". */
  getJoined(name: string): string | null;
  /** All values in order. */
  getAll(name: string): readonly string[];
}

/** What is logged: the facts of a stream, and its messages as they were last. */
export interface AccessLogEntry extends FormatInput {
  readonly requestHeaders: LoggedHeaders | null;
}

/** Writes a line per stream, or none: its filter decides. Never throws. */
export interface AccessLogger {
  log(entry: AccessLogEntry): void;
  /** Writes out what is buffered. */
  flush(): void;
  /** Opens the file anew, after a rotation. */
  reopen(): void;
  /** Flushes and closes. */
  close(): void;
}

/** Whether a stream is worth a line. */
export type AccessLogFilter = (entry: AccessLogEntry) => boolean;
