// host/extensions/filters/http/stateful_session/filter.ts: sends a client to the host that it was at before.
// hot: once per request and response
/**
 * The client itself keeps the address. Load balancing is asked only when the host is gone or may not be used.
 *
 * @see Envoy: source/extensions/filters/http/stateful_session/stateful_session.cc
 * @module
 */
import { HeadersStatus, type HttpFilter, type TerminalFilterStream } from "../../../../http/filter.ts";
import type { HeaderMap } from "../../../../http/header_map.ts";
import { ResponseFlag } from "../../../../observe/stream_info.ts";
import type { StatefulSessionPlan, StatefulSessionRoutePlan } from "./plan.ts";
import { hasSession, readAddress, writeAddress } from "./session_state.ts";
import type { StatefulSessionStats } from "./stats.ts";

export interface StatefulSessionConfig {
  /** What routes know the filter by. */
  readonly name: string;
  readonly plan: StatefulSessionPlan;
  /** Null: nothing is counted. */
  readonly stats: StatefulSessionStats | null;
}

export class StatefulSession implements HttpFilter {
  readonly #config: StatefulSessionConfig;
  readonly #stream: TerminalFilterStream;
  /** Null while nothing is known of the request, and where the filter is off. */
  #plan: StatefulSessionPlan | null = null;
  #hasSession = false;
  #wanted: string | null = null;

  constructor(config: StatefulSessionConfig, stream: TerminalFilterStream) {
    this.#config = config;
    this.#stream = stream;
  }

  onRequestHeaders(headers: HeaderMap): HeadersStatus {
    const stream = this.#stream;
    const route = stream.route()?.perFilterConfig(this.#config.name) as StatefulSessionRoutePlan | null ?? null;
    const plan = route === null ? this.#config.plan : route.session;
    this.#plan = plan;
    if (plan === null || plan.state === null || !hasSession(plan.state, headers)) return HeadersStatus.Continue;
    this.#hasSession = true;
    const address = readAddress(plan.state, headers, this.#nowSeconds());
    this.#wanted = address;
    if (address !== null) {
      const { strict, notFoundStatus } = plan;
      stream.setUpstreamOverrideHost({ address, strict, notFoundStatus });
    }
    return HeadersStatus.Continue;
  }

  onResponseHeaders(headers: HeaderMap): HeadersStatus {
    const plan = this.#plan;
    if (plan === null) return HeadersStatus.Continue;
    const host = this.#stream.info.upstream?.host ?? null;
    if (host !== null && this.#hasSession) {
      writeAddress(plan.state!, headers, host.text, this.#wanted, this.#nowSeconds());
    }
    // What a route says is not counted.
    if (plan === this.#config.plan) this.#count(host === null ? null : host.text);
    return HeadersStatus.Continue;
  }

  #count(address: string | null): void {
    const { stats, plan } = this.#config;
    if (stats === null) return;
    if (address === null) {
      const { info } = this.#stream;
      if (this.#hasSession && plan.strict && info.hasFlag(ResponseFlag.NoHealthyUpstream)) stats.failedClosed.inc();
    } else if (!this.#hasSession) stats.noSession.inc();
    else if (address === this.#wanted) stats.routed.inc();
    else if (!plan.strict) stats.failedOpen.inc();
  }

  #nowSeconds(): number {
    return Math.floor(this.#stream.clock.wallMs() / 1000);
  }
}
