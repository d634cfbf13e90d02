// host/wasm/hostcalls/log.ts: proxy_log, proxy_get_log_level.
// pure: no I/O, no clock, no runtime globals
// hot: see bench/micro/wasm_hostcalls.bench.ts
/**
 * Legal at any time, also while the guest starts or allocates.
 *
 * @module
 */
import { LogLevel, Status } from "../../../abi/mod.ts";
import { MAX_LAST_WORDS } from "../stdio.ts";
import type { HostcallTable } from "./family.ts";

export const logHostcalls: HostcallTable = {
  proxy_log: (vm) => (level: number, message: number, messageSize: number): Status => {
    if (level < LogLevel.Trace || level > LogLevel.Critical) return Status.BadArgument;
    const ptr = message >>> 0;
    const size = messageSize >>> 0;
    if (!vm.memory.has(ptr, size)) return Status.InvalidMemoryAccess;
    // Kept also when the log is set to less: if the guest traps now, this is why.
    const isLastWords = level >= LogLevel.Error;
    if (level < vm.environment.log.level && !isLastWords) return Status.Ok;
    if (!vm.log.isOpen) {
      vm.log.drop(size);
      if (isLastWords) vm.log.lastWords = vm.memory.utf8(ptr, Math.min(size, MAX_LAST_WORDS));
      return Status.Ok;
    }
    const limit = vm.options.maxLogLineBytes;
    const text = size <= limit ? vm.memory.utf8(ptr, size) : `${vm.memory.utf8(ptr, limit)}… (${size} bytes)`;
    if (isLastWords) vm.log.lastWords = text;
    vm.log.write(level, vm.context?.root.source ?? vm.source, text);
    return Status.Ok;
  },

  proxy_get_log_level: (vm) => (returnLevel: number): Status => {
    if (vm.context === null) vm.refuse("proxy_get_log_level");
    return vm.memory.setU32(returnLevel >>> 0, vm.environment.log.level) ? Status.Ok : Status.InvalidMemoryAccess;
  },
};
