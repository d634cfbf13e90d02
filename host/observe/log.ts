// host/observe/log.ts: component loggers over pino, with levels that change at run time.
/**
 * One `LogRegistry` a thread, writing to what the caller gives: JSON lines for machines, a readable line for
 * terminals, or an spdlog pattern (`--log-format`). A message is a constant; data goes into fields. Lines
 * that repeat are counted instead of written. Whatever a peer or a guest put into a field cannot end a
 * line, colour a terminal or make a key.
 *
 * @see Envoy: source/common/common/logger.h
 * @module
 */
import { type Logger as PinoLogger, pino } from "pino";
import type { Clock, Timer } from "../base/clock.ts";
import { compileLogPattern, LOG_LEVELS, type LogLevel, type LogLine, prettyLine } from "./log_line.ts";

export { LOG_LEVELS, type LogLevel } from "./log_line.ts";

/** Envoy's components, in its order: what `--component-log-level` and `/logging` know. */
export const LOG_COMPONENTS: readonly string[] =
  ("a2a admin ai_protocol_manager alternate_protocols_cache aws assert backtrace basic_auth cache_filter client config " +
    "connection conn_handler compression credential_injector decompression dns dubbo envoy_bug ext_authz ext_proc " +
    "rocketmq file filter forward_proxy geolocation grpc happy_eyeballs hc health_checker http http2 hystrix init io " +
    "jwt json_rpc kafka key_value_store lua local_rate_limit main matcher mcp misc mongo multi_connection notification " +
    "oauth2 quic quic_stream pool rate_limit_quota rbac rds redis router runtime stats secret sse tap testing thrift " +
    "tracing upstream udp wasm websocket golang stats_sinks dynamic_modules ip_tagging").split(" ");

/** Levels by component; goes through `postMessage`. */
export type LogLevels = Readonly<Record<string, LogLevel>>;

export type LogFields = Readonly<Record<string, unknown>>;

/** The log of one component. */
export interface Logger {
  readonly component: string;
  /** Ask before preparing fields that cost something. */
  isEnabled(level: LogLevel): boolean;
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  critical(message: string, fields?: LogFields): void;
}

export interface LogOptions {
  /** Takes whole lines, each with its newline, at once. */
  readonly destination: { write(line: string): void };
  readonly clock: Clock;
  /** `json`, `pretty`, or an spdlog pattern. */
  readonly format: "json" | "pretty" | { readonly pattern: string };
  /** Colours in `pretty`. */
  readonly color?: boolean;
  readonly level?: LogLevel;
  /** Fields of every line, for example the worker's number. */
  readonly bindings?: LogFields;
}

const PINO_LEVELS: Readonly<Record<LogLevel, string>> = {
  trace: "trace",
  debug: "debug",
  info: "info",
  warning: "warn",
  error: "error",
  critical: "fatal",
  off: "silent",
};
const FROM_PINO: Readonly<Record<string, LogLevel>> = Object.fromEntries(
  Object.entries(PINO_LEVELS).map(([level, name]) => [name, level as LogLevel]),
);
const RANK: Readonly<Record<LogLevel, number>> = Object.fromEntries(
  LOG_LEVELS.map((level, rank) => [level, rank]),
) as Record<LogLevel, number>;

/** Fields that are never written, at the top and one level down. */
const SECRETS = ["authorization", "proxy-authorization", "cookie", "set-cookie", "password", "secret", "token"];

/** How many equal lines are written before the rest of a window is only counted. */
const BURST = 5;
const WINDOW_MS = 10_000;
/** Different lines whose repeats are watched at one time. */
const WATCHED_LIMIT = 256;

/** A level by any name that Envoy takes, or null. */
export function parseLogLevel(text: string): LogLevel | null {
  if (text === "warn") return "warning";
  return (LOG_LEVELS as readonly string[]).includes(text) ? text as LogLevel : null;
}

/** All loggers of a thread. */
export class LogRegistry {
  readonly #root: PinoLogger;
  readonly #clock: Clock;
  readonly #loggers = new Map<string, ComponentLogger>();
  #level: LogLevel;
  readonly #repeats = new Map<string, Repeat>();
  readonly #timer: Timer;

  constructor(options: LogOptions) {
    this.#clock = options.clock;
    this.#level = options.level ?? "info";
    this.#timer = options.clock.createTimer(() => this.flushRepeats());
    const bindings = options.bindings ?? {};
    this.#root = pino({
      level: "trace",
      base: bindings,
      timestamp: () => `,"time":"${new Date(this.#clock.wallMs()).toISOString()}"`,
      formatters: { level: (label: string) => ({ level: FROM_PINO[label] }) },
      redact: { paths: SECRETS.flatMap((name) => [`["${name}"]`, `*["${name}"]`]), censor: "[redacted]" },
    }, { write: lineWriter(options) });
    for (const component of LOG_COMPONENTS) this.logger(component);
  }

  /** The logger of a component; a name that Envoy does not have is added. */
  logger(component: string): Logger {
    let logger = this.#loggers.get(component);
    if (logger === undefined) {
      logger = new ComponentLogger(
        component,
        this.#root.child({ component }),
        this.#level,
        (line) => this.#isRepeat(line),
      );
      this.#loggers.set(component, logger);
    }
    return logger;
  }

  levels(): LogLevels {
    return Object.fromEntries([...this.#loggers.values()].map((logger) => [logger.component, logger.level]));
  }

  /** Takes over the levels of another thread, components that are new here included. */
  setLevels(levels: LogLevels): void {
    for (const [component, level] of Object.entries(levels)) {
      this.logger(component);
      this.setLevel(component, level);
    }
  }

  /** False when there is no such component. */
  setLevel(component: string, level: LogLevel): boolean {
    const logger = this.#loggers.get(component);
    if (logger === undefined) return false;
    logger.level = level;
    return true;
  }

  /** Sets every component, and those to come. */
  setAllLevels(level: LogLevel): void {
    this.#level = level;
    for (const logger of this.#loggers.values()) logger.level = level;
  }

  /** Writes how often lines were held back, and forgets them. Runs by itself; before an exit it is called. */
  flushRepeats(): void {
    this.#timer.disable();
    const repeats = [...this.#repeats.values()];
    this.#repeats.clear();
    for (const { line, count } of repeats) {
      if (count > BURST) {
        line.logger.write(line.level, `${line.message} (x${count - BURST} in ${WINDOW_MS / 1000} s)`, line.fields);
      }
    }
  }

  #isRepeat(line: Line): boolean {
    const key = `${line.logger.component}\0${line.level}\0${line.message}\0${fieldKey(line.fields)}`;
    const repeat = this.#repeats.get(key);
    if (repeat !== undefined) return ++repeat.count > BURST;
    if (this.#repeats.size >= WATCHED_LIMIT) return false;
    if (this.#repeats.size === 0) this.#timer.enable(WINDOW_MS);
    this.#repeats.set(key, { line, count: 1 });
    return false;
  }
}

interface Line {
  readonly logger: ComponentLogger;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields | undefined;
}

interface Repeat {
  readonly line: Line;
  count: number;
}

class ComponentLogger implements Logger {
  readonly component: string;
  readonly #pino: PinoLogger;
  readonly #isRepeat: (line: Line) => boolean;
  #level: LogLevel;
  #rank: number;

  constructor(component: string, logger: PinoLogger, level: LogLevel, isRepeat: (line: Line) => boolean) {
    this.component = component;
    this.#pino = logger;
    this.#isRepeat = isRepeat;
    this.#level = level;
    this.#rank = RANK[level];
  }

  get level(): LogLevel {
    return this.#level;
  }

  set level(level: LogLevel) {
    this.#level = level;
    this.#rank = RANK[level];
  }

  isEnabled(level: LogLevel): boolean {
    return RANK[level] >= this.#rank;
  }

  // A line for every frame or request is wanted line by line: only from info on repeats are held back.
  trace(message: string, fields?: LogFields): void {
    if (this.#rank <= RANK.trace) this.write("trace", message, fields);
  }

  debug(message: string, fields?: LogFields): void {
    if (this.#rank <= RANK.debug) this.write("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    if (this.#rank <= RANK.info) this.#writeOnce("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    if (this.#rank <= RANK.warning) this.#writeOnce("warning", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    if (this.#rank <= RANK.error) this.#writeOnce("error", message, fields);
  }

  critical(message: string, fields?: LogFields): void {
    if (this.#rank <= RANK.critical) this.#writeOnce("critical", message, fields);
  }

  write(level: LogLevel, message: string, fields: LogFields | undefined): void {
    const method = PINO_LEVELS[level] as "info";
    if (fields === undefined) this.#pino[method](message);
    else this.#pino[method](fields, message);
  }

  #writeOnce(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (!this.#isRepeat({ logger: this, level, message, fields })) this.write(level, message, fields);
  }
}

function fieldKey(fields: LogFields | undefined): string {
  if (fields === undefined) return "";
  try {
    return JSON.stringify(fields, (_, value: unknown) => value instanceof Error ? value.message : value) ?? "";
  } catch {
    // A bigint or a cycle: pino writes it all the same, and the names will do as a key.
    return Object.keys(fields).join();
  }
}

/** From pino's JSON line to the line that is written. */
function lineWriter(options: LogOptions): (json: string) => void {
  const { destination, format } = options;
  if (format === "json") return (json) => destination.write(json);
  const color = options.color === true;
  const write = format === "pretty" ? (line: LogLine) => prettyLine(line, color) : compileLogPattern(format.pattern);
  return (json) => destination.write(write(JSON.parse(json) as LogLine));
}
