// host/wasm/hostcalls/timer.ts: the time and the tick period.
// pure: no I/O, no clock, no runtime globals
/**
 * @module
 */
import { Status } from "../../../abi/mod.ts";
import type { GuestMemory } from "../memory.ts";
import type { HostcallTable } from "./family.ts";

const TWO_32 = 0x1_0000_0000;

/** Writes milliseconds as whole nanoseconds without 64-bit arithmetic that allocates. */
export function setNanoseconds(memory: GuestMemory, ptr: number, ms: number): boolean {
  const whole = Math.floor(ms);
  const fraction = Math.floor((ms - whole) * 1e6);
  // whole = a × 2¹⁶ + b, so whole × 10⁶ = (a × 10⁶) × 2¹⁶ + b × 10⁶, and each factor is exact.
  const high16 = Math.floor(whole / 65536) * 1e6;
  const low = (high16 % 65536) * 65536 + (whole % 65536) * 1e6 + fraction;
  return memory.setU64(ptr, low % TWO_32, Math.floor(high16 / 65536) + Math.floor(low / TWO_32));
}

export const timerHostcalls: HostcallTable = {
  proxy_get_current_time_nanoseconds: (vm) => (returnTime: number): Status => {
    if (vm.context === null) vm.refuse("proxy_get_current_time_nanoseconds");
    return setNanoseconds(vm.memory, returnTime >>> 0, vm.environment.clock.wallMs())
      ? Status.Ok
      : Status.InvalidMemoryAccess;
  },

  proxy_set_tick_period_milliseconds: (vm) => (periodMs: number): Status => {
    const context = vm.context ?? vm.refuse("proxy_set_tick_period_milliseconds");
    context.root.setTickPeriod(periodMs >>> 0);
    return Status.Ok;
  },
};
