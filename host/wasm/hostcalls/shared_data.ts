// host/wasm/hostcalls/shared_data.ts: key and value for all VMs of a vm_id, on all threads.
// pure: no I/O, no clock, no runtime globals
/**
 * @module
 */
import { Status } from "../../../abi/mod.ts";
import { CHEAP_BYTES } from "../limits.ts";
import type { Vm } from "../vm.ts";
import type { HostcallTable } from "./family.ts";
import { returnBytes } from "../returns.ts";

/** Each byte of a key is hashed and compared: two units. */
export const MAX_KEY_BYTES: number = 64 * 1024;

export const sharedDataHostcalls: HostcallTable = {
  proxy_get_shared_data:
    (vm) => (key: number, keySize: number, returnValue: number, returnSize: number, returnCas: number): Status => {
      if (vm.context === null) vm.refuse("proxy_get_shared_data");
      const memory = vm.memory;
      if (!memory.has(key >>> 0, keySize >>> 0) || !memory.has(returnCas >>> 0, 4)) return Status.InvalidMemoryAccess;
      const shared = vm.environment.shared;
      if (keySize >>> 0 > MAX_KEY_BYTES) return Status.NotFound;
      if (keySize > CHEAP_BYTES) vm.charge(keySize << 1);
      const value = shared.get(vm.options.vmId, memory.view(key >>> 0, keySize >>> 0));
      if (value === null) return Status.NotFound;
      // It is copied twice.
      vm.charge(value.length >>> 4);
      const cas = shared.lastCas;
      const status = returnBytes(vm, value, returnValue >>> 0, returnSize >>> 0);
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
      if (keySize > CHEAP_BYTES) vm.charge(keySize << 1);
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
  vm.log.onLimit("shared_data", `proxy_set_shared_data: ${reason}; it answers CasMismatch`);
  return Status.CasMismatch;
}
