// host/extensions/common/wasm/grpc_calls.ts: guests' gRPC calls and streams, sent to clusters.
/**
 * The upstream is a cluster's name or a serialized GrpcService. Envoy tries the message first and so misreads
 * names that happen to be one; here a name that is known counts.
 *
 * @see Envoy: source/extensions/common/wasm/context.cc Context::grpcCall, Context::grpcStream
 * @module
 */
import { fromLatin1 } from "../../../base/bytes.ts";
import type { ClusterManager } from "../../../upstream/cluster_manager.ts";
import { GrpcClient, GrpcStatus, type GrpcStream } from "../../../router/async_client/grpc_client.ts";
import type { OwnRequestSender } from "../../../router/async_client/own_request.ts";
import type {
  CallHandle,
  GrpcCallCallbacks,
  GrpcClientPort,
  GrpcFailure,
  GrpcRequest,
  GrpcStreamCallbacks,
  GrpcStreamHandle,
} from "../../../wasm/mod.ts";
import { type GrpcServiceMessage, parseGrpcService } from "./grpc_service.ts";

export class ClusterGrpcCalls implements GrpcClientPort {
  readonly #client: GrpcClient;

  constructor(clusters: ClusterManager, requests: OwnRequestSender) {
    this.#client = new GrpcClient(clusters, requests);
  }

  call(
    request: GrpcRequest,
    message: Uint8Array,
    timeoutMs: number,
    callbacks: GrpcCallCallbacks,
  ): CallHandle | GrpcFailure {
    const call = new UnaryCall(callbacks);
    const stream = this.#open(request, timeoutMs, call);
    if (typeof stream === "string") return stream;
    stream.send(message, true);
    return { cancel: () => stream.reset() };
  }

  openStream(request: GrpcRequest, callbacks: GrpcStreamCallbacks): GrpcStreamHandle | GrpcFailure {
    const stream = this.#open(request, 0, callbacks);
    if (typeof stream === "string") return stream;
    return {
      get hasRoom() {
        return stream.hasRoom;
      },
      send: (message, end) => stream.send(message, end),
      close: () => stream.closeLocal(),
      reset: () => stream.reset(),
    };
  }

  #open(request: GrpcRequest, timeoutMs: number, callbacks: GrpcStreamCallbacks): GrpcStream | GrpcFailure {
    const service = this.#target(request.upstream);
    if (typeof service === "string") return service;
    return this.#client.open(service.clusterName!, {
      service: request.service,
      method: request.method,
      metadata: [...service.initialMetadata, ...request.metadata],
      authority: service.authority,
      timeoutMs: timeoutMs > 0 ? timeoutMs : service.timeoutMs,
    }, callbacks) ?? "send_failed";
  }

  #target(upstream: string): GrpcServiceMessage | GrpcFailure {
    return findGrpcTarget(upstream, (name) => this.#client.hasCluster(name));
  }
}

/** Where calls to `upstream` (latin1) go, or why nowhere. */
function findGrpcTarget(upstream: string, hasCluster: (name: string) => boolean): GrpcServiceMessage | GrpcFailure {
  if (hasCluster(upstream)) {
    return { clusterName: upstream, authority: "", timeoutMs: 0, initialMetadata: [] };
  }
  const service = parseGrpcService(fromLatin1(upstream));
  if (service === null) return "unknown_upstream";
  // An empty message, or one for Google's own client, which there is none of here.
  if (service.clusterName === null || !hasCluster(service.clusterName)) return "invalid_upstream";
  return service;
}

/** One message out, one in: a stream of which only the message or the status counts. */
class UnaryCall implements GrpcStreamCallbacks {
  readonly #callbacks: GrpcCallCallbacks;
  #message: Uint8Array | null = null;

  constructor(callbacks: GrpcCallCallbacks) {
    this.#callbacks = callbacks;
  }

  onInitialMetadata(): void {}

  onMessage(message: Uint8Array): void {
    this.#message ??= message;
  }

  onTrailingMetadata(): void {}

  onClose(status: number, message: string): void {
    if (status !== GrpcStatus.Ok) this.#callbacks.onFailure(status, message);
    else if (this.#message === null) this.#callbacks.onFailure(GrpcStatus.Internal, "");
    else this.#callbacks.onMessage(this.#message);
  }
}

/** For plugins that are only tried: calls to clusters that exist are accepted and never answered. */
export class UnansweredGrpcCalls implements GrpcClientPort {
  readonly #clusterNames: ReadonlySet<string>;

  constructor(clusterNames: ReadonlySet<string>) {
    this.#clusterNames = clusterNames;
  }

  call(request: GrpcRequest): CallHandle | GrpcFailure {
    const target = findGrpcTarget(request.upstream, (name) => this.#clusterNames.has(name));
    return typeof target === "string" ? target : { cancel() {} };
  }

  openStream(request: GrpcRequest): GrpcStreamHandle | GrpcFailure {
    const target = findGrpcTarget(request.upstream, (name) => this.#clusterNames.has(name));
    return typeof target === "string" ? target : { send() {}, close() {}, reset() {} };
  }
}
