// test/host/router/header_ops.test.ts: header mutations in the order in which Envoy 1.40 made them.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HeaderMap } from "../../../host/http/header_map.ts";
import type { RouteTable } from "../../../host/router/routes/route_table.ts";
import { ask, type Asked, infoOf, requestOf, tableOf, upstreamView } from "./support.ts";

const OVERWRITE = "OVERWRITE_IF_EXISTS_OR_ADD", IF_EXISTS = "OVERWRITE_IF_EXISTS", IF_ABSENT = "ADD_IF_ABSENT";
const add = (key: string, value: string, action?: string, more: object = {}): object => ({
  header: { key, value },
  ...(action === undefined ? {} : { append_action: action }),
  ...more,
});
const level = (name: string): object => ({
  request_headers_to_add: [add("x-l", name), add("x-o", name, OVERWRITE), add("x-a", name, IF_ABSENT)],
  response_headers_to_add: [add("x-l", name), add("x-o", name, OVERWRITE)],
});

function table(mostSpecificWins: boolean): RouteTable {
  return tableOf({
    ...level("rc"),
    most_specific_header_mutations_wins: mostSpecificWins,
    virtual_hosts: [{
      name: "v",
      domains: ["*"],
      ...level("vh"),
      routes: [{
        match: { prefix: "/lv" },
        route: { cluster: "c" },
        request_headers_to_add: [
          add("x-l", "route"),
          add("x-o", "route", OVERWRITE),
          add("x-a", "route", IF_ABSENT),
          add("x-e", "route", IF_EXISTS),
          add("x-n", "route", IF_EXISTS),
          add("x-empty", ""),
          add("x-emptyk", "", undefined, { keep_empty_value: true }),
          add("x-pct", "100%%"),
          add("x-u", "é"),
        ],
        request_headers_to_remove: ["x-rm", "X-L"],
        response_headers_to_add: [add("x-l", "route"), add("x-o", "route", OVERWRITE)],
      }, {
        match: { prefix: "/wc" },
        route: {
          append_x_forwarded_host: true,
          weighted_clusters: {
            clusters: [{
              name: "c",
              weight: 1,
              ...level("wc"),
              request_headers_to_remove: ["x-w"],
              host_rewrite_literal: "wch",
            }],
          },
        },
        request_headers_to_add: [add("x-l", "route"), add("x-o", "route", OVERWRITE), add("x-w", "route")],
        response_headers_to_add: [add("x-l", "route"), add("x-o", "route", OVERWRITE)],
      }],
    }],
  });
}

const general = table(false), specific = table(true);
const LEVELS: Asked = {
  path: "/lv",
  headers: [["x-l", "cl"], ["x-rm", "1"], ["x-e", "cl"], ["x-o", "cl"], ["x-rm", "2"]],
};
const WEIGHTED: Asked = { path: "/wc", headers: [["x-w", "cl"]] };

function responseView(routes: RouteTable, asked: Asked): string {
  const headers = HeaderMap.of({ ":status": "200" });
  ask(routes, asked)!.finalizeResponseHeaders(headers, requestOf(asked), infoOf());
  return headers.entries().slice(1).map((entry) => entry.join("=")).join(" ");
}

test("the route configuration's mutations come last and win", () => {
  assert.is(
    upstreamView(general, LEVELS).join(" "),
    "host=h path=/lv x-e=route x-l=route x-a=route x-emptyk= x-pct=100% x-u=\xc3\xa9 x-l=vh x-o=rc x-l=rc",
  );
  assert.is(responseView(general, LEVELS), "x-l=route x-l=vh x-o=rc x-l=rc");
});

test("most_specific_header_mutations_wins turns the levels round", () => {
  assert.is(
    upstreamView(specific, LEVELS).join(" "),
    "host=h path=/lv x-a=rc x-o=route x-e=route x-l=route x-emptyk= x-pct=100% x-u=\xc3\xa9",
  );
  assert.is(responseView(specific, LEVELS), "x-l=rc x-l=vh x-o=route x-l=route");
});

test("a weighted cluster's mutations come first either way, and its host leaves no trace", () => {
  assert.is(
    upstreamView(general, WEIGHTED).join(" "),
    "host=wch path=/wc x-l=wc x-a=wc x-l=route x-w=route x-l=vh x-o=rc x-l=rc",
  );
  assert.is(responseView(general, WEIGHTED), "x-l=wc x-l=route x-l=vh x-o=rc x-l=rc");
  assert.is(
    upstreamView(specific, WEIGHTED).join(" "),
    "host=wch path=/wc x-l=wc x-a=wc x-l=rc x-l=vh x-o=route x-l=route x-w=route",
  );
  assert.is(responseView(specific, WEIGHTED), "x-l=wc x-l=rc x-l=vh x-o=route x-l=route");
});

function oneLevel(additions: readonly object[], asked: Asked): string {
  const routes = [{ match: { prefix: "/" }, route: { cluster: "c" }, request_headers_to_add: additions }];
  const single = tableOf({ virtual_hosts: [{ name: "v", domains: ["*"], routes }] });
  return upstreamView(single, asked).slice(2).join(" ");
}

test("overwrites are set before anything is appended", () => {
  const additions = [
    add("x-z", "1"),
    add("x-z", "2", OVERWRITE),
    add("x-z", "3"),
    add("x-z", "4", OVERWRITE),
    add("x-y", "a", IF_ABSENT),
    add("x-y", "b", IF_ABSENT),
  ];
  assert.is(
    oneLevel(additions, { headers: [["x-z", "0"], ["x-last", "1"]] }),
    "x-last=1 x-z=4 x-z=1 x-z=3 x-y=a x-y=b",
  );
});

test("the deprecated append", () => {
  const append = (value: boolean): object => ({ header: { key: "x", value: "n" }, append: value });
  assert.is(oneLevel([append(true)], { headers: [["x", "o"]] }), "x=o x=n");
  assert.is(oneLevel([append(false)], { headers: [["x", "o"]] }), "x=n");
});

test("appending joins the headers that Envoy keeps in one field", () => {
  assert.is(oneLevel([add("accept", "n")], { headers: [["accept", "o"]] }), "accept=o,n");
  assert.is(oneLevel([add("x-forwarded-for", "1"), add("x-forwarded-for", "2")], {}), "x-forwarded-for=1,2");
  assert.is(oneLevel([add("cookie", "n")], { headers: [["cookie", "o"]] }), "cookie=o cookie=n");
  // Its response twin is no inline header of requests.
  assert.is(oneLevel([add("vary", "n")], { headers: [["vary", "o"]] }), "vary=o vary=n");
});

test("values are computed; absent ones add nothing", () => {
  const additions = [add("x-m", "%REQ(:METHOD)%-%REQ(X-SRC)%"), add("x-none", "%REQ(X-NONE)%")];
  assert.is(oneLevel(additions, { headers: [["x-src", "s"]] }), "x-src=s x-m=GET-s");
});

test("a computed header can name the host", () => {
  const routes = [{
    match: { prefix: "/" },
    route: { cluster: "c", host_rewrite_header: "x-host2" },
    request_headers_to_add: [add("x-host2", "%REQ(x-src)%")],
  }];
  const single = tableOf({ virtual_hosts: [{ name: "v", domains: ["*"], routes }] });
  assert.is(
    upstreamView(single, { headers: [["x-src", "s"]] }).join(" "),
    "host=s path=/ x-src=s x-host2=s x-envoy-original-host=h",
  );
});

test.run();
