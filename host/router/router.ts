// host/router/router.ts: the terminal HTTP filter: answers what the route answers, sends the rest to a cluster.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk or per header; see bench/micro/http_path.bench.ts
/**
 * Redirects and direct responses are answered here; everything else goes to a cluster as one or more attempts.
 *
 * @see Envoy: source/common/router/router.cc
 * @module
 */
import type { ByteQueue } from "../base/byte_queue.ts";
import {
  DataStatus,
  HeadersStatus,
  type HttpFilter,
  type TerminalFilterStream,
  TrailersStatus,
} from "../http/filter.ts";
import type { HeaderMap } from "../http/header_map.ts";
import { answerDirectly } from "./answer.ts";
import { Attempts } from "./attempts/attempts.ts";
import {
  failDropOverload,
  failEarlyData,
  failMaintenance,
  failNoCluster,
  failNoRoute,
  failOverload,
  failStrictCheck,
} from "./failures.ts";
import { Mirrors, mirrorsOf } from "./mirrors.ts";
import type { RouteEntry } from "./routes/route.ts";
import { RoutedRequest } from "./routed_request.ts";
import type { RouterConfig } from "./router_config.ts";
import { type InvalidHeader, invalidHeader } from "./strict_headers.ts";

export class Router implements HttpFilter {
  readonly #config: RouterConfig;
  readonly #stream: TerminalFilterStream;
  /** Null for requests that go to no cluster. */
  #attempts: Attempts | null = null;
  /** Null when the request is not copied. */
  #mirrors: Mirrors | null = null;
  #isOver = false;

  constructor(config: RouterConfig, stream: TerminalFilterStream) {
    this.#config = config;
    this.#stream = stream;
  }

  get bufferedBytes(): number {
    return this.#attempts?.bufferedBytes ?? 0;
  }

  onRequestHeaders(headers: HeaderMap, end: boolean): HeadersStatus {
    const stream = this.#stream;
    const { stats, plan } = this.#config;
    stats.rqTotal.inc();
    const route = stream.route() as RouteEntry | null;
    if (route === null) {
      stats.noRoute.inc();
      failNoRoute(stream);
    } else if (route.kind === "cluster") {
      this.#forward(route, headers, end);
    } else {
      stats.rqDirectResponse.inc();
      answerDirectly(stream, route, headers, !plan.suppressEnvoyHeaders);
    }
    return HeadersStatus.StopIteration;
  }

  onRequestBody(body: ByteQueue, end: boolean): DataStatus {
    if (this.#config.plan.rejectConnectRequestEarlyData === true && this.#refusesEarly(body)) {
      return DataStatus.StopIterationNoBuffer;
    }
    this.#mirrors?.sendData(body, end);
    if (this.#attempts === null) body.clear();
    else this.#attempts.sendData(body, end);
    return DataStatus.StopIterationNoBuffer;
  }

  onRequestTrailers(trailers: HeaderMap): TrailersStatus {
    this.#mirrors?.sendTrailers(trailers);
    this.#attempts?.sendTrailers(trailers);
    return TrailersStatus.StopIteration;
  }

  /** Answers data behind a CONNECT that was not answered. */
  #refusesEarly(body: ByteQueue): boolean {
    const request = this.#attempts?.request;
    if (request === undefined || body.length === 0 || request.responseStarted) return false;
    if (request.headers.method !== "CONNECT" || request.headers.protocol !== null) return false;
    body.clear();
    failEarlyData(request);
    return true;
  }

  onDestroy(): void {
    this.#isOver = true;
    this.#attempts?.close();
    this.#mirrors?.close();
  }

  #forward(route: RouteEntry, headers: HeaderMap, end: boolean): void {
    const stream = this.#stream;
    const { stats, clusters, shedsRequests } = this.#config;
    const cluster = clusters.get(route.clusterName!);
    if (cluster === null) {
      stats.noCluster.inc();
      stream.info.clusterName = "";
      failNoCluster(stream, route);
      return;
    }
    const invalid = this.#checkStrictly(headers);
    if (invalid !== null) return failStrictCheck(stream, route, invalid);
    const request = new RoutedRequest(this.#config, stream, route, headers, cluster);
    if (cluster.isInMaintenance()) return failMaintenance(request);
    const drops = cluster.dropsRequest();
    if (drops !== "no") return failDropOverload(request, drops === "always");
    const attempts = new Attempts(request);
    this.#attempts = attempts;
    request.prepareHeaders();
    if (shedsRequests?.fires() === true) {
      stats.rqOverloadLocalReply.inc();
      return failOverload(request);
    }
    const policies = mirrorsOf(request);
    if (policies === null) return void attempts.begin(end);
    // An attempt may change the headers on its way.
    const asPrepared = headers.clone();
    if (!attempts.begin(end)) return;
    this.#mirrors = new Mirrors(request);
    this.#mirrors.begin(policies, asPrepared, end);
    // Nothing more comes for the copies of a request that was answered at once.
    if (this.#isOver) this.#mirrors.close();
  }

  #checkStrictly(headers: HeaderMap): InvalidHeader | null {
    const names = this.#config.plan.strictCheckHeaders;
    return names === undefined || names.length === 0 ? null : invalidHeader(names, headers);
  }
}
