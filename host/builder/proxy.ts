// host/builder/proxy.ts: a whole configuration, for people who do not write Envoy's YAML.
// pure: no I/O, no clock, no runtime globals
/**
 * What it builds is an Envoy bootstrap, which goes through the same checks as a file does. It begins with the
 * settings of Envoy's best practices for the edge; `set` of every part changes any of them.
 *
 * @see Envoy: docs/root/configuration/best_practices/edge.rst
 * @module
 */
import type { NativeFilter } from "../extensions/common/native/filter.ts";
import { addressFields } from "./address.ts";
import { ClusterBuilder } from "./cluster.ts";
import { type Fields, mergeFields } from "./fields.ts";
import { type Configure, ListenerBuilder } from "./listener.ts";

/**
 * @example
 * ```ts
 * import { ProxyBuilder } from "./proxy.ts";
 * const config = new ProxyBuilder()
 *   .cluster("app", (app) => app.endpoint("127.0.0.1:3000").endpoint("127.0.0.1:3001"))
 *   .listener("web", "127.0.0.1:8080", (web) =>
 *     web.http((http) => http.route("/", (route) => route.to("app").retry({ on: "5xx" }))));
 * console.assert(JSON.stringify(config).includes('"retry_on":"5xx"'));
 * ```
 */
export class ProxyBuilder {
  readonly #fields: Record<string, unknown> = {};
  readonly #clusters: ClusterBuilder[] = [];
  readonly #listeners: ListenerBuilder[] = [];

  cluster(name: string, configure: Configure<ClusterBuilder>): this {
    const cluster = new ClusterBuilder(name);
    configure(cluster);
    this.#clusters.push(cluster);
    return this;
  }

  /** `address` is `127.0.0.1:8080`, `:8080`, `[::1]:8080` or `unix:/run/web.sock`; port 0 takes a free one. */
  listener(name: string, address: string, configure: Configure<ListenerBuilder>): this {
    const listener = new ListenerBuilder(name, address);
    configure(listener);
    this.#listeners.push(listener);
    return this;
  }

  /** Where the admin interface listens; best on loopback. */
  admin(address: string): this {
    return this.set({ admin: { address: addressFields(address) } });
  }

  /** Any fields of envoy.config.bootstrap.v3.Bootstrap, merged over what is there. */
  set(fields: Fields): this {
    mergeFields(this.#fields, fields);
    return this;
  }

  get nativeFilters(): readonly NativeFilter[] {
    return [...new Set(this.#listeners.flatMap((listener) => listener.nativeFilters))];
  }

  toJSON(): Fields {
    const fields: Record<string, unknown> = {
      static_resources: { listeners: this.#listeners, clusters: this.#clusters },
    };
    mergeFields(fields, this.#fields);
    return fields;
  }
}
