// sdk/src/shared_queue.ts: queues between plugins and workers.
import { Status } from "./enums";
import {
  proxy_dequeue_shared_queue,
  proxy_enqueue_shared_queue,
  proxy_register_shared_queue,
  proxy_resolve_shared_queue,
} from "./imports.gen";
import {
  argument0,
  argument0Size,
  argument1,
  argument1Size,
  dropResult,
  expectBuffer,
  OUT,
  takeBuffer,
} from "./memory";

/**
 * A first-in, first-out queue that all worker threads share. Whoever registered it last is told of every item by
 * `RootContext.onQueueReady`; anybody who has it may push and pop.
 */
export class SharedQueue {
  /** The queue that the host knows by this number, such as the one that `onQueueReady` was called for. */
  constructor(public readonly id: u32) {}

  /** Makes the queue `name` of this `vm_id`, or takes it over with what is in it; null when the host refuses. */
  static register(name: string): SharedQueue | null {
    const pointer = argument0(name);
    if (proxy_register_shared_queue(pointer, argument0Size(), OUT) != Status.Ok) return null;
    return new SharedQueue(load<u32>(OUT));
  }

  /** The queue that a plugin of `vmId` (`""`: this one's) registered as `name`; null when there is none yet. */
  static resolve(vmId: string, name: string): SharedQueue | null {
    const pointer = argument0(vmId);
    const namePointer = argument1(name);
    if (proxy_resolve_shared_queue(pointer, argument0Size(), namePointer, argument1Size(), OUT) != Status.Ok) {
      return null;
    }
    return new SharedQueue(load<u32>(OUT));
  }

  /** Appends an item. */
  push(item: ArrayBuffer): Status {
    return proxy_enqueue_shared_queue(this.id, changetype<usize>(item), item.byteLength);
  }

  /** Appends an item of text, as UTF-8. */
  pushText(item: string): Status {
    return this.push(String.UTF8.encode(item));
  }

  /** Takes the first item, or null when the queue is empty (another worker may have been faster). */
  pop(): ArrayBuffer | null {
    expectBuffer();
    if (proxy_dequeue_shared_queue(this.id, OUT, OUT + 4) != Status.Ok) {
      dropResult();
      return null;
    }
    return takeBuffer();
  }
}
