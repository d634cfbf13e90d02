// host/testing/recorders.ts: where a filter's log lines and metrics end up in a test.
import { enumName, LogLevel } from "../../abi/mod.ts";
import type { CounterPort, GaugePort, HistogramPort, LogPort, LogSource, MetricsPort } from "../wasm/mod.ts";

/** Names of log levels, as in Envoy's `--log-level`. */
export type LevelName = "trace" | "debug" | "info" | "warn" | "error" | "critical";

export interface LogLine {
  readonly level: LevelName;
  readonly text: string;
}

/** Keeps every log line. */
export class LogRecorder implements LogPort {
  readonly level: number;
  readonly lines: LogLine[] = [];

  constructor(level: LevelName) {
    this.level = Object.entries(LogLevel).find(([name]) => name.toLowerCase() === level)![1];
  }

  log(level: number, _source: LogSource, text: string): void {
    this.lines.push({ level: enumName(LogLevel, level).toLowerCase() as LevelName, text });
  }
}

class Metric implements CounterPort, GaugePort, HistogramPort {
  value = 0;
  readonly samples: number[] = [];

  add(amount: number): void {
    this.value += amount;
  }

  set(value: number): void {
    this.value = value;
  }

  record(value: number): void {
    this.samples.push(value);
  }
}

/** Keeps every metric by name. */
export class MetricRecorder implements MetricsPort {
  readonly #metrics = new Map<string, Metric>();

  counter(name: string): CounterPort {
    return this.#metric(name);
  }

  gauge(name: string): GaugePort {
    return this.#metric(name);
  }

  histogram(name: string): HistogramPort {
    return this.#metric(name);
  }

  /** The value of a counter or gauge; 0 when there is none. */
  value(name: string): number {
    return this.#metrics.get(name)?.value ?? 0;
  }

  /** The samples of a histogram, oldest first. */
  samples(name: string): readonly number[] {
    return this.#metrics.get(name)?.samples ?? [];
  }

  #metric(name: string): Metric {
    let metric = this.#metrics.get(name);
    if (metric === undefined) this.#metrics.set(name, metric = new Metric());
    return metric;
  }
}
