// host/extensions/common/native/filter.ts: filters written in TypeScript that an embedding program brings.
/**
 * A native filter runs without a sandbox, with everything that the program may do. Only a program can bring one
 * (`createProxy`): a configuration names it, and a name that the program did not bring is an error.
 *
 * @module
 */
import type { FilterStream, HttpFilter } from "../../../http/filter.ts";
import type { NetworkFilter, NetworkFilterStream } from "../../../net/filter.ts";

/** The `config` of a filter as JSON; `{}` when there is none. */
export type NativeFilterConfig = Readonly<Record<string, unknown>>;

/** Where a worker thread finds a filter. */
export interface NativeFilterModule {
  readonly url: string;
  readonly exportName: string;
}

interface Named {
  readonly name: string;
  /** Null: the filter exists only on the thread that made it, which is enough for one worker. */
  readonly module: NativeFilterModule | null;
}

export interface NativeHttpFilter extends Named {
  readonly kind: "http";
  /** Runs once per stream. Null leaves the filter out of this stream. */
  create(stream: FilterStream, config: NativeFilterConfig): HttpFilter | null;
}

export interface NativeNetworkFilter extends Named {
  readonly kind: "network";
  /** Runs once per connection. Null leaves the filter out of this connection. */
  create(stream: NetworkFilterStream, config: NativeFilterConfig): NetworkFilter | null;
}

export type NativeFilter = NativeHttpFilter | NativeNetworkFilter;

/**
 * An HTTP filter: `create` runs once per stream and gives an object with the callbacks that are wanted. What
 * throws is answered with 500 and logged; the proxy goes on.
 *
 * @example
 * ```ts
 * import { defineHttpFilter } from "./filter.ts";
 * const hello = defineHttpFilter("hello", (stream) => ({
 *   onRequestHeaders(headers) {
 *     if (headers.get("x-blocked") === null) return 0;
 *     stream.sendLocalReply({ status: 403, body: "no\n", details: "blocked" });
 *     return 1;
 *   },
 * }));
 * console.assert(hello.kind === "http" && hello.name === "hello");
 * ```
 */
export function defineHttpFilter(name: string, create: NativeHttpFilter["create"]): NativeHttpFilter {
  return { kind: "http", name, module: null, create };
}

/**
 * A network filter: `create` runs once per connection.
 *
 * @example
 * ```ts
 * import { defineNetworkFilter } from "./filter.ts";
 * const counter = { bytes: 0 };
 * const count = defineNetworkFilter("count", () => ({
 *   onDownstreamData(data) {
 *     counter.bytes += data.length;
 *     return 0;
 *   },
 * }));
 * console.assert(count.kind === "network");
 * ```
 */
export function defineNetworkFilter(name: string, create: NativeNetworkFilter["create"]): NativeNetworkFilter {
  return { kind: "network", name, module: null, create };
}

/** What a configuration's filter runs: plain data, as it goes to workers. */
export interface NativeFilterPlan {
  /** Of the filter that has the name now: two filters of one name, one after the other, are two. */
  readonly id: number;
  readonly name: string;
  readonly module: NativeFilterModule | null;
  readonly config: NativeFilterConfig;
}

/** The filters that a program brought, on the thread that it runs on. */
export class NativeFilters {
  readonly #ids = new Map<NativeFilter, number>();
  readonly #byId = new Map<number, NativeFilter>();
  #byName: ReadonlyMap<string, NativeFilter> = new Map();
  #nextId = 1;

  /** Takes the filters of the next configuration; those of the one before can still run. A name that is there twice. */
  use(filters: readonly NativeFilter[]): string | null {
    const byName = new Map<string, NativeFilter>();
    for (const filter of filters) {
      const key = `${filter.kind} ${filter.name}`;
      const other = byName.get(key);
      if (other !== undefined && other !== filter) return filter.name;
      byName.set(key, filter);
      if (this.#ids.has(filter)) continue;
      this.#ids.set(filter, this.#nextId);
      this.#byId.set(this.#nextId++, filter);
    }
    this.#byName = byName;
    return null;
  }

  /** Names of one kind, for messages. */
  names(kind: NativeFilter["kind"]): string[] {
    return [...this.#byName.values()].filter((filter) => filter.kind === kind).map((filter) => filter.name);
  }

  find(kind: NativeFilter["kind"], name: string): Omit<NativeFilterPlan, "config"> | null {
    const filter = this.#byName.get(`${kind} ${name}`);
    return filter === undefined ? null : { id: this.#ids.get(filter)!, name, module: filter.module };
  }

  get(id: number): NativeFilter | null {
    return this.#byId.get(id) ?? null;
  }

  /** Forgets all but those that `use` took last. What runs goes on. */
  forgetOthers(): void {
    const used = new Set(this.#byName.values());
    for (const [id, filter] of this.#byId) {
      if (used.has(filter)) continue;
      this.#byId.delete(id);
      this.#ids.delete(filter);
    }
  }
}
