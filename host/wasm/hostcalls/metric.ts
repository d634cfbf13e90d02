// host/wasm/hostcalls/metric.ts: counters, gauges and histograms of guests.
// pure: no I/O, no clock, no runtime globals
/**
 * An id is `ordinal × 4 + type`, as in Envoy, and belongs to the VM; the metric belongs to the process.
 * Defining a name again gives the id that it has, so that a guest which does so per request keeps nothing.
 *
 * @module
 */
import { MetricType, Status } from "../../../abi/mod.ts";
import type { CounterPort, GaugePort, HistogramPort } from "../ports.ts";
import type { Vm } from "../vm.ts";
import type { HostcallTable, HostFunction } from "./family.ts";

const TWO_32 = 0x1_0000_0000;

/** The metrics that one VM has defined. */
class VmMetrics {
  readonly counters: CounterPort[] = [];
  readonly gauges: GaugePort[] = [];
  readonly histograms: HistogramPort[] = [];
  readonly #ids = new Map<string, number>();

  /** The id, or 0 when the VM has too many. */
  define(vm: Vm, type: MetricType, name: string): number {
    const key = type + name;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    if (this.#ids.size >= vm.options.maxMetrics) return 0;
    const port = vm.environment.metrics;
    let ordinal: number;
    if (type === MetricType.Counter) ordinal = this.counters.push(port.counter(name));
    else if (type === MetricType.Gauge) ordinal = this.gauges.push(port.gauge(name));
    else ordinal = this.histograms.push(port.histogram(name));
    const id = ordinal * 4 + type;
    this.#ids.set(key, id);
    return id;
  }
}

const ofVm = new WeakMap<Vm, VmMetrics>();

/** Makes an import that works on the VM's metrics; all imports of a VM share them. */
function withMetrics(make: (vm: Vm, metrics: VmMetrics) => HostFunction): (vm: Vm) => HostFunction {
  return (vm) => {
    let metrics = ofVm.get(vm);
    if (metrics === undefined) ofVm.set(vm, metrics = new VmMetrics());
    return make(vm, metrics);
  };
}

export const metricHostcalls: HostcallTable = {
  proxy_define_metric: withMetrics(
    (vm, metrics) => (type: number, name: number, nameSize: number, returnId: number): Status => {
      if (vm.context === null) vm.refuse("proxy_define_metric");
      if (type < MetricType.Counter || type > MetricType.Histogram) return Status.BadArgument;
      const memory = vm.memory;
      if (!memory.has(name >>> 0, nameSize >>> 0) || !memory.has(returnId >>> 0, 4)) return Status.InvalidMemoryAccess;
      const id = metrics.define(vm, type as MetricType, memory.utf8(name >>> 0, nameSize >>> 0));
      if (id === 0) {
        vm.explain(`proxy_define_metric: the VM has ${vm.options.maxMetrics} metrics, the most that it may have`);
        return Status.InternalFailure;
      }
      memory.setU32(returnId >>> 0, id);
      return Status.Ok;
    },
  ),

  proxy_increment_metric: withMetrics((vm, metrics) => (id: number, delta: bigint): Status => {
    if (vm.context === null) vm.refuse("proxy_increment_metric");
    const index = (id >>> 2) - 1;
    const amount = Number(delta);
    switch (id & 3) {
      case MetricType.Counter: {
        const counter = metrics.counters[index];
        if (counter === undefined) return Status.NotFound;
        if (amount <= 0) return Status.BadArgument;
        counter.add(amount);
        return Status.Ok;
      }
      case MetricType.Gauge: {
        const gauge = metrics.gauges[index];
        if (gauge === undefined) return Status.NotFound;
        gauge.add(amount);
        return Status.Ok;
      }
      case MetricType.Histogram:
        return metrics.histograms[index] === undefined ? Status.NotFound : Status.BadArgument;
      default:
        return Status.NotFound;
    }
  }),

  proxy_record_metric: withMetrics((vm, metrics) => (id: number, value: bigint): Status => {
    if (vm.context === null) vm.refuse("proxy_record_metric");
    const index = (id >>> 2) - 1;
    // Arrives signed. The bit patterns of negative numbers stay negative in gauges, which is what was meant.
    const signed = Number(value);
    const amount = signed < 0 && (id & 3) !== MetricType.Gauge ? signed + TWO_32 * TWO_32 : signed;
    switch (id & 3) {
      case MetricType.Counter: {
        const counter = metrics.counters[index];
        if (counter === undefined) return Status.NotFound;
        counter.add(amount);
        return Status.Ok;
      }
      case MetricType.Gauge: {
        const gauge = metrics.gauges[index];
        if (gauge === undefined) return Status.NotFound;
        gauge.set(amount);
        return Status.Ok;
      }
      case MetricType.Histogram: {
        const histogram = metrics.histograms[index];
        if (histogram === undefined) return Status.NotFound;
        histogram.record(amount);
        return Status.Ok;
      }
      default:
        return Status.NotFound;
    }
  }),

  proxy_get_metric: withMetrics((vm, metrics) => (id: number, returnValue: number): Status => {
    if (vm.context === null) vm.refuse("proxy_get_metric");
    const index = (id >>> 2) - 1;
    const type = id & 3;
    if (type === MetricType.Histogram) {
      return metrics.histograms[index] === undefined ? Status.NotFound : Status.BadArgument;
    }
    const metric = type === MetricType.Counter ? metrics.counters[index] : metrics.gauges[index];
    if (metric === undefined || type > MetricType.Histogram) return Status.NotFound;
    const value = metric.value;
    // Rounding down makes two's complement of a negative value, half by half.
    const high = Math.floor(value / TWO_32);
    return vm.memory.setU64(returnValue >>> 0, value - high * TWO_32, high) ? Status.Ok : Status.InvalidMemoryAccess;
  }),
};
