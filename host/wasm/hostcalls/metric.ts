// host/wasm/hostcalls/metric.ts: counters, gauges and histograms of guests.
// pure: no I/O, no clock, no runtime globals
/**
 * An id is `ordinal × 4 + type`, as in Envoy, and belongs to the VM; the metric belongs to the process.
 * Defining a name again gives the id that it has, so that a guest which does so per request keeps nothing.
 *
 * @module
 */
import { MetricType, Status } from "../../../abi/mod.ts";
import { CHEAP_BYTES } from "../limits.ts";
import type { CounterPort, GaugePort, HistogramPort, MetricsPort } from "../ports.ts";
import type { Vm } from "../vm.ts";
import type { HostcallTable, HostFunction } from "./family.ts";

const TWO_32 = 0x1_0000_0000;
/** Longer names are cut. */
const MAX_METRIC_NAME_BYTES = 1024;

/** The ordinal of metrics that are beyond the limit: they take everything and keep nothing. */
const DISCARD = 0x3fffffff;

function isDiscarded(id: number): boolean {
  return id >>> 2 === DISCARD && (id & 3) <= MetricType.Histogram;
}

/**
 * Names that the plugins of a `vm_id` have defined on this thread. Metrics outlive the VM that has defined
 * them, so a guest that crashes and defines others the next time must not have as many again.
 */
const namesOf = new WeakMap<MetricsPort, Map<string, Set<string>>>();

function knownNames(vm: Vm): Set<string> {
  let owners = namesOf.get(vm.environment.metrics);
  if (owners === undefined) namesOf.set(vm.environment.metrics, owners = new Map());
  const owner = `${vm.options.vmId}\0${vm.source.pluginName}`;
  let names = owners.get(owner);
  if (names === undefined) owners.set(owner, names = new Set());
  return names;
}

/** A name that stays on its line wherever statistics are listed. */
function cleanName(name: string): string {
  // deno-lint-ignore no-control-regex
  return name.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, "_");
}

/** The metrics that one VM has defined. */
class VmMetrics {
  readonly counters: CounterPort[] = [];
  readonly gauges: GaugePort[] = [];
  readonly histograms: HistogramPort[] = [];
  readonly #ids = new Map<string, number>();

  /** The id; that of a metric which keeps nothing when there are too many. */
  define(vm: Vm, type: MetricType, name: string): number {
    const key = type + name;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const names = knownNames(vm);
    if (!names.has(key) && names.size >= vm.options.maxMetrics) {
      vm.log.onLimit(
        "metrics",
        `proxy_define_metric: there are ${names.size} metrics, the most that there may be; ` +
          "what further ones are given is not kept",
      );
      return (DISCARD * 4 + type) >>> 0;
    }
    names.add(key);
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

function metricsOf(vm: Vm): VmMetrics {
  let metrics = ofVm.get(vm);
  if (metrics === undefined) ofVm.set(vm, metrics = new VmMetrics());
  return metrics;
}

/** Makes an import that works on the VM's metrics; all imports of a VM share them. */
function withMetrics(make: (vm: Vm, metrics: VmMetrics) => HostFunction): (vm: Vm) => HostFunction {
  return (vm) => make(vm, metricsOf(vm));
}

/** The id of a metric, which is made when there is none of this name. */
export function defineMetric(vm: Vm, type: MetricType, name: string): number {
  return metricsOf(vm).define(vm, type, cleanName(name.slice(0, MAX_METRIC_NAME_BYTES)));
}

/** What a counter or gauge has; null for an id that none has. */
export function metricValue(vm: Vm, id: number): number | null {
  const type = id & 3;
  if (type !== MetricType.Counter && type !== MetricType.Gauge) return null;
  if (isDiscarded(id)) return 0;
  const { counters, gauges } = metricsOf(vm);
  return (type === MetricType.Counter ? counters : gauges)[(id >>> 2) - 1]?.value ?? null;
}

export const metricHostcalls: HostcallTable = {
  proxy_define_metric: withMetrics(
    (vm, metrics) => (type: number, name: number, nameSize: number, returnId: number): Status => {
      if (vm.context === null) vm.refuse("proxy_define_metric");
      const memory = vm.memory;
      if (!memory.has(name >>> 0, nameSize >>> 0) || !memory.has(returnId >>> 0, 4)) return Status.InvalidMemoryAccess;
      if (type < MetricType.Counter || type > MetricType.Histogram) return Status.BadArgument;
      // A name that is cut is as good as any.
      const size = Math.min(nameSize >>> 0, MAX_METRIC_NAME_BYTES);
      if (size > CHEAP_BYTES) vm.charge(size << 2);
      const text = memory.utf8(name >>> 0, size);
      memory.setU32(returnId >>> 0, metrics.define(vm, type as MetricType, cleanName(text)));
      return Status.Ok;
    },
  ),

  proxy_increment_metric: withMetrics((vm, metrics) => (id: number, delta: bigint): Status => {
    if (vm.context === null) vm.refuse("proxy_increment_metric");
    if (isDiscarded(id)) return Status.Ok;
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
      default:
        // A histogram, or an id that no metric has: whether it is there is not asked.
        return Status.BadArgument;
    }
  }),

  proxy_record_metric: withMetrics((vm, metrics) => (id: number, value: bigint): Status => {
    if (vm.context === null) vm.refuse("proxy_record_metric");
    if (isDiscarded(id)) return Status.Ok;
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

  proxy_get_metric: (vm) => (id: number, returnValue: number): Status => {
    if (vm.context === null) vm.refuse("proxy_get_metric");
    const type = id & 3;
    if (type !== MetricType.Counter && type !== MetricType.Gauge) return Status.BadArgument;
    const value = metricValue(vm, id);
    if (value === null) return Status.NotFound;
    // Rounding down makes two's complement of a negative value, half by half.
    const high = Math.floor(value / TWO_32);
    return vm.memory.setU64(returnValue >>> 0, value - high * TWO_32, high) ? Status.Ok : Status.InvalidMemoryAccess;
  },
};
