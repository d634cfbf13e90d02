// test/host/extensions/common/wasm/streams.ts: streams of which a test says everything.
/** @module */
import type { ByteQueue } from "../../../../../host/base/byte_queue.ts";
import { ManualClock } from "../../../../../host/base/clock.ts";
import type { FilterStream } from "../../../../../host/http/filter.ts";
import { HeaderMap } from "../../../../../host/http/header_map.ts";
import type { Route } from "../../../../../host/http/route.ts";
import type { NetworkFilterStream } from "../../../../../host/net/filter.ts";
import {
  type ConnectionInfo,
  type SocketAddress,
  StreamInfo,
  type TlsInfo,
  type UpstreamInfo,
} from "../../../../../host/observe/stream_info.ts";

export function address(text: string): SocketAddress {
  const colon = text.lastIndexOf(":");
  return { address: text.slice(0, colon), port: Number(text.slice(colon + 1)), text };
}

export function connectionInfo(changes: Partial<ConnectionInfo> = {}): ConnectionInfo {
  return {
    id: 7,
    localAddress: address("10.0.0.1:80"),
    directRemoteAddress: address("10.0.0.2:1234"),
    remoteAddress: address("10.0.0.2:1234"),
    requestedServerName: "",
    alpn: "",
    tls: null,
    terminationDetails: "",
    transportFailureReason: "",
    ...changes,
  };
}

export const TLS: TlsInfo = {
  version: "TLSv1.3",
  cipherSuite: "AES",
  peerCertificatePresented: true,
  peerCertificateValidated: true,
  subjectPeerCertificate: "CN=peer",
  subjectLocalCertificate: "CN=local",
  uriSanPeerCertificate: ["spiffe://peer", "second"],
  uriSanLocalCertificate: ["spiffe://local"],
  dnsSanPeerCertificate: ["peer.example"],
  dnsSanLocalCertificate: [],
  sha256PeerCertificateDigest: "ab",
  peerCertificatePem: "-----BEGIN CERTIFICATE-----\nMII=\n",
};

export function upstreamInfo(changes: Partial<UpstreamInfo> = {}): UpstreamInfo {
  return {
    clusterName: "c",
    observabilityName: "c",
    host: address("10.1.0.1:8080"),
    hostName: "",
    localAddress: address("10.0.0.1:5000"),
    connection: null,
    transportFailureReason: "",
    requestCount: 1,
    endpointCount: 3,
    poolReadyMs: 1002,
    firstByteSentMs: 1003,
    lastByteSentMs: 1003,
    firstByteReceivedMs: 1004,
    lastByteReceivedMs: 1005.5,
    ...changes,
  };
}

/** An HTTP stream that began at 1000 ms, 5 s after the beginning of 1970. */
export class HttpStream implements FilterStream {
  readonly info: StreamInfo;
  readonly clock: ManualClock = new ManualClock();
  requestHeaders: HeaderMap | null = HeaderMap.of([
    [":method", "POST"],
    [":path", "/a?b=c#d"],
    [":authority", "a.example"],
    [":scheme", "https"],
    ["x-two", "1"],
    ["x-two", "2"],
  ]);
  requestTrailers: HeaderMap | null = null;
  responseHeaders: HeaderMap | null = null;
  responseTrailers: HeaderMap | null = null;
  readonly bufferedRequestBody: ByteQueue | null = null;
  readonly bufferedResponseBody: ByteQueue | null = null;
  readonly bufferLimitBytes = 0;
  routeCacheClears = 0;

  constructor(connection: Partial<ConnectionInfo> = {}) {
    this.info = new StreamInfo(connectionInfo(connection), 1000, 5000);
  }

  route(): Route | null {
    return null;
  }

  clearRouteCache(): void {
    this.routeCacheClears++;
  }

  continueRequest(): void {}
  continueResponse(): void {}
  setUpstreamOverrideHost(): void {}
  sendLocalReply(): void {}
  resetStream(): void {}

  addRequestTrailers(): HeaderMap {
    return new HeaderMap();
  }

  addResponseTrailers(): HeaderMap {
    return new HeaderMap();
  }
}

/** A connection without HTTP. */
export class TcpStream implements NetworkFilterStream {
  readonly info: StreamInfo;
  readonly clock: ManualClock = new ManualClock();

  constructor(connection: ConnectionInfo = connectionInfo()) {
    this.info = new StreamInfo(connection, 1000, 5000);
  }

  continueReading(): void {}
  continueWriting(): void {}
  close(): void {}
  readDisable(): void {}
  setWatermarkCallbacks(): void {}
  notifyUpstreamClose(): void {}

  write(data: ByteQueue): void {
    data.clear();
  }
}
