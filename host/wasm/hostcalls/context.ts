// host/wasm/hostcalls/context.ts: choosing the effective context, and the end of a plugin.
// pure: no I/O, no clock, no runtime globals
/**
 * @module
 */
import { Status } from "../../../abi/mod.ts";
import type { HostcallTable } from "./family.ts";

export const contextHostcalls: HostcallTable = {
  proxy_set_effective_context: (vm) => (contextId: number): Status => {
    const current = vm.context ?? vm.refuse("proxy_set_effective_context");
    const context = vm.contexts.get(contextId >>> 0);
    if (context === null) return Status.BadArgument;
    if (context.root !== current.root) {
      vm.log.explain(
        `proxy_set_effective_context: context ${context.id} is of plugin "${context.root.source.pluginName}"`,
      );
    }
    vm.context = context;
    return Status.Ok;
  },

  proxy_done: (vm) => (): Status => {
    const context = vm.context ?? vm.refuse("proxy_done");
    return context.root.done() ? Status.Ok : Status.NotFound;
  },
};
