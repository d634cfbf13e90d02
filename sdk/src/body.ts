// sdk/src/body.ts: bodies and connection data that live in the host.
import { BufferType, Status } from "./enums";
import { proxy_get_buffer_bytes, proxy_set_buffer_bytes } from "./imports.gen";
import { dropResult, expectBuffer, OUT, takeBuffer, takeString } from "./memory";

/**
 * A view of bytes that live in the host: the body of a message, the data of a connection, the answer to a call.
 * Good during the callback that it was given to.
 *
 * Changing a body does not change `content-length`: remove that header in the headers callback.
 */
export class Body {
  /** `length`: bytes that can be seen now, what was held back earlier included. */
  constructor(private readonly type: BufferType, public length: u32 = 0) {}

  /** A copy of up to `max` bytes from `start` on. Empty when there are none. */
  bytes(start: u32 = 0, max: u32 = u32.MAX_VALUE): ArrayBuffer {
    expectBuffer();
    if (proxy_get_buffer_bytes(this.type, start, this.clamp(start, max), OUT, OUT + 4) != Status.Ok) {
      dropResult();
      return new ArrayBuffer(0);
    }
    return takeBuffer();
  }

  /** Up to `max` bytes from `start` on, read as UTF-8. */
  text(start: u32 = 0, max: u32 = u32.MAX_VALUE): string {
    if (proxy_get_buffer_bytes(this.type, start, this.clamp(start, max), OUT, OUT + 4) != Status.Ok) {
      dropResult();
      return "";
    }
    return takeString();
  }

  /** Replaces everything. */
  set(data: ArrayBuffer): Status {
    return this.splice(0, this.length, data);
  }

  /** Replaces everything by text, as UTF-8. */
  setText(text: string): Status {
    return this.set(String.UTF8.encode(text));
  }

  /** Adds bytes at the end. */
  append(data: ArrayBuffer): Status {
    return this.splice(this.length, 0, data);
  }

  /** Adds bytes in front. */
  prepend(data: ArrayBuffer): Status {
    return this.splice(0, 0, data);
  }

  /** Removes the first `size` bytes. */
  drain(size: u32): Status {
    return this.splice(0, size, new ArrayBuffer(0));
  }

  /**
   * Replaces `size` bytes at `start` by `data`. Envoy can do this at the start and at the end only and answers
   * `BadArgument` in the middle; there, build the new body with `bytes()` and `set()` it.
   */
  splice(start: u32, size: u32, data: ArrayBuffer): Status {
    const from = min(start, this.length);
    const removed = min(size, this.length - from);
    const status: Status = proxy_set_buffer_bytes(
      this.type,
      from,
      removed,
      changetype<usize>(data),
      data.byteLength,
    );
    if (status == Status.Ok) this.length += <u32>data.byteLength - removed;
    return status;
  }

  private clamp(start: u32, max: u32): u32 {
    return min(max, this.length - min(start, this.length));
  }
}
