// sdk/src/log.ts: messages to the host's log.
import { proxy_get_log_level, proxy_log } from "./imports.gen";
import { argument0, argument0Size, OUT } from "./memory";

/** How loud a message is, from `Trace` to `Critical`. */
export enum LogLevel {
  Trace = 0,
  Debug = 1,
  Info = 2,
  Warn = 3,
  Error = 4,
  Critical = 5,
}

function emit(level: LogLevel, message: string): void {
  const pointer = argument0(message);
  proxy_log(level, pointer, argument0Size());
}

/**
 * The host's log. The host adds time, filter name and level, and drops what its level does not ask for.
 * The only part of the SDK that may be used at the top level of a module, before any context exists.
 */
export namespace log {
  /** One line per callback, for debugging a filter. */
  export function trace(message: string): void {
    emit(LogLevel.Trace, message);
  }

  /** One line per request or connection. */
  export function debug(message: string): void {
    emit(LogLevel.Debug, message);
  }

  /** Life-cycle events, a few per minute at most. */
  export function info(message: string): void {
    emit(LogLevel.Info, message);
  }

  /** It happened by a second path, or will break soon. */
  export function warn(message: string): void {
    emit(LogLevel.Warn, message);
  }

  /** Something that was asked for did not happen. */
  export function error(message: string): void {
    emit(LogLevel.Error, message);
  }

  /** The filter cannot go on. */
  export function critical(message: string): void {
    emit(LogLevel.Critical, message);
  }

  /**
   * Whether the host would keep a message of this level. Guards messages that are costly to build:
   * `if (log.enabled(LogLevel.Debug)) log.debug(describe(request));`
   */
  export function enabled(level: LogLevel): bool {
    return proxy_get_log_level(OUT) != 0 ? true : <i32>level >= load<i32>(OUT);
  }
}
