// test/host/router/router_stream.ts: a stream with the router alone, and upstreams that do as they are told.
import type { ByteQueue } from "../../../host/base/byte_queue.ts";
import type { ManualClock } from "../../../host/base/clock.ts";
import type {
  DownstreamWatermarkCallbacks,
  LocalReply,
  OverrideHost,
  TerminalFilterStream,
} from "../../../host/http/filter.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { prepareLocalReply } from "../../../host/http/local_reply.ts";
import type { Route } from "../../../host/http/route.ts";
import { StatsStore } from "../../../host/observe/stats.ts";
import { StreamInfo } from "../../../host/observe/stream_info.ts";
import { AsyncClient } from "../../../host/router/async_client/async_client.ts";
import { Router } from "../../../host/router/router.ts";
import { RouterStats } from "../../../host/router/router_stats.ts";
import { createClientCodec } from "../../../host/upstream/conn_pool/client_codec.ts";
import { ClusterManager } from "../../../host/upstream/cluster_manager.ts";
import type { ClusterPlan } from "../../../host/upstream/plan.ts";
import { textOf } from "../http/support.ts";
import { createFakeEnvironment, FakeConnection, type FakeEnvironment, planWith } from "../upstream/fakes.ts";
import { tableOf, tableOfRoutes } from "./support.ts";

export const TO_C = { match: { prefix: "/" }, route: { cluster: "c" } };

export interface Options {
  readonly route?: object;
  /** A whole route configuration. */
  readonly routes?: object;
  readonly cluster?: Partial<ClusterPlan>;
  readonly endpoints?: Parameters<typeof planWith>[0];
  readonly suppressEnvoyHeaders?: boolean;
  readonly respectExpectedRqTimeout?: boolean;
  /** Further clusters, with their hosts. */
  readonly clusters?: Readonly<Record<string, readonly string[]>>;
  /** Of all randomness. */
  readonly seed?: number;
}

/** A stream of which the router is the only filter. */
export class Stream implements TerminalFilterStream {
  readonly env: FakeEnvironment;
  readonly info: StreamInfo;
  readonly router: Router;
  readonly stats: StatsStore = StatsStore.create();
  readonly clusters: ClusterManager;
  readonly seen: string[] = [];
  readonly bufferLimitBytes = 100;
  random = 0;
  requestHeaders: HeaderMap | null = null;
  requestTrailers: HeaderMap | null = null;
  responseHeaders: HeaderMap | null = null;
  responseTrailers: HeaderMap | null = null;
  readonly bufferedRequestBody = null;
  readonly bufferedResponseBody = null;
  upstreamOverrideHost: OverrideHost | null = null;
  readDisabled = 0;
  watermarks: DownstreamWatermarkCallbacks | null = null;
  readonly #route: (headers: HeaderMap) => Route | null;

  constructor(options: Options = {}) {
    const env = createFakeEnvironment(options.seed);
    this.env = { ...env, createClientCodec };
    this.clusters = new ClusterManager(this.env);
    this.clusters.update([
      {
        ...planWith(options.endpoints ?? ["10.0.0.1:80"], options.cluster),
        name: "c",
        observabilityName: "c",
      },
      ...Object.entries(options.clusters ?? {}).map(([name, endpoints]) => ({
        ...planWith(endpoints, options.cluster),
        name,
      })),
    ]);
    this.info = new StreamInfo(new FakeConnection({ address: "10.9.9.9", port: 1, text: "10.9.9.9:1" }).info, 0, 0);
    const table = options.routes === undefined ? tableOfRoutes([options.route ?? TO_C]) : tableOf(options.routes);
    this.#route = (headers) => table.route(headers, this.info, 0);
    this.router = new Router({
      plan: {
        suppressEnvoyHeaders: options.suppressEnvoyHeaders ?? false,
        respectExpectedRqTimeout: options.respectExpectedRqTimeout ?? false,
      },
      stats: new RouterStats(this.stats.scope("http.a")),
      clusters: this.clusters,
      localAddress: "10.7.7.7",
      ownRequests: new AsyncClient(this.clusters, this.clock, "10.7.7.7"),
    }, this);
  }

  get clock(): ManualClock {
    return this.env.clock;
  }

  route(): Route | null {
    return this.#route(this.requestHeaders!);
  }

  clearRouteCache(): void {}
  continueRequest(): void {}
  continueResponse(): void {}

  setUpstreamOverrideHost(host: OverrideHost): void {
    this.upstreamOverrideHost = host;
  }

  sendLocalReply(reply: LocalReply): void {
    const { headers, body } = prepareLocalReply(reply, false, false, {
      finalizeLocalReply: (headers) => this.route()?.finalizeLocalReply?.(headers, this.requestHeaders, this.info),
    });
    this.responseHeaders = headers;
    this.info.responseCodeDetails = reply.details;
    this.seen.push(`reply ${headers.status} ${String.fromCharCode(...body)}`.trimEnd());
    this.router.onDestroy();
  }

  recreateStream(response: HeaderMap, body: ByteQueue | null): boolean {
    const { authority, path } = this.requestHeaders!;
    this.seen.push(`recreated ${response.status} ${authority}${path} ${body === null ? "-" : textOf(body)}`);
    this.router.onDestroy();
    return true;
  }

  resetStream(details: string): void {
    this.seen.push(`reset ${details}`);
    this.router.onDestroy();
  }

  addRequestTrailers(): HeaderMap {
    return this.requestTrailers ??= new HeaderMap();
  }

  addResponseTrailers(): HeaderMap {
    return this.responseTrailers ??= new HeaderMap();
  }

  encode1xxHeaders(headers: HeaderMap): void {
    this.seen.push(`informational ${headers.status}`);
  }

  encodeHeaders(headers: HeaderMap, end: boolean): void {
    this.responseHeaders = headers;
    this.seen.push(`headers ${headers.status}${end ? " end" : ""}`);
  }

  encodeData(data: ByteQueue, end: boolean): void {
    this.seen.push(`body ${textOf(data)}${end ? " end" : ""}`);
    data.clear();
  }

  encodeTrailers(): void {
    this.seen.push("trailers");
  }

  readDisableDownstream(disable: boolean): void {
    this.readDisabled += disable ? 1 : -1;
  }

  setDownstreamWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks | null): void {
    this.watermarks = callbacks;
  }

  // What a test does.

  request(entries: Readonly<Record<string, string>> = {}, end = true): this {
    this.requestHeaders = HeaderMap.of({
      ":method": "GET",
      ":path": "/p?q",
      ":authority": "a.example",
      ":scheme": "http",
      ...entries,
    });
    if (entries[":method"] === "CONNECT") this.requestHeaders.path = null;
    this.router.onRequestHeaders(this.requestHeaders, end);
    return this;
  }

  connect(): FakeConnection {
    return this.env.dialer.last.connect();
  }

  /** Connects, answers with this head and body. */
  answer(text: string): FakeConnection {
    const connection = this.connect();
    connection.receive(text);
    return connection;
  }

  get flags(): string {
    return this.info.flags.join(",");
  }

  /** A counter of the cluster. */
  stat(name: string): number {
    return this.env.store.valueOf(`cluster.a.${name}`) ?? -1;
  }
}
