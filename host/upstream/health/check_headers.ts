// host/upstream/health/check_headers.ts: the heads of requests that check hosts.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/upstream/health_checker_impl.cc HealthCheckerFactory::getHostname
 * @module
 */
import { type HeaderFormatContext, HeaderOps, type HeaderOpsPlan } from "../../http/header_ops.ts";
import { HeaderMap } from "../../http/header_map.ts";
import { ipAddress } from "../../net/address.ts";
import { type ConnectionInfo, StreamInfo } from "../../observe/stream_info.ts";
import { describeHost, newUpstreamInfo } from "../upstream_info.ts";
import type { Host } from "../host.ts";
import type { CheckedCluster, ProbeEnvironment } from "./probe.ts";

const USER_AGENT = "Envoy/HC";
const LOOPBACK = ipAddress("127.0.0.1", 0);

/** In the place of a client's connection. */
const NO_CLIENT: ConnectionInfo = {
  id: 0,
  localAddress: LOOPBACK,
  directRemoteAddress: LOOPBACK,
  remoteAddress: LOOPBACK,
  requestedServerName: "",
  alpn: "",
  tls: null,
  terminationDetails: "",
  transportFailureReason: "",
};

export class CheckHeaders {
  readonly #cluster: CheckedCluster;
  readonly #host: Host;
  readonly #ops: HeaderOps;
  readonly #authority: string;
  readonly #protocol: "HTTP/1.1" | "HTTP/2";

  /** `hostName` is that of the check; a host may have one of its own. */
  constructor(
    { cluster, compileFormat }: ProbeEnvironment,
    host: Host,
    ops: HeaderOpsPlan,
    hostName: string,
    protocol: "HTTP/1.1" | "HTTP/2",
  ) {
    this.#cluster = cluster;
    this.#host = host;
    this.#ops = new HeaderOps(ops, "request", compileFormat);
    this.#authority = host.healthCheckHostname || hostName || cluster.plan.name;
    this.#protocol = protocol;
  }

  create(method: string, path: string): HeaderMap {
    const headers = new HeaderMap();
    headers.method = method;
    headers.authority = this.#authority;
    headers.path = path;
    headers.scheme = "http";
    return headers;
  }

  /** Puts what the configuration asks for, behind what is there. */
  addConfigured(headers: HeaderMap): void {
    headers.set("user-agent", USER_AGENT);
    if (this.#ops.isEmpty) return;
    const { clock } = this.#cluster;
    const info = new StreamInfo(NO_CLIENT, clock.nowMs(), clock.wallMs());
    info.protocol = this.#protocol;
    info.upstream = newUpstreamInfo(this.#cluster);
    describeHost(info.upstream, this.#host);
    const context: HeaderFormatContext = {
      requestHeaders: headers,
      responseHeaders: null,
      responseTrailers: null,
      info,
    };
    this.#ops.apply(headers, context);
  }
}
