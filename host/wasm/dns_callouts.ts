// host/wasm/dns_callouts.ts: names that a plugin's guest has asked to be looked up.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/extensions/common/wasm/wasm.cc resolve_dns
 * @module
 */
import { EMPTY_BYTES, fromLatin1 } from "../base/bytes.ts";
import type { DnsAddress, DnsPort } from "./ports.ts";

export interface DnsCalloutOwner {
  /** Delivers the answer of `token` once the guest does not run. */
  deliverDns(token: number): void;
}

export class DnsCallouts {
  readonly #owner: DnsCalloutOwner;
  /** Answers by token; null while they are awaited. */
  readonly #live: Map<number, Uint8Array | null> = new Map();

  constructor(owner: DnsCalloutOwner) {
    this.#owner = owner;
  }

  get size(): number {
    return this.#live.size;
  }

  /** Without a resolver every name is unknown. */
  resolve(port: DnsPort | undefined, name: string, token: number): void {
    this.#live.set(token, null);
    const onAnswer = (addresses: readonly DnsAddress[]): void => {
      if (this.#live.get(token) !== null) return;
      this.#live.set(token, encodeAddresses(addresses));
      this.#owner.deliverDns(token);
    };
    if (port === undefined) onAnswer([]);
    else port.resolve(name, onAnswer);
  }

  /** Takes an answer out; null when the plugin has ended meanwhile. */
  take(token: number): Uint8Array | null {
    const answer = this.#live.get(token) ?? null;
    if (answer !== null) this.#live.delete(token);
    return answer;
  }

  cancelAll(): void {
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
