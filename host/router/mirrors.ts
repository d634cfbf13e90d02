// host/router/mirrors.ts: the copies of one request that other clusters get.
// pure: no I/O, no clock, no runtime globals
/**
 * A copy is sent as the request comes, with the same time for its response, which is dropped. Nothing of it comes
 * back to the request: a mirror that takes less than it is sent does not slow the client down, it gets no more.
 *
 * @see Envoy: source/common/router/shadow_writer_impl.cc
 * @module
 */
import { ByteQueue } from "../base/byte_queue.ts";
import type { HeaderMap } from "../http/header_map.ts";
import type { MirrorPolicy } from "../upstream/mirror_policy.ts";
import type { OwnRequest, OwnRequestCallbacks } from "./async_client/own_request.ts";
import type { RoutedRequest } from "./routed_request.ts";

/** A copy may be copied again, and so on; clusters that mirror each other would never end. */
const MAX_MIRRORED = 3;

/** Nobody waits for what mirrors answer. */
const NOBODY: OwnRequestCallbacks = {
  onHeaders() {},
  onData() {},
  onTrailers() {},
  onReset() {},
};

/** The policies that take a request; null for none. They count once, whatever comes of the request. */
export function mirrorsOf(request: RoutedRequest): MirrorPolicy[] | null {
  const { cluster, route, headers, stream } = request;
  const policies = cluster.mirrorPolicies.length > 0 ? cluster.mirrorPolicies : route.mirrorPolicies;
  if (policies.length === 0 || (stream.mirrored ?? 0) === MAX_MIRRORED) return null;
  // Tunnels are not copied.
  if (headers.method === "CONNECT" || headers.protocol !== null) return null;
  const taken = policies.filter((policy) => policy.takes(stream.random));
  return taken.length === 0 ? null : taken;
}

export class Mirrors {
  readonly #request: RoutedRequest;
  /** Those that the request is still being sent to. */
  #streams: OwnRequest[] = [];

  constructor(request: RoutedRequest) {
    this.#request = request;
  }

  /** Begins the copies of a request with these headers, which are as its first attempt was to have them. */
  begin(policies: readonly MirrorPolicy[], headers: HeaderMap, end: boolean): void {
    const { config, stream: { info, bufferLimitBytes, mirrored = 0 }, timeoutMs } = this.#request;
    const options = { timeoutMs, retryBufferLimitBytes: bufferLimitBytes, mirrored: mirrored + 1 };
    for (const policy of policies) {
      const stream = config.ownRequests?.open(policy.clusterFor(headers), NOBODY, options) ?? null;
      if (stream === null) continue;
      const copy = headers.clone();
      policy.change(copy, info);
      copy.set("x-envoy-internal", "true");
      const forwarded = copy.getJoined("x-forwarded-for");
      copy.set("x-forwarded-for", forwarded === null ? config.localAddress : `${forwarded},${config.localAddress}`);
      stream.start(copy, end);
      this.#streams.push(stream);
    }
    if (end) this.#streams = [];
  }

  sendData(body: ByteQueue, end: boolean): void {
    const streams = this.#streams;
    for (const stream of streams) {
      const copy = new ByteQueue();
      for (let i = 0; i < body.chunkCount; i++) copy.push(body.chunkAt(i));
      stream.sendData(copy, end);
    }
    if (end) return void (this.#streams = []);
    for (const stream of streams) if (!stream.isOver && !stream.hasRoom) this.#abandon(stream);
  }

  sendTrailers(trailers: HeaderMap): void {
    for (const stream of this.#streams) stream.sendTrailers(trailers.clone());
    this.#streams = [];
  }

  /** The request is over: what was not sent whole ends, the rest goes on. */
  close(): void {
    for (const stream of this.#streams) stream.reset();
    this.#streams = [];
  }

  /** It takes less than it is sent. */
  #abandon(stream: OwnRequest): void {
    this.#request.cluster.stats.retryOrShadowAbandoned.inc();
    this.#streams = this.#streams.filter((other) => other !== stream);
    stream.reset();
  }
}
