// test/conformance/differential/explore/trees.ts: random match trees, and requests that find their way through them.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";
import type { Chance } from "./chance.ts";
import { type Fields, listLines, typed } from "./fields.ts";

const VALUES = ["a", "ab", "abc", "b", "B", "", "1", "a.test", "x.a.test", "b.test"];
const ADDRESSES = ["10.1.2.3", "10.1.9.9", "10.2.0.1", "127.0.0.1", "8.8.8.8", "::1", "junk"];

class Trees {
  readonly #chance: Chance;
  #routes = 0;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  #input(): Fields {
    const chance = this.#chance;
    return typed("header", "envoy.type.matcher.v3.HttpRequestHeaderMatchInput", {
      header_name: chance.of(["x-a", "x-a", "x-b", "x-b", ":path", ":authority", "X-A"]),
    });
  }

  #text(): Fields {
    const chance = this.#chance;
    const value = chance.of(VALUES.filter((each) => each !== ""));
    const ignoresCase = chance.maybe(4, () => ({ ignore_case: true }));
    return chance.of<Fields>([
      { exact: chance.of(VALUES), ...ignoresCase },
      { prefix: value, ...ignoresCase },
      { suffix: value, ...ignoresCase },
      { contains: value, ...ignoresCase },
      { safe_regex: { google_re2: {}, regex: chance.of(["a.*", ".", "[ab]*", "\\d", "(?i)B"]) } },
    ]);
  }

  #predicate(depth: number): Fields {
    const chance = this.#chance;
    const many = () => ({ predicate: chance.list(2, 3, () => this.#predicate(depth - 1)) });
    if (depth > 0 && chance.oneIn(3)) {
      return chance.of<() => Fields>([
        () => ({ or_matcher: many() }),
        () => ({ and_matcher: many() }),
        () => ({ not_matcher: this.#predicate(depth - 1) }),
      ])();
    }
    return { single_predicate: { input: this.#input(), value_match: this.#text() } };
  }

  #route(): Fields {
    const chance = this.#chance;
    const name = `r${this.#routes++}`;
    return typed("route", "envoy.config.route.v3.Route", {
      name,
      match: { prefix: chance.of(["/", "/", "/a", "/b"]) },
      ...(chance.oneIn(3)
        ? { route: { cluster: "u" } }
        : { direct_response: { status: 200, body: { inline_string: name } } }),
    });
  }

  #onMatch(depth: number): Fields {
    const chance = this.#chance;
    return depth > 0 && chance.oneIn(3) ? { matcher: this.matcher(depth - 1) } : { action: this.#route() };
  }

  #map(depth: number, keys: readonly string[]): Fields {
    return { map: Object.fromEntries(this.#chance.some(keys, 2).map((key) => [key, this.#onMatch(depth)])) };
  }

  #tree(depth: number): Fields {
    const chance = this.#chance;
    const keys = VALUES.filter((each) => each !== "");
    return chance.of<() => Fields>([
      () => ({
        input: this.#input(),
        exact_match_map: { map: { zzz: this.#onMatch(0), ...(this.#map(depth, keys)["map"] as Fields) } },
      }),
      () => ({
        input: this.#input(),
        prefix_match_map: {
          map: { zzz: this.#onMatch(0), ...(this.#map(depth, ["/", "/a", "/ab", ...keys])["map"] as Fields) },
        },
      }),
      () => ({
        input: this.#input(),
        custom_match: typed("ip", "xds.type.matcher.v3.IPMatcher", {
          range_matchers: chance.list(1, 3, () => ({
            ranges: chance.list(1, 2, () => ({
              address_prefix: chance.of(["10.0.0.0", "10.1.0.0", "127.0.0.0", "::1", "0.0.0.0"]),
              prefix_len: chance.of([0, 8, 16, 24, 32]),
            })),
            on_match: this.#onMatch(depth),
            ...chance.maybe(3, () => ({ exclusive: true })),
          })),
        }),
      }),
    ])();
  }

  matcher(depth: number): Fields {
    const chance = this.#chance;
    const body = chance.oneIn(2) ? { matcher_tree: this.#tree(depth) } : {
      matcher_list: {
        matchers: chance.list(1, 3, () => ({ predicate: this.#predicate(2), on_match: this.#onMatch(depth) })),
      },
    };
    return { ...body, ...chance.maybe(2, () => ({ on_no_match: this.#onMatch(depth) })) };
  }
}

function request(chance: Chance, index: number): Exchange {
  const value = () => chance.oneIn(3) ? chance.of(ADDRESSES) : chance.of(VALUES);
  const fields = [
    ...(chance.oneIn(3) ? [] : [`x-a: ${value()}`]),
    ...(chance.oneIn(8) ? [`x-a: ${value()}`] : []),
    ...(chance.oneIn(2) ? [`x-b: ${value()}`] : []),
  ].map((field) => `${field}\r\n`).join("");
  const query = chance.oneIn(2) ? `?${chance.of(["q", "r", "Q"])}=${value()}` : "";
  const target = `/${chance.of(["", "a", "ab", "b", "a/b"])}${query}`;
  const host = chance.of(VALUES.filter((each) => each !== ""));
  return { name: `request ${index}`, client: `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n` };
}

/** A virtual host whose routes are in a tree. */
export function exploreTrees(chance: Chance, seed: number): Group {
  const matcher = new Trees(chance).matcher(3);
  return {
    name: `trees_${seed}`,
    listeners: ["main"],
    upstreams: ["u"],
    yaml: bootstrap([
      httpListener("main", { virtualHosts: listLines([{ name: "v", domains: ["*"], matcher }]) }),
    ], [cluster("u")]),
    exchanges: chance.list(60, 60, (index) => request(chance, index)),
  };
}
