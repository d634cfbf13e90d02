// host/wasm/hostcalls/foreign.ts: functions of the embedder by name, and Envoy's own host function.
// pure: no I/O, no clock, no runtime globals
/**
 * @module
 */
import { Status } from "../../../abi/mod.ts";
import { CHEAP_BYTES, MAX_NAME_BYTES, UNITS_PER_CALLOUT } from "../limits.ts";
import type { ForeignCall, ForeignFunction } from "../ports.ts";
import type { HostcallTable } from "./family.ts";
import { findProperty } from "./property.ts";
import { returnBytes, returnLatin1 } from "../returns.ts";

/** The foreign functions that need nothing but the engine; an embedder adds its own. */
export const BUILT_IN_FOREIGN_FUNCTIONS: ReadonlyMap<string, ForeignFunction> = new Map<string, ForeignFunction>([
  ["clear_route_cache", (call) => {
    call.clearRouteCache();
    return Status.Ok;
  }],
]);

export const foreignHostcalls: HostcallTable = {
  envoy_resolve_dns: (vm) => (address: number, addressSize: number, returnToken: number): Status => {
    const context = vm.context ?? vm.refuse("envoy_resolve_dns");
    const memory = vm.memory;
    if (!memory.has(address >>> 0, addressSize >>> 0) || !memory.has(returnToken >>> 0, 4)) {
      return Status.InvalidMemoryAccess;
    }
    vm.charge(UNITS_PER_CALLOUT);
    const size = Math.min(addressSize >>> 0, MAX_NAME_BYTES);
    const token = context.root.resolveDns(memory.utf8(address >>> 0, size));
    if (token < 0) return -token as Status;
    memory.setU32(returnToken >>> 0, token);
    return Status.Ok;
  },

  proxy_call_foreign_function: (vm) =>
  (
    name: number,
    nameSize: number,
    args: number,
    argsSize: number,
    returnResults: number,
    returnSize: number,
  ): Status => {
    const context = vm.context ?? vm.refuse("proxy_call_foreign_function");
    const memory = vm.memory;
    if (!memory.has(name >>> 0, nameSize >>> 0) || !memory.has(args >>> 0, argsSize >>> 0)) {
      return Status.InvalidMemoryAccess;
    }
    const keySize = Math.min(nameSize >>> 0, MAX_NAME_BYTES);
    if (keySize > CHEAP_BYTES) vm.charge(keySize << 2);
    const key = memory.utf8(name >>> 0, keySize);
    const fn = vm.environment.foreignFunctions.get(key) ?? BUILT_IN_FOREIGN_FUNCTIONS.get(key);
    if (fn === undefined) {
      vm.log.explain(`proxy_call_foreign_function: there is no function ${JSON.stringify(key)}`);
      return Status.NotFound;
    }
    const call: ForeignCall = {
      source: context.root.source,
      stream: context.stream,
      pluginData: context.root.foreignData,
      clearRouteCache: () => context.clearRouteCache(),
      property: (path) => findProperty(vm.environment.properties, context, path, vm.isEnvoyCompatible),
      declareProperty: (name, declaration) => context.declareProperty(name, declaration),
      charge: (units) => vm.charge(units),
      explain: (text) => vm.log.explain(`${key}: ${text}`),
    };
    const result = fn(call, memory.copy(args >>> 0, argsSize >>> 0));
    if (typeof result === "number" && result !== Status.Ok) return result;
    const bytes = typeof result === "number" ? null : result;
    const outPtr = returnResults >>> 0;
    const outSize = returnSize >>> 0;
    // A guest that gives no place for a result does not want it.
    if (outPtr === 0 || outSize === 0) {
      return outSize === 0 || memory.setU32(outSize, bytes?.length ?? 0) ? Status.Ok : Status.InvalidMemoryAccess;
    }
    return bytes === null ? returnLatin1(vm, "", outPtr, outSize) : returnBytes(vm, bytes, outPtr, outSize);
  },
};
