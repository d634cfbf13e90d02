// host/wasm/hostcalls/shared_data.ts: key and value for all VMs of a vm_id, on all threads.
// pure: no I/O, no clock, no runtime globals
/**
 * @module
 */
import { Status } from "../../../abi/mod.ts";
import type { Vm } from "../vm.ts";
import type { HostcallTable } from "./family.ts";

const MAX_KEY_BYTES = 64 * 1024;
/** One unit for every 8 bytes of a key: each of them goes through the hash. */
const HASH_SHIFT = 3;

export const sharedDataHostcalls: HostcallTable = {
  proxy_get_shared_data:
    (vm) => (key: number, keySize: number, returnValue: number, returnSize: number, returnCas: number): Status => {
      if (vm.context === null) vm.refuse("proxy_get_shared_data");
      const memory = vm.memory;
      if (!memory.has(key >>> 0, keySize >>> 0) || !memory.has(returnCas >>> 0, 4)) return Status.InvalidMemoryAccess;
      const shared = vm.environment.shared;
      if (keySize >>> 0 > MAX_KEY_BYTES) return Status.NotFound;
      vm.charge((keySize >>> 0) >>> HASH_SHIFT);
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
      if (keySize >>> 0 > MAX_KEY_BYTES) return refused(vm, `a key has more than ${MAX_KEY_BYTES} bytes`);
      vm.charge((keySize >>> 0) >>> HASH_SHIFT);
      const status = vm.environment.shared.set(
        vm.options.vmId,
        memory.view(key >>> 0, keySize >>> 0),
        memory.view(value >>> 0, valueSize >>> 0),
        cas >>> 0,
      );
      if (status !== Status.InternalFailure) return status;
      return refused(vm, `vm_id "${vm.options.vmId}" has reached its limit of shared memory`);
    },
};

/** Nothing was stored. Of the statuses that say so this is the one that guests of the Rust SDK survive. */
function refused(vm: Vm, reason: string): Status {
  vm.onLimit("shared_data", `proxy_set_shared_data: ${reason}; it answers CasMismatch`);
  return Status.CasMismatch;
}
