// host/upstream/discovery/resolve_target.ts: one DNS name that is looked up again and again.
// pure: no I/O, no clock, no runtime globals
/**
 * After an answer the next look-up comes at the refresh rate, or when the shortest TTL ends with
 * `respect_dns_ttl`, plus jitter; after a failure by `dns_failure_refresh_rate` (exponential, full jitter),
 * else at the refresh rate.
 *
 * @see Envoy: source/extensions/clusters/strict_dns/strict_dns_cluster.cc ResolveTarget
 * @module
 */
import { BackOff } from "../../base/back_off.ts";
import type { Timer } from "../../base/clock.ts";
import type { DiscoveryContext, DnsAddress, DnsQuery } from "./discovery.ts";

export class ResolveTarget {
  readonly #context: DiscoveryContext;
  readonly #name: string;
  /** Called with every answer. */
  readonly #onAnswer: (addresses: readonly DnsAddress[]) => void;
  /** Called when an attempt ended, after `onAnswer`. */
  readonly #onAttempt: () => void;
  readonly #timer: Timer;
  #query: DnsQuery | null = null;
  #backOff: BackOff | null = null;

  constructor(
    context: DiscoveryContext,
    name: string,
    onAnswer: (addresses: readonly DnsAddress[]) => void,
    onAttempt: () => void,
  ) {
    this.#context = context;
    this.#name = name;
    this.#onAnswer = onAnswer;
    this.#onAttempt = onAttempt;
    this.#timer = context.clock.createTimer(() => this.resolve());
  }

  resolve(): void {
    const { dns, plan, stats } = this.#context;
    stats.updateAttempt.inc();
    this.#query = dns.resolve(this.#name, plan.dns.lookupFamily, (answer) => {
      this.#query = null;
      if (answer.status === "completed") {
        stats.updateSuccess.inc();
        this.#backOff = null;
        this.#timer.enable(this.#refreshDelayMs(answer.addresses));
        this.#onAnswer(answer.addresses);
      } else {
        stats.updateFailure.inc();
        this.#timer.enable(this.#failureDelayMs());
      }
      this.#onAttempt();
    });
  }

  close(): void {
    this.#query?.cancel();
    this.#query = null;
    this.#timer.disable();
  }

  #refreshDelayMs(addresses: readonly DnsAddress[]): number {
    const { dns } = this.#context.plan;
    let delayMs = dns.refreshRateMs;
    if (dns.respectTtl) {
      const ttls = addresses.map((address) => address.ttlSeconds).filter((ttl) => ttl > 0);
      if (ttls.length > 0) delayMs = Math.max(dns.minRefreshRateMs, Math.min(...ttls) * 1000);
    }
    const jitter = dns.jitterMs > 0 && addresses.length > 0 ? this.#context.random.fraction() * dns.jitterMs : 0;
    return delayMs + Math.floor(jitter);
  }

  #failureDelayMs(): number {
    const { failureRefresh, refreshRateMs } = this.#context.plan.dns;
    if (failureRefresh === null) return refreshRateMs;
    this.#backOff ??= new BackOff(failureRefresh.baseMs, failureRefresh.maxMs, this.#context.random);
    return Math.max(1, this.#backOff.nextMs());
  }
}
