// host/router/mirrors.ts: the copies of one request that other clusters get.
// pure: no I/O, no clock, no runtime globals
/**
 * A copy is sent as the request comes, and its response is dropped. Nothing of it comes back to the request: a
 * mirror that takes less than it is sent does not slow the client down, it gets no more.
 *
 * @see Envoy: source/common/router/shadow_writer_impl.cc
 * @module
 */
import { ByteQueue } from "../base/byte_queue.ts";
import type { HeaderMap } from "../http/header_map.ts";
import { AsyncStream, type AsyncStreamCallbacks } from "../upstream/async_stream.ts";
import type { MirrorPolicy } from "../upstream/mirror_policy.ts";
import type { RoutedRequest } from "./routed_request.ts";

/** Nobody waits for what mirrors answer. */
const NOBODY: AsyncStreamCallbacks = {
  onHeaders() {},
  onData() {},
  onTrailers() {},
  onReset() {},
};

/** The policies that take a request; null for none. They count once, whatever comes of the request. */
export function mirrorsOf(request: RoutedRequest): MirrorPolicy[] | null {
  const { cluster, route, headers, stream } = request;
  const policies = cluster.mirrorPolicies.length > 0 ? cluster.mirrorPolicies : route.mirrorPolicies;
  // Tunnels are not copied.
  if (policies.length === 0 || headers.method === "CONNECT" || headers.protocol !== null) return null;
  const taken = policies.filter((policy) => policy.takes(stream.random));
  return taken.length === 0 ? null : taken;
}

export class Mirrors {
  readonly #request: RoutedRequest;
  /** Those that the request is still being sent to. */
  #streams: AsyncStream[] = [];

  constructor(request: RoutedRequest) {
    this.#request = request;
  }

  /** Begins the copies of a request with these headers, which are as its first attempt was to have them. */
  begin(policies: readonly MirrorPolicy[], headers: HeaderMap, end: boolean): void {
    const { config, stream: { info, clock }, timeoutMs } = this.#request;
    for (const policy of policies) {
      const cluster = config.clusters.get(policy.clusterFor(headers));
      if (cluster === null) continue;
      const copy = headers.clone();
      policy.change(copy, info);
      copy.set("x-envoy-internal", "true");
      const forwarded = copy.getJoined("x-forwarded-for");
      copy.set("x-forwarded-for", forwarded === null ? config.localAddress : `${forwarded},${config.localAddress}`);
      if (timeoutMs > 0) copy.setOwn("x-envoy-expected-rq-timeout-ms", String(Math.trunc(timeoutMs)));
      const stream = new AsyncStream(cluster, NOBODY, clock);
      stream.start(copy, end, 0);
      this.#streams.push(stream);
    }
    if (end) this.#leave();
  }

  sendData(body: ByteQueue, end: boolean): void {
    const streams = this.#streams;
    for (const stream of streams) {
      const copy = new ByteQueue();
      for (let i = 0; i < body.chunkCount; i++) copy.push(body.chunkAt(i));
      stream.sendData(copy, end);
    }
    if (end) return this.#leave();
    for (const stream of streams) if (!stream.isOver && !stream.hasRoom) this.#abandon(stream);
  }

  sendTrailers(trailers: HeaderMap): void {
    for (const stream of this.#streams) stream.sendTrailers(trailers.clone());
    this.#leave();
  }

  /** The request is over: what was not sent whole ends, the rest goes on. */
  close(): void {
    for (const stream of this.#streams) stream.reset();
    this.#streams = [];
  }

  /** It takes less than it is sent. */
  #abandon(stream: AsyncStream): void {
    this.#request.cluster.stats.retryOrShadowAbandoned.inc();
    this.#streams = this.#streams.filter((other) => other !== stream);
    stream.reset();
  }

  /** All was sent: the time for the responses begins. */
  #leave(): void {
    const { timeoutMs } = this.#request;
    if (timeoutMs > 0) { for (const stream of this.#streams) stream.limit(timeoutMs); }
    this.#streams = [];
  }
}
