// host/server/overload/monitors.ts: measures one resource: how much of it is used, from 0 on.
/**
 * Numbers of the operating system are read from files, which both runtimes can, and which only Linux has: elsewhere
 * such a monitor fails, and that is counted.
 *
 * @see Envoy: source/extensions/resource_monitors
 * @module
 */
import type { Platform } from "../../platform/mod.ts";
import type { ResourcePlan } from "./plan.ts";

/** What monitors see of the world. */
export type MeasuredPlatform = Pick<Platform, "clock" | "memoryUsage" | "readFile" | "availableParallelism">;

export interface ResourceMonitor {
  /** The part of the limit that is used, 1 for all of it; or why that cannot be known. */
  measure(): number | string;
}

/** What monitors see of the proxy. */
export interface MeasuredProxy {
  /** Connections that are open now, of all workers. */
  openConnections(): number;
  /** A runtime value as it is now. */
  runtimeInteger(key: string, otherwise: number): number;
}

export function createMonitor(plan: ResourcePlan, platform: MeasuredPlatform, proxy: MeasuredProxy): ResourceMonitor {
  switch (plan.kind) {
    case "fixed_heap":
      return { measure: () => readHeap(platform, proxy.runtimeInteger(plan.runtimeKey, plan.maxBytes)) };
    case "injected_resource":
      return { measure: () => readInjected(platform, plan.path) };
    case "downstream_connections":
      return { measure: () => proxy.openConnections() / plan.max };
    case "cpu_utilization":
      return new CpuMonitor(platform, plan.mode === "HOST" ? readHostCpu : readContainerCpu);
    case "cgroup_memory":
      return { measure: () => readCgroupMemory(platform, plan.maxBytes) };
  }
}

function readHeap(platform: MeasuredPlatform, maxBytes: number): number | string {
  // Of several heaps in one process the resident memory is what counts in the end.
  return maxBytes > 0 ? platform.memoryUsage().rssBytes / maxBytes : "the runtime value of the most memory is 0";
}

function readText(platform: MeasuredPlatform, path: string): string | null {
  const file = platform.readFile(path);
  return file.ok ? new TextDecoder().decode(file.bytes).trim() : null;
}

function readInjected(platform: MeasuredPlatform, path: string): number | string {
  const text = readText(platform, path);
  const value = text === null || text === "" ? NaN : Number(text);
  return value >= 0 && value <= 1 ? value : `there is no number from 0 to 1 in ${path}`;
}

/** Work done so far, and how much could have been, in any unit. */
interface CpuTimes {
  readonly work: number;
  readonly total: number;
}

/** How much of a new measurement counts: one of them alone says little. */
const DAMPENING = 0.05;

class CpuMonitor implements ResourceMonitor {
  readonly #platform: MeasuredPlatform;
  readonly #read: (platform: MeasuredPlatform) => CpuTimes | string;
  #last: CpuTimes | null = null;
  #utilization = 0;

  constructor(platform: MeasuredPlatform, read: (platform: MeasuredPlatform) => CpuTimes | string) {
    this.#platform = platform;
    this.#read = read;
    const times = read(platform);
    if (typeof times !== "string") this.#last = times;
  }

  measure(): number | string {
    const times = this.#read(this.#platform);
    if (typeof times === "string") return times;
    const last = this.#last;
    this.#last = times;
    const passed = last === null ? 0 : times.total - last.total;
    if (passed <= 0) return this.#utilization;
    const now = Math.min(1, Math.max(0, (times.work - last!.work) / passed));
    return this.#utilization = now * DAMPENING + this.#utilization * (1 - DAMPENING);
  }
}

/** `cpu user nice system idle …`: work is the first three, as in Envoy. */
function readHostCpu(platform: MeasuredPlatform): CpuTimes | string {
  const line = readText(platform, "/proc/stat")?.split("\n", 1)[0] ?? "";
  const [name, ...numbers] = line.split(/\s+/);
  const times = numbers.slice(0, 7).map(Number);
  if (name !== "cpu" || times.length < 4 || times.some(Number.isNaN)) return "/proc/stat cannot be read";
  const work = times[0]! + times[1]! + times[2]!;
  return { work, total: times.reduce((sum, each) => sum + each, 0) };
}

/** Microseconds of the control group, of those that its processors had. */
function readContainerCpu(platform: MeasuredPlatform): CpuTimes | string {
  const usage = /^usage_usec (\d+)/m.exec(readText(platform, "/sys/fs/cgroup/cpu.stat") ?? "");
  if (usage === null) return "/sys/fs/cgroup/cpu.stat cannot be read";
  const [quota, period] = (readText(platform, "/sys/fs/cgroup/cpu.max") ?? "").split(" ").map(Number);
  const limit = quota! > 0 && period! > 0 ? quota! / period! : Infinity;
  const processors = Math.min(limit, platform.availableParallelism());
  return { work: Number(usage[1]), total: platform.clock.nowMs() * 1000 * processors };
}

function readCgroupMemory(platform: MeasuredPlatform, maxBytes: number): number | string {
  for (const [usageFile, limitFile] of CGROUP_MEMORY_FILES) {
    const usage = readText(platform, usageFile);
    if (usage === null) continue;
    const limit = readText(platform, limitFile);
    // `max` in version 2, a huge number in version 1.
    const max = Math.min(maxBytes, Number(limit) > 0 ? Number(limit) : Infinity);
    return max === Infinity ? 0 : Number(usage) / max;
  }
  return "there is no control group with memory";
}

const CGROUP_MEMORY_FILES = [
  ["/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.max"],
  ["/sys/fs/cgroup/memory/memory.usage_in_bytes", "/sys/fs/cgroup/memory/memory.limit_in_bytes"],
] as const;
