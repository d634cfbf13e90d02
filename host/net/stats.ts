// host/net/stats.ts: the statistics that sockets keep, by shape only.
// pure: no I/O, no clock, no runtime globals
/**
 * Who creates a listener or a connection gives it a scope of the real statistics; tests give a recording one.
 *
 * @see Envoy: envoy/stats/stats.h
 * @module
 */

export interface CounterPort {
  inc(): void;
  add(amount: number): void;
}

export interface GaugePort {
  inc(): void;
  dec(): void;
  add(amount: number): void;
  set(value: number): void;
}

export interface HistogramPort {
  record(value: number): void;
}

/** Makes statistics below one prefix; the same name gives the same object. */
export interface StatsScope {
  counter(name: string): CounterPort;
  gauge(name: string): GaugePort;
  histogram(name: string): HistogramPort;
}
