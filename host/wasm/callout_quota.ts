// host/wasm/callout_quota.ts: how many calls a VM, and each of its streams, may have under way.
// pure: no I/O, no clock, no runtime globals
/**
 * @module
 */
import type { GuestLimits, LimitName } from "./limits.ts";

/** Who began a call: a context. A plugin's own has no limit but the VM's. */
export interface CalloutCaller {
  /** Calls under way that were begun for this stream. */
  callouts: number;
  readonly stream: unknown;
}

/** A call that counts. */
export interface Callout {
  readonly caller: CalloutCaller | null;
  /** Of its request. */
  readonly bytes: number;
}

export class CalloutQuota {
  readonly #limits: GuestLimits;
  #calls = 0;
  #bytes = 0;

  constructor(limits: GuestLimits) {
    this.#limits = limits;
  }

  get maxBytes(): number {
    return this.#limits.maxHttpCallBytes;
  }

  get calls(): number {
    return this.#calls;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The limit that a further call would go beyond, with a sentence about it; null when there is none. */
  refusal(call: Callout): readonly [limit: LimitName, text: string] | null {
    const { maxHttpCalls, maxHttpCallsPerStream, maxHttpCallBytes } = this.#limits;
    const { caller, bytes } = call;
    if (this.#calls >= maxHttpCalls) {
      return ["http_calls", `${this.#calls} calls are under way, the most that there may be`];
    }
    if (caller !== null && caller.stream !== null && caller.callouts >= maxHttpCallsPerStream) {
      return ["http_calls", `${caller.callouts} calls are under way for this stream, the most that there may be`];
    }
    if (this.#bytes + bytes > maxHttpCallBytes) {
      return ["http_call_bytes", `the calls under way have ${this.#bytes} bytes, at most ${maxHttpCallBytes} may be`];
    }
    return null;
  }

  begin(call: Callout): void {
    this.#calls++;
    this.#bytes += call.bytes;
    if (call.caller !== null) call.caller.callouts++;
  }

  end(call: Callout): void {
    this.#calls--;
    this.#bytes -= call.bytes;
    if (call.caller !== null) call.caller.callouts--;
  }
}
