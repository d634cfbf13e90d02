// test/host/router/routes/cluster_specifier.test.ts: which cluster a request goes to.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ask, infoOf, requestOf, tableOfRoutes } from "../support.ts";

const weighted = (fields: object): object => ({ match: { prefix: "/" }, route: { weighted_clusters: fields } });
const CLUSTERS = [{ name: "c", weight: 1 }, { name: "d", weight: 0 }, { name: "e", weight: 2 }];

test("weights, of which some may be 0", () => {
  const table = tableOfRoutes([weighted({ clusters: CLUSTERS })]);
  const seen = [0, 1, 2, 3, 4, 4294967295].map((random) => ask(table, { random })!.clusterName);
  assert.equal(seen, ["c", "e", "e", "c", "e", "c"]);
});

test("a header gives the random value; what is no number leaves the stream's", () => {
  const table = tableOfRoutes([weighted({ header_name: "X-Rand", clusters: CLUSTERS })]);
  const rows: [readonly string[], string][] = [
    [["0"], "c"],
    [["1"], "e"],
    [["3"], "c"],
    [["18446744073709551615"], "c"],
    [["4"], "e"],
    [["18446744073709551616"], "e"],
    [["x"], "e"],
    [["0", "0"], "e"],
    [[], "e"],
  ];
  for (const [values, expected] of rows) {
    const headers = values.map((value) => ["x-rand", value] as const);
    assert.is(ask(table, { headers, random: 1 })!.clusterName, expected, values.join());
  }
});

test("one more attempt goes to a cluster that was not tried, by weight, until all were", () => {
  const table = tableOfRoutes([weighted({ clusters: [...CLUSTERS, { name: "m", weight: 3 }] })]);
  const route = ask(table, { random: 0 })!;
  const again = (random: number, ...names: string[]) => {
    const tried = new Set(names);
    return [route.clusterNameAgain(requestOf({}), random, infoOf(), tried), tried.size];
  };
  assert.equal([0, 1, 2, 4, 5].map((random) => again(random, "c")[0]), ["e", "e", "m", "m", "e"]);
  assert.equal(again(9, "c", "m"), ["e", 2]);
  // Then all of them count as new.
  assert.equal([0, 1, 3, 5].map((random) => again(random, "c", "e", "m")), [["c", 0], ["e", 0], ["m", 0], ["m", 0]]);
  const named = ask(tableOfRoutes([{ match: { prefix: "/" }, route: { cluster_header: "x-cl" } }]), {})!;
  assert.is(named.clusterNameAgain(requestOf({ headers: [["x-cl", "d"]] }), 0, infoOf(), new Set()), "d");
});

test("cluster_header, of routes and of weighted clusters", () => {
  for (
    const route of [
      { match: { prefix: "/" }, route: { cluster_header: "X-Cl" } },
      weighted({ clusters: [{ cluster_header: "X-Cl", weight: 1 }] }),
    ]
  ) {
    const table = tableOfRoutes([route]);
    assert.is(ask(table, { headers: [["x-cl", "d"]] })!.clusterName, "d");
    // No such cluster: the router answers 503.
    assert.is(ask(table, {})!.clusterName, "");
  }
});

test("metadata_match: a weighted cluster asks more of hosts than its route, and precedes it", () => {
  const asks = (fields: object): object => ({ filter_metadata: { "envoy.lb": fields, other: { x: 1 } } });
  const clusters = [
    { name: "c", weight: 1 },
    { name: "d", weight: 1, metadata_match: asks({ v: 2, a: true }) },
    { name: "e", weight: 1, metadata_match: { filter_metadata: { other: { y: 1 } } } },
  ];
  const criteriaOf = (route: object, random: number): unknown =>
    ask(tableOfRoutes([route]), { random })!.metadataMatch?.criteria.map(({ name, value }) => [name, value]);
  const weightedRoute = (metadata: object | null): object => ({
    match: { prefix: "/" },
    route: { weighted_clusters: { clusters }, ...(metadata !== null && { metadata_match: metadata }) },
  });
  const both = weightedRoute(asks({ v: 1, stage: "prod" }));
  assert.equal(criteriaOf(both, 0), [["stage", "prod"], ["v", 1]]);
  assert.equal(criteriaOf(both, 1), [["a", true], ["stage", "prod"], ["v", 2]]);
  assert.equal(criteriaOf(both, 2), [["stage", "prod"], ["v", 1]]);
  assert.equal(criteriaOf(weightedRoute(null), 0), undefined);
  assert.equal(criteriaOf(weightedRoute(null), 1), [["a", true], ["v", 2]]);
  const plain = { match: { prefix: "/" }, route: { cluster: "c", metadata_match: asks({ v: 1 }) } };
  assert.equal(criteriaOf(plain, 0), [["v", 1]]);
});

test("a weighted cluster configures filters more specifically than its route", () => {
  const cors = { "@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy" };
  const off = { "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", disabled: true };
  const table = tableOfRoutes([{
    ...weighted({
      clusters: [{ name: "c", weight: 1, typed_per_filter_config: { f: off } }, { name: "d", weight: 1 }],
    }),
    typed_per_filter_config: { f: cors },
  }]);
  assert.is(ask(table, { random: 0 })!.filterDisabled("f"), true);
  assert.is(ask(table, { random: 1 })!.filterDisabled("f"), false);
  assert.is(ask(table, { random: 0 })!.perFilterConfig("f"), "envoy.extensions.filters.http.cors.v3.CorsPolicy");
});

test("redirects and direct responses have no cluster", () => {
  const table = tableOfRoutes([{ match: { prefix: "/" }, redirect: { host_redirect: "x" } }]);
  assert.is(ask(table, {})!.clusterName, null);
});

test.run();
