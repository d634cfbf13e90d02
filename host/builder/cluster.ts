// host/builder/cluster.ts: a cluster: endpoints, how one is chosen, what is watched and limited.
// pure: no I/O, no clock, no runtime globals
/** @module */
import { addressFields, isNumeric } from "./address.ts";
import { duration, type Fields, mergeFields, typed } from "./fields.ts";

export interface EndpointOptions {
  /** Default 1. */
  readonly weight?: number;
  /** 0, the default, is used while enough of its endpoints are healthy. */
  readonly priority?: number;
  readonly region?: string;
  readonly zone?: string;
  /** For health checks and `auto_host_rewrite`. */
  readonly hostname?: string;
}

/** How a host is chosen; each is a policy of Envoy's under its own name. */
export type LoadBalancing =
  /** `peak_ewma` is by response time. */
  | { readonly policy: "round_robin" | "random" | "maglev" | "peak_ewma" }
  | { readonly policy: "least_request"; readonly choiceCount?: number }
  | { readonly policy: "ring_hash"; readonly minimumRingSize?: number };

export interface HttpHealthCheckOptions {
  readonly path: string;
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly healthyThreshold?: number;
  readonly unhealthyThreshold?: number;
  /** More fields of envoy.config.core.v3.HealthCheck. */
  readonly fields?: Fields;
}

export interface OutlierDetectionOptions {
  readonly consecutive5xx?: number;
  readonly intervalMs?: number;
  readonly baseEjectionTimeMs?: number;
  readonly maxEjectionPercent?: number;
  /** More fields of envoy.config.cluster.v3.OutlierDetection. */
  readonly fields?: Fields;
}

export interface CircuitBreakerOptions {
  readonly maxConnections?: number;
  readonly maxPendingRequests?: number;
  readonly maxRequests?: number;
  readonly maxRetries?: number;
}

const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

interface Endpoint extends EndpointOptions {
  readonly address: string;
}

export class ClusterBuilder {
  readonly #name: string;
  readonly #endpoints: Endpoint[] = [];
  readonly #fields: Record<string, unknown> = {};

  constructor(name: string) {
    this.#name = name;
    // Edge best practice: a slow peer costs a bounded buffer.
    this.set({ connect_timeout: "5s", per_connection_buffer_limit_bytes: 32_768 });
  }

  /** `127.0.0.1:80`, `[::1]:80`, `unix:/run/app.sock`, or a DNS name with a port, which is resolved again and again. */
  endpoint(address: string, options: EndpointOptions = {}): this {
    this.#endpoints.push({ address, ...options });
    return this;
  }

  loadBalancing(options: LoadBalancing): this {
    const fields = options.policy === "least_request"
      ? options.choiceCount === undefined ? {} : { choice_count: options.choiceCount }
      : options.policy === "ring_hash" && options.minimumRingSize !== undefined
      ? { minimum_ring_size: options.minimumRingSize }
      : {};
    const message = options.policy.split("_").map((word) => word[0]!.toUpperCase() + word.slice(1)).join("");
    const name = `envoy.load_balancing_policies.${options.policy}`;
    const typedConfig = typed(`envoy.extensions.load_balancing_policies.${options.policy}.v3.${message}`, fields);
    return this.set({
      load_balancing_policy: { policies: [{ typed_extension_config: { name, typed_config: typedConfig } }] },
    });
  }

  /** The upstream speaks HTTP/2 (without TLS: by prior knowledge). */
  http2(): this {
    return this.httpOptions({ explicit_http_config: { http2_protocol_options: {} } });
  }

  /** Fields of envoy.extensions.upstreams.http.v3.HttpProtocolOptions. */
  httpOptions(fields: Fields): this {
    return this.set({ typed_extension_protocol_options: { [HTTP_OPTIONS]: typed(HTTP_OPTIONS, fields) } });
  }

  connectTimeoutMs(ms: number): this {
    return this.set({ connect_timeout: duration(ms) });
  }

  /** Asks every endpoint again and again; those that fail get nothing. Defaults: every 5 s, 1 s, 1 and 3. */
  httpHealthCheck(options: HttpHealthCheckOptions): this {
    const { path, intervalMs = 5000, timeoutMs = 1000, healthyThreshold = 1, unhealthyThreshold = 3, fields } = options;
    return this.set({
      health_checks: [{
        interval: duration(intervalMs),
        // Envoy waits 60 s between checks of a cluster that was never used.
        no_traffic_interval: duration(intervalMs),
        timeout: duration(timeoutMs),
        healthy_threshold: healthyThreshold,
        unhealthy_threshold: unhealthyThreshold,
        http_health_check: { path },
        ...fields,
      }],
    });
  }

  /** Endpoints that fail requests are left out for a while. */
  outlierDetection(options: OutlierDetectionOptions = {}): this {
    const { consecutive5xx, intervalMs, baseEjectionTimeMs, maxEjectionPercent, fields } = options;
    return this.set({
      outlier_detection: {
        ...(consecutive5xx !== undefined && { consecutive_5xx: consecutive5xx }),
        ...(intervalMs !== undefined && { interval: duration(intervalMs) }),
        ...(baseEjectionTimeMs !== undefined && { base_ejection_time: duration(baseEjectionTimeMs) }),
        ...(maxEjectionPercent !== undefined && { max_ejection_percent: maxEjectionPercent }),
        ...fields,
      },
    });
  }

  /** How much may be under way to this cluster at once. */
  circuitBreakers(options: CircuitBreakerOptions): this {
    const { maxConnections, maxPendingRequests, maxRequests, maxRetries } = options;
    return this.set({
      circuit_breakers: {
        thresholds: [{
          priority: "DEFAULT",
          ...(maxConnections !== undefined && { max_connections: maxConnections }),
          ...(maxPendingRequests !== undefined && { max_pending_requests: maxPendingRequests }),
          ...(maxRequests !== undefined && { max_requests: maxRequests }),
          ...(maxRetries !== undefined && { max_retries: maxRetries }),
        }],
      },
    });
  }

  /** Any fields of envoy.config.cluster.v3.Cluster, merged over what is there. */
  set(fields: Fields): this {
    mergeFields(this.#fields, fields);
    return this;
  }

  toJSON(): Fields {
    const type = this.#endpoints.every((each) => isNumeric(each.address)) ? "STATIC" : "STRICT_DNS";
    return {
      name: this.#name,
      ...(this.#endpoints.length > 0 && { type, load_assignment: this.#loadAssignment() }),
      ...this.#fields,
    };
  }

  #loadAssignment(): Fields {
    const groups = new Map<string, { readonly fields: Fields; readonly endpoints: Fields[] }>();
    for (const endpoint of this.#endpoints) {
      const { priority = 0, region, zone } = endpoint;
      const key = JSON.stringify([priority, region, zone]);
      let group = groups.get(key);
      if (group === undefined) {
        const locality = { ...(region !== undefined && { region }), ...(zone !== undefined && { zone }) };
        const fields = { ...(Object.keys(locality).length > 0 && { locality }), ...(priority > 0 && { priority }) };
        groups.set(key, group = { fields, endpoints: [] });
      }
      group.endpoints.push(endpointFields(endpoint));
    }
    const endpoints = [...groups.values()].map((group) => ({ ...group.fields, lb_endpoints: group.endpoints }));
    return { cluster_name: this.#name, endpoints };
  }
}

function endpointFields({ address, hostname, weight }: Endpoint): Fields {
  return {
    endpoint: { address: addressFields(address), ...(hostname !== undefined && { hostname }) },
    ...(weight !== undefined && { load_balancing_weight: weight }),
  };
}
