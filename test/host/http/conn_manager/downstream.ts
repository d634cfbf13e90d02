// test/host/http/conn_manager/downstream.ts: a connection manager on a fake connection, with time that stands still.
import { connectionManagerOverload, connectionManagerTimers } from "../../../../host/http/conn_manager/overload.ts";
import type { OverloadState } from "../../../../host/net/overload.ts";
import { ManualClock } from "../../../../host/base/clock.ts";
import { SeededRandom } from "../../../../host/base/random.ts";
import { ConnectionManager } from "../../../../host/http/conn_manager/conn_manager.ts";
import type {
  AccessLogEntry,
  ConfiguredFilter,
  ConnectionManagerConfig,
  ConnectionManagerPlan,
  Http1Plan,
} from "../../../../host/http/conn_manager/conn_manager_config.ts";
import { ConnectionManagerStats } from "../../../../host/http/conn_manager/conn_manager_stats.ts";
import { HttpDate } from "../../../../host/http/date.ts";
import {
  DataStatus,
  HeadersStatus,
  type HttpFilter,
  type TerminalFilterStream,
  TrailersStatus,
} from "../../../../host/http/filter.ts";
import { HTTP2_DEFAULTS, HTTP2_SERVER_DEFAULTS } from "../../../../host/http/h2/options.ts";
import { Http2ServerCodec } from "../../../../host/http/h2/server.ts";
import { Http2Stats } from "../../../../host/http/h2/stats.ts";
import { HTTP1_SERVER_DEFAULTS } from "../../../../host/http/h1/options.ts";
import { Http1ServerCodec } from "../../../../host/http/h1/server.ts";
import type { HeaderMap } from "../../../../host/http/header_map.ts";
import type { Route } from "../../../../host/http/route.ts";
import { StatsStore } from "../../../../host/observe/stats.ts";
import { StreamInfo } from "../../../../host/observe/stream_info.ts";
import { FakeConnection } from "../../upstream/fakes.ts";
import { queue, responseHeaders, textOf } from "../support.ts";

export const HTTP1: Http1Plan = {
  maxRequestHeadersKib: 60,
  maxHeadersCount: 100,
  acceptHttp10: false,
  defaultHostForHttp10: "",
  enableTrailers: false,
  streamErrorOnInvalidMessage: false,
  allowAbsoluteUrl: true,
  allowChunkedLength: false,
  allowCustomMethods: false,
  ignoredUpgrades: [],
  headersWithUnderscoresAction: "ALLOW",
  lenient: false,
  headerKeyFormat: null,
};

/** Envoy's defaults. */
export const PLAN: ConnectionManagerPlan = {
  statPrefix: "a",
  serverName: "envoy",
  serverHeaderTransformation: "OVERWRITE",
  via: "",
  proxyStatus: null,
  addUserAgent: false,
  useRemoteAddress: false,
  skipXffAppend: false,
  xffNumTrustedHops: 0,
  appendXForwardedPort: false,
  originalIpDetection: [],
  internalAddresses: [],
  internalUnixSockets: false,
  forwardProto: null,
  schemeToOverwrite: "",
  schemeMatchUpstream: false,
  packTraceReason: true,
  generateRequestId: true,
  preserveExternalRequestId: false,
  alwaysSetRequestIdInResponse: false,
  path: { normalizePath: false, mergeSlashes: false, escapedSlashesAction: "KEEP_UNCHANGED" },
  stripMatchingHostPort: false,
  stripAnyHostPort: false,
  stripTrailingHostDot: false,
  proxy100Continue: false,
  appendLocalOverload: false,
  streamIdleTimeoutMs: 300_000,
  streamFlushTimeoutMs: 300_000,
  requestTimeoutMs: 0,
  requestHeadersTimeoutMs: 0,
  maxStreamDurationMs: 0,
  delayedCloseTimeoutMs: 1000,
  drainTimeoutJitterPercent: 0,
  drainTimeoutMs: 5000,
  idleTimeoutMs: 3_600_000,
  maxConnectionDurationMs: 0,
  maxConnectionDurationJitterPercent: 0,
  maxRequestsPerConnection: 0,
  accessLogFlushIntervalMs: 0,
  flushAccessLogOnNewRequest: false,
  flushLogOnTunnelSuccessfullyEstablished: false,
  upgrades: [],
  codecType: "AUTO",
  http1: HTTP1,
  http2: HTTP2_DEFAULTS,
};

function planWith(changes: Partial<ConnectionManagerPlan>): ConnectionManagerPlan {
  return { ...PLAN, ...changes };
}

export function routeWith(changes: Partial<Route>): Route {
  return {
    name: "r",
    virtualHostName: "v",
    clusterName: "c",
    perFilterConfig: () => undefined,
    filterDisabled: () => null,
    idleTimeoutMs: null,
    ...changes,
  };
}

/** Takes requests as the router does, and answers when the test says so. */
export class Terminal implements HttpFilter {
  readonly stream: TerminalFilterStream;
  headers: HeaderMap | null = null;
  body = "";
  ended = false;
  destroyed = 0;
  readonly marks: string[] = [];

  constructor(stream: TerminalFilterStream) {
    this.stream = stream;
    stream.setDownstreamWatermarkCallbacks({
      onAboveWriteBufferHighWatermark: () => this.marks.push("high"),
      onBelowWriteBufferLowWatermark: () => this.marks.push("low"),
    });
  }

  onRequestHeaders(headers: HeaderMap, end: boolean): HeadersStatus {
    this.headers = headers;
    this.ended = end;
    return HeadersStatus.StopIteration;
  }

  onRequestBody(body: Parameters<typeof textOf>[0], end: boolean): DataStatus {
    this.body += textOf(body);
    if (end) this.ended = true;
    return DataStatus.StopIterationNoBuffer;
  }

  onRequestTrailers(): TrailersStatus {
    this.ended = true;
    return TrailersStatus.StopIteration;
  }

  onDestroy(): void {
    this.destroyed++;
  }

  /** Answers with a body of this text. */
  respond(text = "ok", status = "200"): void {
    const headers = responseHeaders(status);
    headers.add("content-length", String(text.length));
    this.stream.encodeHeaders(headers, text === "");
    if (text !== "") this.stream.encodeData(queue(text), true);
  }
}

export interface Options {
  readonly plan?: Partial<ConnectionManagerPlan>;
  readonly route?: Route | null;
  /** Filters before the terminal one. */
  readonly filters?: readonly Omit<ConfiguredFilter, "terminal">[];
  readonly upgradeFilters?: ConnectionManagerConfig["upgradeFilters"];
  /** Changes what the manager is given. */
  readonly configure?: (config: ConnectionManagerConfig) => Partial<ConnectionManagerConfig>;
  readonly drainClose?: () => boolean;
  readonly overload?: OverloadState;
}

export interface Logged {
  readonly code: number;
  readonly details: string;
  readonly flags: string;
  readonly type: string;
}

/** A downstream connection. */
export class Downstream {
  readonly clock: ManualClock = new ManualClock();
  readonly connection: FakeConnection;
  readonly manager: ConnectionManager;
  readonly streams: Terminal[] = [];
  readonly logged: Logged[] = [];
  readonly routed: string[] = [];
  readonly #store: StatsStore = StatsStore.create(1);

  constructor(options: Options = {}) {
    this.connection = new FakeConnection({ address: "10.9.9.9", port: 1234, text: "10.9.9.9:1234" });
    const route = options.route === undefined ? routeWith({}) : options.route;
    const plan = planWith(options.plan ?? {});
    const defaults: ConnectionManagerConfig = {
      plan,
      clock: this.clock,
      random: new SeededRandom(1),
      dates: new HttpDate(this.clock),
      stats: new ConnectionManagerStats(this.#store.scope("http.a"), this.#store.scope("listener.l.http.a")),
      routes: {
        current: () => ({
          name: "t",
          route: (headers) => {
            this.routed.push(headers.path ?? "");
            return route;
          },
        }),
      },
      filters: [
        ...(options.filters ?? []).map((filter) => ({ ...filter, terminal: false })),
        { name: "router", disabled: false, terminal: true, create: (stream) => this.#terminal(stream) },
      ],
      upgradeFilters: options.upgradeFilters ?? [],
      accessLoggers: [{ log: (entry) => void this.logged.push(facts(entry)) }],
      earlyHeaderMutations: [],
      localReplies: null,
      localAddress: "192.0.2.7",
      serviceCluster: "cluster",
      serviceNode: "node",
      bufferLimitBytes: 1000,
      drain: { drainClose: options.drainClose ?? (() => false) },
      overload: connectionManagerOverload(options.overload ?? null),
      timers: connectionManagerTimers(null, this.clock),
    };
    const changed = { ...defaults, ...options.configure?.(defaults) };
    const config = { ...changed, timers: connectionManagerTimers(options.overload ?? null, changed.clock) };
    const info = new StreamInfo(this.connection.info, 0, 0);
    const { enableTrailers, headerKeyFormat } = plan.http1;
    const codecOptions = { ...HTTP1_SERVER_DEFAULTS, enableTrailers, headerKeyFormat };
    const http2Options = { ...HTTP2_SERVER_DEFAULTS, ...plan.http2, flushTimeoutMs: plan.streamFlushTimeoutMs };
    this.manager = new ConnectionManager(
      this.connection,
      config,
      (connection, callbacks, isHttp2) =>
        isHttp2
          ? new Http2ServerCodec(connection, callbacks, http2Options, new Http2Stats(this.#store.scope("")), config)
          : new Http1ServerCodec(connection, callbacks, codecOptions),
      info,
    );
    this.connection.setHandler(this.manager);
  }

  #terminal(stream: TerminalFilterStream): Terminal {
    const terminal = new Terminal(stream);
    this.streams.push(terminal);
    return terminal;
  }

  get last(): Terminal {
    return this.streams.at(-1)!;
  }

  feed(text: string): this {
    this.connection.receive(text);
    return this;
  }

  /** What was written since the last call, without the date. */
  take(): string {
    const text = this.connection.written.replaceAll(/date: [^\r]*\r\n/g, "");
    this.connection.written = "";
    return text;
  }

  stat(name: string): number {
    return this.#store.valueOf(`http.a.downstream_${name}`) ?? -1;
  }
}

function facts(entry: AccessLogEntry): Logged {
  const { info, accessLogType } = entry;
  return {
    code: info.responseCode,
    details: info.responseCodeDetails,
    flags: info.flags.join(","),
    type: accessLogType,
  };
}
