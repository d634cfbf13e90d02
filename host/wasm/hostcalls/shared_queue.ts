// host/wasm/hostcalls/shared_queue.ts: queues between VMs, on all threads.
// pure: no I/O, no clock, no runtime globals
/**
 * @module
 */
import { Status } from "../../../abi/mod.ts";
import { MAX_NAME_BYTES } from "../limits.ts";
import type { HostcallTable } from "./family.ts";
import { returnBytes } from "../returns.ts";

/** What a guest gets for a queue that could not be made. */
export const NO_QUEUE = 0xffffffff;
/** All queues are looked through to find one. */
export const UNITS_PER_SEARCH = 256;

export const sharedQueueHostcalls: HostcallTable = {
  proxy_register_shared_queue: (vm) => (name: number, nameSize: number, returnId: number): Status => {
    const context = vm.context ?? vm.refuse("proxy_register_shared_queue");
    const memory = vm.memory;
    if (!memory.has(name >>> 0, nameSize >>> 0) || !memory.has(returnId >>> 0, 4)) return Status.InvalidMemoryAccess;
    vm.charge(UNITS_PER_SEARCH);
    const bytes = memory.view(name >>> 0, nameSize >>> 0);
    const token = nameSize >>> 0 > MAX_NAME_BYTES
      ? 0
      : vm.environment.shared.registerQueue(vm.options.vmId, bytes, context.root);
    // Guests of the Rust SDK panic on any answer but Ok; what they do with this queue is NotFound.
    if (token === 0) {
      vm.log.onLimit(
        "queues",
        `proxy_register_shared_queue: vm_id "${vm.options.vmId}" has reached its limit of queues or shared memory; ` +
          "the queue that is given does not exist",
      );
    }
    memory.setU32(returnId >>> 0, token === 0 ? NO_QUEUE : token);
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
      vm.charge(UNITS_PER_SEARCH);
      if (vmIdSize >>> 0 > MAX_NAME_BYTES || nameSize >>> 0 > MAX_NAME_BYTES) return Status.NotFound;
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
    if (status !== Status.InternalFailure) return status;
    // The one status besides "no such queue" that guests of the Rust SDK survive is that.
    vm.log.onLimit(
      "queued_messages",
      "proxy_enqueue_shared_queue: the queue's vm_id has reached its limit of messages or shared memory; " +
        "it answers NotFound",
    );
    return Status.NotFound;
  },

  proxy_dequeue_shared_queue: (vm) => (id: number, returnValue: number, returnSize: number): Status => {
    if (vm.context === null) vm.refuse("proxy_dequeue_shared_queue");
    // Looked at first: a message that was taken and cannot be handed over would be lost.
    if (!vm.memory.has(returnValue >>> 0, 4) || !vm.memory.has(returnSize >>> 0, 4)) {
      return Status.InvalidMemoryAccess;
    }
    const message = vm.environment.shared.dequeue(id >>> 0);
    return typeof message === "number" ? message : returnBytes(vm, message, returnValue >>> 0, returnSize >>> 0);
  },
};
