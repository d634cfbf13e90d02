// test/host/router/routes/rewrite.test.ts: paths and hosts arrive upstream as Envoy 1.40 sent them.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ask, type Asked, infoOf, requestOf, tableOfRoutes, upstreamView } from "../support.ts";

const regex = (pattern: string, substitution: string): object => ({ pattern: { regex: pattern }, substitution });
const to = (prefix: string, action: object): object => ({ match: { prefix }, route: { cluster: "c", ...action } });
const table = tableOfRoutes([
  to("/pr", { prefix_rewrite: "/z" }),
  { match: { path: "/exact" }, route: { cluster: "c", prefix_rewrite: "/z" } },
  { match: { safe_regex: { regex: "/sr.*" } }, route: { cluster: "c", prefix_rewrite: "/z" } },
  to("/rr", { regex_rewrite: regex("^/rr/([^/]+)(/.*)$", "\\2/i/\\1") }),
  to("/ra", { regex_rewrite: regex("a", "b\\\\\\0") }),
  to("/hl", { host_rewrite_literal: "New.Host" }),
  to("/hx", { host_rewrite_literal: "n", append_x_forwarded_host: true }),
  to("/hh", { host_rewrite_header: "x-host", append_x_forwarded_host: true }),
  to("/hp", { host_rewrite_path_regex: regex("^/hp/(.+)/.*$", "\\1") }),
  to("/ah", { auto_host_rewrite: true, append_x_forwarded_host: true }),
  to("/off", { auto_host_rewrite: false, prefix_rewrite: "" }),
]);

const ROWS: readonly [Asked, string][] = [
  [{ path: "/prX?q" }, "host=h path=/zX?q x-envoy-original-path=/prX?q"],
  [{ path: "/exact?q" }, "host=h path=/z?q x-envoy-original-path=/exact?q"],
  [{ path: "/sr/a/b?q" }, "host=h path=/z?q x-envoy-original-path=/sr/a/b?q"],
  [{ path: "/rr/a/b/c?q" }, "host=h path=/b/c/i/a?q x-envoy-original-path=/rr/a/b/c?q"],
  [{ path: "/ra?a" }, "host=h path=/rb\\a?a x-envoy-original-path=/ra?a"],
  [{ path: "/hl" }, "host=New.Host path=/hl x-envoy-original-host=h"],
  [{ path: "/hx" }, "host=n path=/hx x-envoy-original-host=h x-forwarded-host=h"],
  [
    { path: "/hx", headers: [["x-forwarded-host", "a,b"], ["x-envoy-original-host", "fake"]] },
    "host=n path=/hx x-forwarded-host=a,b,h x-envoy-original-host=h",
  ],
  [
    { path: "/hx", headers: [["x-forwarded-host", "a,h"]] },
    "host=n path=/hx x-forwarded-host=a,h x-envoy-original-host=h",
  ],
  [
    { path: "/hh", headers: [["x-host", "p"], ["x-host", "q"]] },
    "host=p path=/hh x-host=p x-host=q x-envoy-original-host=h x-forwarded-host=h",
  ],
  [{ path: "/hh", headers: [["x-host", ""]] }, "host=h path=/hh x-host="],
  [{ path: "/hh" }, "host=h path=/hh"],
  [{ path: "/hp/foo/x?q" }, "host=foo path=/hp/foo/x?q x-envoy-original-host=h"],
  [{ path: "/ah" }, "host=h path=/ah"],
  [{ path: "/off" }, "host=h path=/off"],
];

for (const [asked, expected] of ROWS) {
  test(`${asked.path} ${JSON.stringify(asked.headers ?? [])}`, () => {
    assert.is(upstreamView(table, asked).join(" "), expected);
  });
}

test("x-forwarded-host: only the last entry, as it is written, counts as a repetition", () => {
  const view = upstreamView(table, { path: "/hx", headers: [["x-forwarded-host", "a, h"]] });
  assert.ok(view.includes("x-forwarded-host=a, h,h"));
});

test("auto_host_rewrite is left to the router, which knows the host", () => {
  const entry = ask(table, "/ah")!;
  assert.is(entry.autoHostRewrite, true);
  assert.is(ask(table, "/hl")!.autoHostRewrite, false);
  assert.is(ask(table, "/off")!.autoHostRewrite, false);
  const headers = requestOf({ path: "/ah" });
  entry.rewriteHost(headers, "chosen.example");
  assert.is(headers.authority, "chosen.example");
  assert.is(headers.get("x-envoy-original-host"), "h");
  assert.is(headers.get("x-forwarded-host"), "h");
});

test("suppressed Envoy headers leave no x-envoy-original-path", () => {
  const headers = requestOf({ path: "/prX" });
  ask(table, "/prX")!.finalizeRequestHeaders(headers, infoOf(), false);
  assert.is(headers.path, "/zX");
  assert.is(headers.has("x-envoy-original-path"), false);
});

test.run();
