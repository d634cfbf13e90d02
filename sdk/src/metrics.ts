// sdk/src/metrics.ts: numbers that show up in the proxy's statistics.
import { MetricType, Status } from "./enums";
import { proxy_define_metric, proxy_get_metric, proxy_increment_metric, proxy_record_metric } from "./imports.gen";
import { log } from "./log";
import { argument0, argument0Size, OUT } from "./memory";

function define(type: MetricType, name: string): u32 {
  const pointer = argument0(name);
  if (proxy_define_metric(type, pointer, argument0Size(), OUT) == Status.Ok) return load<u32>(OUT);
  log.warn("metric " + name + ": refused by the host, nothing will be counted");
  return 0;
}

function read(id: u32): u64 {
  return proxy_get_metric(id, OUT) == Status.Ok ? load<u64>(OUT) : 0;
}

/**
 * A number that only grows. Shown by Envoy's admin as `wasmcustom.NAME`, summed over all workers. Make metrics in
 * the fields of a `RootContext`, once, not per request.
 */
export class Counter {
  private readonly id: u32;

  constructor(name: string) {
    this.id = define(MetricType.Counter, name);
  }

  /** Adds `n`. */
  add(n: i64 = 1): void {
    if (n > 0) proxy_increment_metric(this.id, n);
  }

  /** The sum of all workers. */
  get value(): u64 {
    return read(this.id);
  }
}

/** A number that goes up and down, such as how many connections are open. */
export class Gauge {
  private readonly id: u32;

  constructor(name: string) {
    this.id = define(MetricType.Gauge, name);
  }

  /** Sets the number, for all workers. */
  set(value: u64): void {
    proxy_record_metric(this.id, value);
  }

  /** Adds `n`, which may be negative. */
  add(n: i64): void {
    proxy_increment_metric(this.id, n);
  }

  /** The number now. */
  get value(): u64 {
    return read(this.id);
  }
}

/** Samples, such as milliseconds, of which the proxy shows quantiles. */
export class Histogram {
  private readonly id: u32;

  constructor(name: string) {
    this.id = define(MetricType.Histogram, name);
  }

  /** Adds a sample. */
  record(value: u64): void {
    proxy_record_metric(this.id, value);
  }
}
