// host/mod.ts: nuncio inside another program.
/**
 * A proxy is made from a configuration (a builder, an Envoy bootstrap as an object, YAML, a file), started,
 * given other configurations while it runs, drained and stopped. Filters can be WebAssembly modules, by path, or
 * objects in TypeScript.
 *
 * @example A proxy that answers by itself, with a filter in TypeScript
 * ```ts
 * import { createProxy, defineHttpFilter, ProxyBuilder } from "./mod.ts";
 *
 * const greeting = defineHttpFilter("greeting", () => ({
 *   onResponseHeaders(headers) {
 *     headers.set("x-greeting", "hello");
 *     return 0;
 *   },
 * }));
 * const config = new ProxyBuilder().listener("web", "127.0.0.1:0", (web) =>
 *   web.http((http) => http.filter(greeting).route("/", (route) => route.reply(200, "well\n"))));
 *
 * const proxy = await createProxy(config);
 * await proxy.start();
 * const [address] = proxy.addresses("web");
 * const response = await fetch(`http://${address}/`);
 * console.assert(await response.text() === "well\n");
 * console.assert(response.headers.get("x-greeting") === "hello");
 * console.assert((await proxy.stats())["http.web.downstream_rq_2xx"] === 1);
 * await proxy.stop();
 * ```
 *
 * @module
 */
export { createProxy, type Proxy, type ProxyOptions } from "./embed/proxy.ts";
export type { BootstrapJson, BootstrapSource, ProxyConfiguration } from "./embed/configuration.ts";
export { type ConfigurationProblem, validateConfiguration } from "./embed/validate.ts";
export { importFilter } from "./embed/import_filter.ts";

export { ProxyBuilder } from "./builder/proxy.ts";
export {
  type CircuitBreakerOptions,
  ClusterBuilder,
  type EndpointOptions,
  type HttpHealthCheckOptions,
  type LoadBalancing,
  type OutlierDetectionOptions,
} from "./builder/cluster.ts";
export { type Configure, HttpBuilder, ListenerBuilder, VirtualHostBuilder } from "./builder/listener.ts";
export {
  type RedirectOptions,
  type RetryOptions,
  RouteBuilder,
  type RouteMatchOptions,
  type TextMatch,
} from "./builder/route.ts";
export type { WasmFilterOptions } from "./builder/filter.ts";
export type { Fields } from "./builder/fields.ts";

export {
  defineHttpFilter,
  defineNetworkFilter,
  type NativeFilter,
  type NativeFilterConfig,
  type NativeHttpFilter,
  type NativeNetworkFilter,
} from "./extensions/common/native/filter.ts";
export {
  DataStatus,
  type FilterStream,
  HeadersStatus,
  type HttpFilter,
  type LocalReply,
  TrailersStatus,
} from "./http/filter.ts";
export { ByteQueue } from "./base/byte_queue.ts";
export { HeaderMap } from "./http/header_map.ts";
export { CloseType, type NetworkFilter, type NetworkFilterStream, PeerType, StreamStatus } from "./net/filter.ts";
export { NuncioError } from "./base/error.ts";
export { VERSION } from "./base/version.ts";
