// test/host/observe/formatter_fixture.ts: a stream as the real Envoy logged it, for the tests of formats.
import { ManualClock } from "../../../host/base/clock.ts";
import { SeededRandom } from "../../../host/base/random.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import type { FormatInput, FormatWorld } from "../../../host/observe/formatter.ts";
import {
  type ConnectionInfo,
  type SocketAddress,
  StreamInfo,
  type UpstreamInfo,
} from "../../../host/observe/stream_info.ts";

export const START_WALL_MS: number = Date.UTC(2026, 10, 21, 14, 21, 8, 437) + 0.92;

export function address(text: string): SocketAddress {
  const colon = text.lastIndexOf(":");
  return { address: text.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(text.slice(colon + 1)), text };
}

export function connection(id: number, local: string, remote: string): ConnectionInfo {
  return {
    id,
    localAddress: address(local),
    directRemoteAddress: address(remote),
    remoteAddress: address(remote),
    requestedServerName: "",
    alpn: "",
    tls: null,
    terminationDetails: "",
    transportFailureReason: "",
  };
}

export function upstreamInfo(): UpstreamInfo {
  return {
    clusterName: "a",
    observabilityName: "a",
    host: address("127.0.0.1:18090"),
    hostName: "one.example",
    localAddress: address("127.0.0.1:51642"),
    connection: { ...connection(2, "127.0.0.1:51642", "127.0.0.1:18090"), startMs: 100.6, connectedMs: 100.642 },
    transportFailureReason: "",
    requestCount: 1,
    endpointCount: 1,
    protocol: "HTTP/1.1",
    wireBytesSent: 301,
    wireBytesReceived: 127,
    headerBytesSent: 265,
    headerBytesReceived: 99,
    hostMetadata: new Map([["envoy.lb", { canary: true, n: 3, s: "abcdef", o: { z: 1, a: [1, null, "x"] } }]]),
    poolReadyMs: 100.65,
    firstByteSentMs: 100.66,
    lastByteSentMs: 100.683126,
    firstByteReceivedMs: 105.5,
    lastByteReceivedMs: 105.6,
  };
}

export function formatWorld(): FormatWorld {
  const clock = new ManualClock(START_WALL_MS);
  clock.advance(107);
  return {
    hostname: "vm",
    environment: (name) => name === "PATH" ? "/usr/bin" : undefined,
    clock,
    random: new SeededRandom(1),
  };
}

export interface ProxiedStream extends FormatInput {
  readonly requestHeaders: HeaderMap;
  readonly responseHeaders: HeaderMap;
}

/** `POST /p/q?a=1%202&b` answered by a cluster's host. */
export function proxiedStream(): ProxiedStream {
  const info = new StreamInfo(connection(1, "127.0.0.1:18080", "127.0.0.1:55000"), 100, START_WALL_MS);
  info.protocol = "HTTP/1.1";
  info.responseCode = 200;
  info.responseCodeDetails = "via_upstream";
  info.bytesReceived = 4;
  info.bytesSent = 5;
  info.headerBytesReceived = 142;
  info.headerBytesSent = 105;
  info.wireBytesReceived = 185;
  info.wireBytesSent = 129;
  info.attemptCount = 1;
  info.routeName = "rt";
  info.requestId = "480b62e9-8997-4347-a9e8-7265667f13a0";
  info.lastDownstreamRxByteMs = 100.5;
  info.firstDownstreamTxByteMs = 105.7;
  info.lastDownstreamTxByteMs = 106.1;
  info.endMs = 106.2;
  info.routeMetadata = new Map([["r", { k: "v" }]]);
  info.upstream = upstreamInfo();
  return {
    info,
    requestHeaders: HeaderMap.of([
      [":method", "POST"],
      [":path", "/p/q?a=1%202&b"],
      [":authority", "localhost:18080"],
      ["x-dup", "1"],
      ["x-dup", "2"],
    ]),
    responseHeaders: HeaderMap.of({ ":status": "200", "content-length": "5" }),
    responseTrailers: null,
    localReplyBody: "",
    accessLogType: "DownstreamEnd",
  };
}
