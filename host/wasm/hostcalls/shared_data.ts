// host/wasm/hostcalls/shared_data.ts: key and value for all VMs of a vm_id, on all threads.
// pure: no I/O, no clock, no runtime globals
/**
 * @module
 */
import { Status } from "../../../abi/mod.ts";
import type { HostcallTable } from "./family.ts";

export const sharedDataHostcalls: HostcallTable = {
  proxy_get_shared_data:
    (vm) => (key: number, keySize: number, returnValue: number, returnSize: number, returnCas: number): Status => {
      if (vm.context === null) vm.refuse("proxy_get_shared_data");
      const memory = vm.memory;
      if (!memory.has(key >>> 0, keySize >>> 0) || !memory.has(returnCas >>> 0, 4)) return Status.InvalidMemoryAccess;
      const shared = vm.environment.shared;
      const value = shared.get(vm.options.vmId, memory.view(key >>> 0, keySize >>> 0));
      if (value === null) return Status.NotFound;
      const cas = shared.lastCas;
      const status = vm.returnBytes(value, returnValue >>> 0, returnSize >>> 0);
      if (status === Status.Ok) memory.setU32(returnCas >>> 0, cas);
      return status;
    },

  proxy_set_shared_data:
    (vm) => (key: number, keySize: number, value: number, valueSize: number, cas: number): Status => {
      if (vm.context === null) vm.refuse("proxy_set_shared_data");
      const memory = vm.memory;
      if (!memory.has(key >>> 0, keySize >>> 0) || !memory.has(value >>> 0, valueSize >>> 0)) {
        return Status.InvalidMemoryAccess;
      }
      const status = vm.environment.shared.set(
        vm.options.vmId,
        memory.view(key >>> 0, keySize >>> 0),
        memory.view(value >>> 0, valueSize >>> 0),
        cas >>> 0,
      );
      if (status === Status.InternalFailure) {
        vm.explain(`proxy_set_shared_data: vm_id "${vm.options.vmId}" has reached its limit of shared memory`);
      }
      return status;
    },
};
