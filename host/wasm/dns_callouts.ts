// host/wasm/dns_callouts.ts: names that a plugin's guest has asked to be looked up.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/extensions/common/wasm/wasm.cc resolve_dns
 * @module
 */
import { EMPTY_BYTES, fromLatin1 } from "../base/bytes.ts";
import type { Callout, CalloutCaller, CalloutQuota } from "./callout_quota.ts";
import type { DnsAddress, DnsPort } from "./ports.ts";

export interface DnsCalloutOwner {
  /** Delivers the answer of `token` once the guest does not run. */
  deliverDns(token: number): void;
}

/** One look-up under way. */
class DnsCallout implements Callout {
  readonly caller: CalloutCaller | null;
  readonly bytes: number;
  /** Null while it is awaited. */
  answer: Uint8Array | null = null;

  constructor(caller: CalloutCaller | null, bytes: number) {
    this.caller = caller;
    this.bytes = bytes;
  }
}

export class DnsCallouts {
  readonly #owner: DnsCalloutOwner;
  readonly #quota: CalloutQuota;
  readonly #live: Map<number, DnsCallout> = new Map();

  constructor(owner: DnsCalloutOwner, quota: CalloutQuota) {
    this.#owner = owner;
    this.#quota = quota;
  }

  get size(): number {
    return this.#live.size;
  }

  /** Without a resolver every name is unknown. */
  resolve(port: DnsPort | undefined, name: string, token: number, caller: CalloutCaller | null): void {
    const call = new DnsCallout(caller, name.length);
    this.#live.set(token, call);
    this.#quota.begin(call);
    const onAnswer = (addresses: readonly DnsAddress[]): void => {
      if (call.answer !== null || !this.#live.has(token)) return;
      call.answer = encodeAddresses(addresses);
      this.#owner.deliverDns(token);
    };
    if (port === undefined) onAnswer([]);
    else port.resolve(name, onAnswer);
  }

  /** Takes an answer out; null when the plugin has ended meanwhile. */
  take(token: number): Uint8Array | null {
    const call = this.#live.get(token);
    if (call === undefined || call.answer === null) return null;
    this.#live.delete(token);
    this.#quota.end(call);
    return call.answer;
  }

  cancelAll(): void {
    for (const call of this.#live.values()) this.#quota.end(call);
    this.#live.clear();
  }
}

/** `u32 count | count × u32 seconds | count × (address, 0x00)`; no bytes when there are none. */
function encodeAddresses(addresses: readonly DnsAddress[]): Uint8Array {
  if (addresses.length === 0) return EMPTY_BYTES;
  const texts = fromLatin1(addresses.map((row) => row.address + "\0").join(""));
  const head = 4 + addresses.length * 4;
  const bytes = new Uint8Array(head + texts.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, addresses.length, true);
  addresses.forEach((row, index) => view.setUint32(4 + index * 4, row.ttlSeconds, true));
  bytes.set(texts, head);
  return bytes;
}
