// host/builder/listener.ts: a listener, and the connection manager of one that speaks HTTP.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { NativeFilter, NativeHttpFilter, NativeNetworkFilter } from "../extensions/common/native/filter.ts";
import { addressFields } from "./address.ts";
import { duration, type Fields, mergeFields, typed } from "./fields.ts";
import { FilterList, type WasmFilterOptions, wasmPlugin } from "./filter.ts";
import { RouteBuilder, type RouteMatchOptions } from "./route.ts";

/** Fills in a part. */
export type Configure<Part> = (part: Part) => unknown;

const HTTP = "envoy.extensions.filters.http";
const NETWORK = "envoy.extensions.filters.network";

/** A virtual host: the routes of some domains; the first route that matches counts. */
export class VirtualHostBuilder {
  readonly #fields: Record<string, unknown>;
  readonly #routes: RouteBuilder[] = [];

  constructor(domains: readonly string[]) {
    this.#fields = { name: domains[0] === "*" ? "all" : domains[0], domains };
  }

  route(match: string | RouteMatchOptions, configure: Configure<RouteBuilder>): this {
    const route = new RouteBuilder(match);
    configure(route);
    this.#routes.push(route);
    return this;
  }

  /** Any fields of envoy.config.route.v3.VirtualHost, merged over what is there. */
  set(fields: Fields): this {
    mergeFields(this.#fields, fields);
    return this;
  }

  toJSON(): Fields {
    return { ...this.#fields, routes: this.#routes };
  }
}

/** A connection manager with the settings of Envoy's best practices for the edge. */
export class HttpBuilder {
  readonly #fields: Record<string, unknown>;
  readonly #hosts = new Map<string, VirtualHostBuilder>();
  readonly #filters = new FilterList();

  /** `statPrefix` begins the names of its statistics: `http.<statPrefix>.`. */
  constructor(statPrefix: string) {
    this.#fields = {
      stat_prefix: statPrefix,
      use_remote_address: true,
      normalize_path: true,
      merge_slashes: true,
      path_with_escaped_slashes_action: "UNESCAPE_AND_REDIRECT",
      stream_idle_timeout: "300s",
      request_timeout: "300s",
      request_headers_timeout: "10s",
      common_http_protocol_options: { idle_timeout: "3600s", headers_with_underscores_action: "REJECT_REQUEST" },
      http2_protocol_options: {
        max_concurrent_streams: 100,
        initial_stream_window_size: 65_536,
        initial_connection_window_size: 1_048_576,
      },
    };
  }

  /** A route of all domains that no `host` names. */
  route(match: string | RouteMatchOptions, configure: Configure<RouteBuilder>): this {
    return this.host("*", (host) => host.route(match, configure));
  }

  /** Routes of some domains: `example.com`, `*.example.com`, `example.*`. Asked for again, it gets more routes. */
  host(domains: string | readonly string[], configure: Configure<VirtualHostBuilder>): this {
    const list = typeof domains === "string" ? [domains] : domains;
    const key = list.join(" ");
    let host = this.#hosts.get(key);
    if (host === undefined) this.#hosts.set(key, host = new VirtualHostBuilder(list));
    configure(host);
    return this;
  }

  /** A filter in TypeScript; filters run in the order in which they are added. */
  filter(filter: NativeHttpFilter, config?: Fields): this {
    this.#filters.addNative(filter, config);
    return this;
  }

  /** A WebAssembly filter. */
  wasm(name: string, options: WasmFilterOptions): this {
    return this.httpFilter(name, `${HTTP}.wasm.v3.Wasm`, wasmPlugin(name, options));
  }

  /** Any other filter, by its message type. */
  httpFilter(name: string, typeName: string, fields: Fields = {}): this {
    this.#filters.add(name, typed(typeName, fields));
    return this;
  }

  /** Lines about requests go to a file; without a format Envoy's default one. */
  accessLog(path: string, format?: string): this {
    const log = typed("envoy.extensions.access_loggers.file.v3.FileAccessLog", {
      path,
      ...(format !== undefined && { log_format: { text_format_source: { inline_string: format } } }),
    });
    const before = this.#fields["access_log"] as unknown[] | undefined ?? [];
    return this.set({ access_log: [...before, { name: "envoy.access_loggers.file", typed_config: log }] });
  }

  /** Requests may be upgraded to WebSockets. */
  webSockets(): this {
    return this.set({ upgrade_configs: [{ upgrade_type: "websocket" }] });
  }

  /** How long a stream may be silent; 0: for ever. */
  streamIdleTimeoutMs(ms: number): this {
    return this.set({ stream_idle_timeout: duration(ms) });
  }

  /** Any fields of HttpConnectionManager, merged over what is there. */
  set(fields: Fields): this {
    mergeFields(this.#fields, fields);
    return this;
  }

  get nativeFilters(): readonly NativeFilter[] {
    return this.#filters.natives;
  }

  toJSON(): Fields {
    const routeConfig = { name: this.#fields["stat_prefix"], virtual_hosts: [...this.#hosts.values()] };
    const router = { name: "envoy.filters.http.router", typed_config: typed(`${HTTP}.router.v3.Router`) };
    return typed(`${NETWORK}.http_connection_manager.v3.HttpConnectionManager`, {
      ...(this.#hosts.size > 0 && { route_config: routeConfig }),
      ...this.#fields,
      http_filters: [...this.#filters.fields, router],
    });
  }
}

export class ListenerBuilder {
  readonly #name: string;
  readonly #fields: Record<string, unknown>;
  readonly #filters = new FilterList();
  #http: HttpBuilder | null = null;

  constructor(name: string, address: string) {
    this.#name = name;
    this.#fields = { name, address: addressFields(address), per_connection_buffer_limit_bytes: 32_768 };
  }

  /** Speaks HTTP/1.1 and HTTP/2. Asked for again, it gets more routes and filters. */
  http(configure: Configure<HttpBuilder>): this {
    if (this.#http === null) {
      this.#http = new HttpBuilder(this.#name);
      this.#filters.add("envoy.filters.network.http_connection_manager", this.#http);
    }
    configure(this.#http);
    return this;
  }

  /** Bytes go to a cluster as they are. */
  tcp(cluster: string, fields: Fields = {}): this {
    return this.networkFilter("envoy.filters.network.tcp_proxy", `${NETWORK}.tcp_proxy.v3.TcpProxy`, {
      stat_prefix: this.#name,
      cluster,
      ...fields,
    });
  }

  /** A network filter in TypeScript, before what ends the chain. */
  filter(filter: NativeNetworkFilter, config?: Fields): this {
    this.#filters.addNative(filter, config);
    return this;
  }

  /** A WebAssembly network filter. */
  wasm(name: string, options: WasmFilterOptions): this {
    return this.networkFilter(name, `${NETWORK}.wasm.v3.Wasm`, wasmPlugin(name, options));
  }

  /** Any other network filter, by its message type. */
  networkFilter(name: string, typeName: string, fields: Fields = {}): this {
    this.#filters.add(name, typed(typeName, fields));
    return this;
  }

  /** Any fields of envoy.config.listener.v3.Listener, merged over what is there. */
  set(fields: Fields): this {
    mergeFields(this.#fields, fields);
    return this;
  }

  get nativeFilters(): readonly NativeFilter[] {
    return [...this.#filters.natives, ...this.#http?.nativeFilters ?? []];
  }

  toJSON(): Fields {
    const { fields: filters } = this.#filters;
    return { ...(filters.length > 0 && { filter_chains: [{ filters }] }), ...this.#fields };
  }
}
