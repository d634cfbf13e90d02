// test/host/router/routes/route_match.test.ts: routes match what Envoy 1.40 matched.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromLatin1 } from "../../../../host/base/bytes.ts";
import type { StreamInfo } from "../../../../host/observe/stream_info.ts";
import { answer, bodyOf, direct, infoOf, requestOf, tableOfRoutes } from "../support.ts";

test("paths", () => {
  const table = tableOfRoutes([
    direct({ prefix: "/pq?x" }, "never"),
    direct({ prefix: "/pfx" }, "pfx"),
    direct({ path_separated_prefix: "/psp" }, "psp"),
    direct({ path: "/CiP", case_sensitive: false }, "cip"),
    direct({ path_separated_prefix: "/CiS", case_sensitive: false }, "cis"),
    direct({ prefix: "/Ci/", case_sensitive: false }, "ci"),
    direct({ safe_regex: { regex: "/rx/[a-c]+" } }, "rx"),
    direct({ safe_regex: { regex: "/RC/.*" } }, "rxc"),
    direct({ safe_regex: { regex: "/alt|/b" } }, "alt"),
    direct({ prefix: "abc" }, "never"),
  ]);
  const rows: [string, string | null][] = [
    ["/pq?x", null],
    ["/pq", null],
    ["/pfx", "pfx"],
    ["/pfxx", "pfx"],
    ["/pfx?a", "pfx"],
    ["/psp", "psp"],
    ["/psp/", "psp"],
    ["/psp/a", "psp"],
    ["/pspx", null],
    ["/psp?a", "psp"],
    ["/ci/", "ci"],
    ["/CI/x", "ci"],
    ["/cip", "cip"],
    ["/CIP?x", "cip"],
    ["/cipx", null],
    ["/CIS/x", "cis"],
    ["/cisx", null],
    ["/rx/abc", "rx"],
    ["/rx/abc?q", "rx"],
    ["/rx/abcd", null],
    ["/RC/x", "rxc"],
    ["/rc/x", null],
    ["/alt", "alt"],
    ["/b", "alt"],
    ["/altb", null],
    ["/b?alt", "alt"],
  ];
  for (const [path, expected] of rows) assert.is(answer(table, path), expected, path);
});

test("the first route wins, whatever its kind", () => {
  const table = tableOfRoutes([
    direct({ prefix: "/close" }, "1"),
    direct({ path: "/closeretry" }, "2"),
    direct({ safe_regex: { regex: "/x/.*" } }, "3"),
    direct({ path: "/x/y" }, "4"),
    direct({ path: "/z" }, "5"),
    direct({ safe_regex: { regex: "/z" } }, "6"),
    direct({ prefix: "/" }, "7"),
  ]);
  assert.is(answer(table, "/closeretry"), "1");
  assert.is(answer(table, "/x/y"), "3");
  assert.is(answer(table, "/z"), "5");
  assert.is(answer(table, "/y"), "7");
});

test("headers, query and all conditions together", () => {
  const table = tableOfRoutes([
    direct({ prefix: "/", headers: [{ name: "X-A", string_match: { exact: "1" } }, { name: "x-b" }] }, "headers"),
    direct({ prefix: "/", query_parameters: [{ name: "q", string_match: { prefix: "v" } }, { name: "r" }] }, "query"),
    direct({ prefix: "/", headers: [{ name: ":method", string_match: { exact: "PUT" } }] }, "method"),
    direct({ prefix: "/" }, "rest"),
  ]);
  assert.is(answer(table, { headers: [["x-a", "1"], ["x-b", ""]] }), "headers");
  assert.is(answer(table, { headers: [["x-a", "1"]] }), "rest");
  assert.is(answer(table, "/?q=vw&r"), "query");
  assert.is(answer(table, "/?q=vw"), "rest");
  assert.is(answer(table, { method: "PUT" }), "method");
});

test("grpc", () => {
  const table = tableOfRoutes([direct({ prefix: "/", grpc: {} }, "grpc")]);
  const rows: [string, string | null][] = [
    ["application/grpc", "grpc"],
    ["application/grpc+proto", "grpc"],
    ["application/grpc;x", null],
    ["application/grpc-web", null],
    ["application/grpcx", null],
    ["APPLICATION/GRPC", null],
    ["application/json", null],
  ];
  for (const [type, expected] of rows) {
    assert.is(answer(table, { headers: [["content-type", type]] }), expected, type);
  }
  assert.is(answer(table, "/"), null);
});

test("tls_context; over plaintext there is no certificate", () => {
  const table = tableOfRoutes([
    direct({ prefix: "/", tls_context: { presented: true, validated: true } }, "validated"),
    direct({ prefix: "/", tls_context: { presented: true } }, "presented"),
    direct({ prefix: "/none", tls_context: { presented: false, validated: false } }, "none"),
    direct({ prefix: "/any", tls_context: {} }, "any"),
  ]);
  const presented = { peerCertificatePresented: true, peerCertificateValidated: false };
  assert.is(answer(table, { path: "/any", tls: { ...presented, peerCertificateValidated: true } }), "validated");
  assert.is(answer(table, { path: "/any", tls: presented }), "presented");
  assert.is(answer(table, "/none"), "none");
  assert.is(answer(table, "/any"), "any");
});

test("runtime_fraction follows the stream's stable number", () => {
  const fraction = (numerator: number, denominator?: string): object => ({
    prefix: "/",
    runtime_fraction: { default_value: { numerator, ...(denominator === undefined ? {} : { denominator }) } },
  });
  const table = tableOfRoutes([direct(fraction(30), "30"), direct({ prefix: "/" }, "rest")]);
  assert.is(answer(table, { random: 129 }), "30");
  assert.is(answer(table, { random: 130 }), "rest");
  const fine = tableOfRoutes([direct(fraction(1, "MILLION"), "1"), direct({ prefix: "/" }, "rest")]);
  assert.is(answer(fine, { random: 3_000_000 }), "1");
  assert.is(answer(fine, { random: 3_000_001 }), "rest");
  assert.is(answer(tableOfRoutes([direct(fraction(0), "0")]), { random: 0 }), null);
});

test("ignore_path_parameters_in_path_matching leaves parameters out of every segment", () => {
  const table = tableOfRoutes([direct({ path: "/a" }, "a"), direct({ prefix: "/p/q" }, "pq")], {
    ignore_path_parameters_in_path_matching: true,
  });
  const rows: [string, string | null][] = [
    ["/a;v=1", "a"],
    ["/a;v=1?q", "a"],
    ["/a?x;y", "a"],
    ["/p;x", null],
    ["/p;x/q", "pq"],
    ["/p/q;x", "pq"],
    ["/p/;q", null],
  ];
  for (const [path, expected] of rows) assert.is(answer(table, path), expected, path);
  assert.is(answer(tableOfRoutes([direct({ path: "/a" }, "a")]), "/a;v=1"), null);
});

test("filter state and metadata that filters left", () => {
  const table = tableOfRoutes([
    direct({ prefix: "/", filter_state: [{ key: "s", string_match: { prefix: "v" } }] }, "string"),
    direct({
      prefix: "/",
      filter_state: [{ key: "ip", address_match: { ranges: [{ address_prefix: "10.0.0.0", prefix_len: 8 }] } }],
    }, "address"),
    direct({
      prefix: "/",
      dynamic_metadata: [{ filter: "f", path: [{ key: "a" }, { key: "b" }], value: { string_match: { exact: "v" } } }],
    }, "metadata"),
    direct({ prefix: "/" }, "rest"),
  ]);
  const route = (change: (info: StreamInfo) => void): string => {
    const info = infoOf();
    change(info);
    return bodyOf(table.route(requestOf({}), info, 0)!);
  };
  const object = (text: string, more: object = {}) => ({ value: fromLatin1(text), readOnly: true, ...more });
  assert.is(route(() => {}), "rest");
  assert.is(route(({ filterState }) => filterState.set("s", object("value"))), "string");
  assert.is(route(({ filterState }) => filterState.set("s", object("other"))), "rest");
  assert.is(route(({ connection }) => connection.filterState = new Map([["s", object("value")]])), "string");
  assert.is(route(({ filterState }) => filterState.set("ip", object("10.1.2.3", { type: "address" }))), "address");
  assert.is(route(({ filterState }) => filterState.set("ip", object("11.1.2.3", { type: "address" }))), "rest");
  assert.is(route(({ filterState }) => filterState.set("ip", object("10.1.2.3"))), "rest");
  assert.is(route((info) => info.mergeDynamicMetadata("f", { a: { b: "v" } })), "metadata");
  assert.is(route((info) => info.mergeDynamicMetadata("f", { a: { b: "w" } })), "rest");
});

test.run();
