// host/extensions/common/wasm/http_calls.ts: guests' HTTP callouts, sent to clusters.
/**
 * @see Envoy: source/extensions/common/wasm/context.cc Context::httpCall
 * @module
 */
import { HeaderMap } from "../../../http/header_map.ts";
import type { AsyncClient } from "../../../router/async_client/async_client.ts";
import type {
  CallHandle,
  HttpCallCallbacks,
  HttpCallFailure,
  HttpCallPort,
  HttpCallRequest,
} from "../../../wasm/mod.ts";

export class ClusterHttpCalls implements HttpCallPort {
  readonly #client: AsyncClient;

  constructor(client: AsyncClient) {
    this.#client = client;
  }

  send(request: HttpCallRequest, callbacks: HttpCallCallbacks): CallHandle | HttpCallFailure {
    const handle = this.#client.send(request.cluster, {
      headers: HeaderMap.of(request.headers),
      body: request.body,
      trailers: request.trailers.length === 0 ? null : HeaderMap.of(request.trailers),
      timeoutMs: request.timeoutMs,
    }, {
      onResponse: ({ headers, body, trailers }) => callbacks.onResponse(headers, body, trailers),
      onFailure: (reason) => callbacks.onFailure(reason),
    });
    return handle ?? "unknown_cluster";
  }
}

/**
 * For plugins that are only tried: a call to a cluster that exists is accepted and never answered, since a
 * trial must not be seen by other services.
 */
export class UnansweredHttpCalls implements HttpCallPort {
  readonly #clusterNames: ReadonlySet<string>;

  constructor(clusterNames: ReadonlySet<string>) {
    this.#clusterNames = clusterNames;
  }

  send(request: HttpCallRequest): CallHandle | HttpCallFailure {
    return this.#clusterNames.has(request.cluster) ? { cancel() {} } : "unknown_cluster";
  }
}
