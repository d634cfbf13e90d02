// sdk/src/shared_data.ts: values shared by all workers.
import { Status } from "./enums";
import { proxy_get_shared_data, proxy_set_shared_data } from "./imports.gen";
import { argument0, argument0Size, dropResult, expectBuffer, OUT, takeBuffer } from "./memory";

/** A value of `SharedData` and the version that it was read at. */
export class SharedValue {
  /** `bytes`: the value. `cas`: its version, never 0; hand it to `SharedData.set` to write only if unchanged. */
  constructor(public readonly bytes: ArrayBuffer, public readonly cas: u32) {}

  /** The value, read as UTF-8. */
  text(): string {
    return String.UTF8.decode(this.bytes);
  }
}

/**
 * A key-value store shared by all plugins with the same `vm_id`, on all worker threads. Keys are never removed
 * while the proxy runs: keep their number bounded.
 */
export class SharedData {
  /** The value of `key`, or null when it was never set. */
  static get(key: string): SharedValue | null {
    const pointer = argument0(key);
    expectBuffer();
    if (proxy_get_shared_data(pointer, argument0Size(), OUT, OUT + 4, OUT + 8) != Status.Ok) {
      dropResult();
      return null;
    }
    const cas = load<u32>(OUT, 8);
    return new SharedValue(takeBuffer(), cas);
  }

  /**
   * Sets a value: with `cas` only when the stored version is still that one (`Status.CasMismatch` otherwise:
   * read again and retry), with 0 whatever is there.
   */
  static set(key: string, value: ArrayBuffer, cas: u32 = 0): Status {
    const pointer = argument0(key);
    return proxy_set_shared_data(pointer, argument0Size(), changetype<usize>(value), value.byteLength, cas);
  }

  /** Like `set`, with text as UTF-8. */
  static setText(key: string, value: string, cas: u32 = 0): Status {
    return SharedData.set(key, String.UTF8.encode(value), cas);
  }
}

/**
 * A number in `SharedData`, added to by compare and swap. Two workers that create it at the same moment may lose
 * one addition: the ABI has no "create if absent".
 */
export class SharedCounter {
  constructor(private readonly key: string) {}

  /** The number now; 0 when nobody added anything yet. */
  get value(): i64 {
    const stored = SharedData.get(this.key);
    return stored !== null && stored.bytes.byteLength == 8 ? load<i64>(changetype<usize>(stored.bytes)) : 0;
  }

  /** Adds `delta` and returns the sum, or -1 when others were faster `attempts` times. */
  add(delta: i64, attempts: i32 = 16): i64 {
    for (let i = 0; i < attempts; ++i) {
      const stored = SharedData.get(this.key);
      let sum = delta;
      let cas: u32 = 0;
      if (stored !== null) {
        cas = stored.cas;
        if (stored.bytes.byteLength == 8) sum += load<i64>(changetype<usize>(stored.bytes));
      }
      const bytes = new ArrayBuffer(8);
      store<i64>(changetype<usize>(bytes), sum);
      if (SharedData.set(this.key, bytes, cas) == Status.Ok) return sum;
    }
    return -1;
  }
}
