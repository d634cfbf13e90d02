// host/wasm/hostcalls/shared_queue.ts: queues between VMs, on all threads.
// pure: no I/O, no clock, no runtime globals
/**
 * @module
 */
import { Status } from "../../../abi/mod.ts";
import type { HostcallTable } from "./family.ts";

export const sharedQueueHostcalls: HostcallTable = {
  proxy_register_shared_queue: (vm) => (name: number, nameSize: number, returnId: number): Status => {
    const context = vm.context ?? vm.refuse("proxy_register_shared_queue");
    const memory = vm.memory;
    if (!memory.has(name >>> 0, nameSize >>> 0) || !memory.has(returnId >>> 0, 4)) return Status.InvalidMemoryAccess;
    const bytes = memory.view(name >>> 0, nameSize >>> 0);
    const token = vm.environment.shared.registerQueue(vm.options.vmId, bytes, context.root);
    if (token === 0) {
      vm.explain("proxy_register_shared_queue: the limit of shared queues or shared memory is reached");
      return Status.InternalFailure;
    }
    memory.setU32(returnId >>> 0, token);
    return Status.Ok;
  },

  proxy_resolve_shared_queue:
    (vm) => (vmId: number, vmIdSize: number, name: number, nameSize: number, returnId: number): Status => {
      if (vm.context === null) vm.refuse("proxy_resolve_shared_queue");
      const memory = vm.memory;
      if (
        !memory.has(vmId >>> 0, vmIdSize >>> 0) || !memory.has(name >>> 0, nameSize >>> 0) ||
        !memory.has(returnId >>> 0, 4)
      ) return Status.InvalidMemoryAccess;
      const scope = memory.utf8(vmId >>> 0, vmIdSize >>> 0) || vm.options.vmId;
      const token = vm.environment.shared.resolveQueue(scope, memory.view(name >>> 0, nameSize >>> 0));
      if (token === 0) return Status.NotFound;
      memory.setU32(returnId >>> 0, token);
      return Status.Ok;
    },

  proxy_enqueue_shared_queue: (vm) => (id: number, value: number, valueSize: number): Status => {
    if (vm.context === null) vm.refuse("proxy_enqueue_shared_queue");
    const memory = vm.memory;
    if (!memory.has(value >>> 0, valueSize >>> 0)) return Status.InvalidMemoryAccess;
    const status = vm.environment.shared.enqueue(id >>> 0, memory.view(value >>> 0, valueSize >>> 0));
    if (status === Status.InternalFailure) {
      vm.explain("proxy_enqueue_shared_queue: the queue's vm_id has reached its limit of shared memory");
    }
    return status;
  },

  proxy_dequeue_shared_queue: (vm) => (id: number, returnValue: number, returnSize: number): Status => {
    if (vm.context === null) vm.refuse("proxy_dequeue_shared_queue");
    // Looked at first: a message that was taken and cannot be handed over would be lost.
    if (!vm.memory.has(returnValue >>> 0, 4) || !vm.memory.has(returnSize >>> 0, 4)) {
      return Status.InvalidMemoryAccess;
    }
    const message = vm.environment.shared.dequeue(id >>> 0);
    return typeof message === "number" ? message : vm.returnBytes(message, returnValue >>> 0, returnSize >>> 0);
  },
};
