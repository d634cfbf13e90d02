// host/router/async_client/grpc_client.ts: gRPC calls and streams that the proxy itself makes to clusters.
/**
 * Messages go and come as bytes: what they mean is their users' business. However an exchange ends there is
 * one status; what happened below gRPC is mapped to one as in the specification.
 *
 * @see Envoy: source/common/grpc/async_client_impl.cc
 * @see https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
 * @module
 */
import { ByteQueue } from "../../base/byte_queue.ts";
import { fromLatin1, utf8Slice } from "../../base/bytes.ts";
import { percentDecode } from "../../base/wire_text.ts";
import { encodeGrpcFrame, GrpcFrameDecoder } from "../../http/grpc_frames.ts";
import { formatGrpcTimeout } from "../../http/grpc_timeout.ts";
import { HeaderMap } from "../../http/header_map.ts";
import { grpcStatusOf } from "../../http/grpc_status.ts";
import { httpToGrpcStatus } from "../../http/local_reply.ts";
import type { OwnRequest, OwnRequestCallbacks, OwnRequestSender } from "./own_request.ts";
import type { ClusterManager } from "../../upstream/cluster_manager.ts";

/** Statuses that are made here. @see https://grpc.io/docs/guides/status-codes */
export const GrpcStatus = { Ok: 0, Unknown: 2, ResourceExhausted: 8, Internal: 13 } as const;

/** Largest message that is taken. */
const DEFAULT_MESSAGE_LIMIT_BYTES: number = 16 * 1024 * 1024;

/** As much of what a stream sent is kept for further attempts. */
const RETRY_BUFFER_LIMIT_BYTES = 64 * 1024;

export interface GrpcOpen {
  /** Full name, for example `grpc.health.v1.Health`. */
  readonly service: string;
  readonly method: string;
  /** Names in lower case. */
  readonly metadata: readonly (readonly [string, string])[];
  /** `:authority`; the cluster's name when it is empty. */
  readonly authority?: string;
  /** From the end of the request to that of the response, and told to the other side; 0 = no limit. */
  readonly timeoutMs: number;
  readonly messageLimitBytes?: number;
}

export interface GrpcStreamCallbacks {
  /** Empty when the response is nothing but a status. */
  onInitialMetadata(metadata: HeaderMap): void;
  onMessage(message: Uint8Array): void;
  onTrailingMetadata(metadata: HeaderMap): void;
  /** The end, once; `message` is text. */
  onClose(status: number, message: string): void;
}

export class GrpcClient {
  readonly #clusters: ClusterManager;
  readonly #requests: OwnRequestSender;

  constructor(clusters: ClusterManager, requests: OwnRequestSender) {
    this.#clusters = clusters;
    this.#requests = requests;
  }

  /** True when streams to this cluster can be opened. */
  hasCluster(name: string): boolean {
    return this.#clusters.get(name) !== null;
  }

  /** Opens a stream; null when there is no such cluster. Callbacks may come before this returns. */
  open(clusterName: string, open: GrpcOpen, callbacks: GrpcStreamCallbacks): GrpcStream | null {
    const stream = new GrpcStream(open.messageLimitBytes ?? DEFAULT_MESSAGE_LIMIT_BYTES, callbacks);
    const options = { timeoutMs: open.timeoutMs, retryBufferLimitBytes: RETRY_BUFFER_LIMIT_BYTES };
    const inner = this.#requests.open(clusterName, stream, options);
    if (inner === null) return null;
    stream.start(inner, requestHeaders(clusterName, open));
    return stream;
  }
}

function requestHeaders(clusterName: string, open: GrpcOpen): HeaderMap {
  const headers = new HeaderMap();
  headers.set(":method", "POST");
  headers.set(":path", `/${open.service}/${open.method}`);
  headers.set(":authority", open.authority || clusterName);
  headers.set(":scheme", "http");
  if (open.timeoutMs > 0) headers.set("grpc-timeout", formatGrpcTimeout(open.timeoutMs));
  headers.set("te", "trailers");
  headers.set("content-type", "application/grpc");
  for (const [name, value] of open.metadata) headers.add(name, value);
  return headers;
}

/** One call or stream. */
export class GrpcStream implements OwnRequestCallbacks {
  readonly #callbacks: GrpcStreamCallbacks;
  readonly #frames: GrpcFrameDecoder;
  #stream: OwnRequest | null = null;
  #closed = false;

  constructor(limitBytes: number, callbacks: GrpcStreamCallbacks) {
    this.#frames = new GrpcFrameDecoder(limitBytes);
    this.#callbacks = callbacks;
  }

  start(stream: OwnRequest, headers: HeaderMap): void {
    this.#stream = stream;
    stream.start(headers, false);
  }

  /** False while messages wait to be sent. */
  get hasRoom(): boolean {
    return this.#stream!.hasRoom;
  }

  /** Sends a message; `end` half-closes. */
  send(message: Uint8Array, end: boolean): void {
    const data = new ByteQueue();
    data.push(encodeGrpcFrame(message));
    this.#stream!.sendData(data, end);
  }

  /** Half-closes: no message follows. */
  closeLocal(): void {
    this.#stream!.sendData(new ByteQueue(), true);
  }

  /** Ends the stream; no callback comes after it. */
  reset(): void {
    this.#closed = true;
    this.#stream!.reset();
  }

  // OwnRequestCallbacks

  onHeaders(headers: HeaderMap, end: boolean): void {
    if (this.#closed) return;
    const { status } = headers;
    this.#callbacks.onInitialMetadata(end ? new HeaderMap() : headers);
    if (this.#closed) return;
    // A status of gRPC's own says more than HTTP's.
    if (end && (status === 200 || grpcStatusOf(headers) !== null)) return this.#closeBy(headers);
    if (status !== 200) return this.#fail(httpToGrpcStatus(status), "");
  }

  onData(data: ByteQueue, end: boolean): void {
    if (this.#closed) return;
    const problem = this.#frames.decode(data, (message) => {
      this.#callbacks.onMessage(message);
      return !this.#closed;
    });
    if (this.#closed) return;
    if (problem === "too_large") return this.#fail(GrpcStatus.ResourceExhausted, "the message is too large");
    if (problem !== null) return this.#fail(GrpcStatus.Internal, `a message is ${problem}`);
    if (end) this.#fail(GrpcStatus.Unknown, "");
  }

  onTrailers(trailers: HeaderMap): void {
    if (!this.#closed) this.#closeBy(trailers);
  }

  onReset(): void {
    this.#fail(GrpcStatus.Internal, "");
  }

  #closeBy(trailers: HeaderMap): void {
    const message = fromLatin1(percentDecode(trailers.get("grpc-message") ?? ""));
    this.#close(grpcStatusOf(trailers) ?? GrpcStatus.Unknown, utf8Slice(message, 0, message.length), trailers);
  }

  #fail(status: number, message: string): void {
    if (!this.#closed) this.#close(status, message, new HeaderMap());
  }

  #close(status: number, message: string, trailers: HeaderMap): void {
    this.#callbacks.onTrailingMetadata(trailers);
    if (this.#closed) return;
    this.#closed = true;
    // The response has ended; a request that has not makes no sense any more.
    this.#stream!.reset();
    this.#callbacks.onClose(status, message);
  }
}
