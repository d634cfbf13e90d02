// host/net/happy_eyeballs.ts: connects to whichever of a peer's addresses answers first.
// pure: no I/O, no clock, no runtime globals
/**
 * Attempts begin one after the other, 300 ms apart, or at once when the one before failed; the first that
 * connects ends the others. Families take turns.
 *
 * @see Envoy: source/common/network/happy_eyeballs_connection_impl.cc
 * @see RFC 8305
 * @module
 */
import type { Timer } from "../base/clock.ts";
import { parseIp } from "../base/ip.ts";
import type { SocketAddress } from "../observe/stream_info.ts";
import type { SocketConnection } from "./connection.ts";
import {
  DEFAULT_CONNECT_TIMEOUT_MS,
  type DialCallbacks,
  type DialFailure,
  type DialHandle,
  type DialOptions,
} from "./dial.ts";

/** Which addresses come first. Plain data. */
export interface HappyEyeballsPlan {
  /** DEFAULT: that of the first address. */
  readonly firstFamily: "DEFAULT" | "V4" | "V6";
  /** So many addresses of the first family come before one of the other. */
  readonly firstFamilyCount: number;
}

export const DEFAULT_HAPPY_EYEBALLS: HappyEyeballsPlan = { firstFamily: "DEFAULT", firstFamilyCount: 1 };

const ATTEMPT_DELAY_MS = 300;

/** Addresses in the order in which they are tried. */
export function sortAddresses(
  addresses: readonly SocketAddress[],
  { firstFamily, firstFamilyCount }: HappyEyeballsPlan,
): SocketAddress[] {
  const versions = addresses.map(({ address }) => parseIp(address)?.version ?? 0);
  const first = firstFamily === "V4" ? 4 : firstFamily === "V6" ? 6 : versions[0];
  const preferred = addresses.filter((_, index) => versions[index] === first);
  const others = addresses.filter((_, index) => versions[index] !== first);
  const sorted: SocketAddress[] = [];
  while (preferred.length > 0 || others.length > 0) {
    sorted.push(...preferred.splice(0, firstFamilyCount), ...others.splice(0, 1));
  }
  return sorted;
}

/** How one address is dialled. */
export type DialOne = (options: DialOptions, callbacks: DialCallbacks) => DialHandle;

/** Connects to one of `targets`, which differ in their addresses. Callbacks are those of a single dial. */
export function dialFirst(dial: DialOne, targets: readonly DialOptions[], callbacks: DialCallbacks): DialHandle {
  return new Race(dial, targets, callbacks);
}

class Race implements DialHandle {
  readonly #dial: DialOne;
  readonly #targets: readonly DialOptions[];
  readonly #callbacks: DialCallbacks;
  /** Of all attempts together. */
  readonly #timeout: Timer;
  readonly #delay: Timer;
  readonly #attempts = new Set<DialHandle>();
  #next = 0;

  constructor(dial: DialOne, targets: readonly DialOptions[], callbacks: DialCallbacks) {
    const { clock, connectTimeoutMs } = targets[0]!;
    this.#dial = dial;
    this.#targets = targets;
    this.#callbacks = callbacks;
    this.#timeout = clock.createTimer(() => this.#onTimeout());
    this.#timeout.enable(connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS);
    this.#delay = clock.createTimer(() => this.#tryNext());
    this.#tryNext();
  }

  cancel(): void {
    this.#timeout.disable();
    this.#delay.disable();
    for (const attempt of this.#attempts) attempt.cancel();
    this.#attempts.clear();
  }

  #tryNext(): void {
    const target = this.#targets[this.#next++];
    if (target === undefined) return;
    const attempt: DialHandle = this.#dial(target, {
      onConnected: (connection) => this.#onConnected(attempt, connection),
      onFailure: (failure) => this.#onFailure(attempt, failure),
    });
    this.#attempts.add(attempt);
    if (this.#next < this.#targets.length) this.#delay.enable(ATTEMPT_DELAY_MS);
  }

  #onConnected(attempt: DialHandle, connection: SocketConnection): void {
    this.#attempts.delete(attempt);
    this.cancel();
    this.#callbacks.onConnected(connection);
  }

  #onFailure(attempt: DialHandle, failure: DialFailure): void {
    this.#attempts.delete(attempt);
    this.#delay.disable();
    this.#tryNext();
    // Another one may still get through.
    if (this.#attempts.size > 0) return;
    this.cancel();
    this.#callbacks.onFailure(failure);
  }

  #onTimeout(): void {
    this.cancel();
    this.#callbacks.onFailure({ reason: "timeout", details: "connect timeout", code: "" });
  }
}
