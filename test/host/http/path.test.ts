// test/host/http/path.test.ts: paths as Envoy 1.40 makes them canonical.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { canonicalizePath, normalizePath, type PathPlan } from "../../../host/http/path.ts";

const EDGE: PathPlan = { normalizePath: true, mergeSlashes: true, escapedSlashesAction: "UNESCAPE_AND_REDIRECT" };
const KEEP: PathPlan = { normalizePath: false, mergeSlashes: false, escapedSlashesAction: "KEEP_UNCHANGED" };

test("what the settings of an edge proxy make of paths", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["/a/../b", "/b"],
    ["/a/./b", "/a/b"],
    ["/a//b", "/a/b"],
    ["/a\\b", "/a/b"],
    ["/%2e%2e/b", "/b"],
    ["/../../x", "/x"],
    ["/a/..;/b", "/b"],
    ["/a/.;x=1/b", "/a/b"],
    ["/a/%2e%2e;/b", "/b"],
    ["/a/...;/b", "/a/...;/b"],
    ["/{a}|b", "/%7Ba%7D%7Cb"],
    ["/a;p=1/../b", "/b"],
    ["/a/..", "/"],
    ["/a/b/.", "/a/b/"],
    ["/a/b/..", "/a/"],
    ["//", "//"],
    ["///", "//"],
    ["///a//", "/a/"],
    ["/%61", "/a"],
    ["/%41%7e%2d%5f", "/A~-_"],
    ["/%252f", "/%252f"],
    ["/a%", "/a%"],
    ["/a%zz", "/a%zz"],
    ["/%0d%0a", "/%0d%0a"],
    ["/a?b=/../c//d%2f", "/a?b=/../c//d%2f"],
    ["/.a/..b/...", "/.a/..b/..."],
  ];
  for (const [before, after] of rows) {
    assert.equal(canonicalizePath(before, EDGE), { kind: "continue", path: after }, before);
  }
});

test("escaped slashes: redirected, unescaped, refused, kept", () => {
  for (const path of ["/a%2fb", "/a%2Fb", "/a%5cb"]) {
    assert.equal(canonicalizePath(path, EDGE), { kind: "redirect", path: "/a/b" });
    assert.equal(canonicalizePath(path, { ...EDGE, escapedSlashesAction: "UNESCAPE_AND_FORWARD" }), {
      kind: "continue",
      path: "/a/b",
    });
    assert.is(canonicalizePath(path, { ...KEEP, escapedSlashesAction: "REJECT_REQUEST" }).kind, "reject");
    assert.equal(canonicalizePath(path, KEEP), { kind: "continue", path });
  }
  assert.equal(canonicalizePath("/a?b=%2f", EDGE), { kind: "continue", path: "/a?b=%2f" });
});

test("without settings nothing is changed", () => {
  for (const path of ["/a/../b", "//", "/a\\b", "/%61", "/%00"]) {
    assert.equal(canonicalizePath(path, KEEP), { kind: "continue", path });
  }
});

test("what can be no path", () => {
  assert.is(canonicalizePath("/a%00b", EDGE).kind, "reject");
  assert.is(normalizePath("a"), null);
  assert.is(normalizePath(""), null);
});

test("a canonical path stays as it is", () => {
  for (const path of ["/a/../b", "/a//./b\\..\\c", "/%2e/%61/..", "/x/%2e%2e", "/a/b/c/../../.."]) {
    const once = canonicalizePath(path, EDGE).path;
    assert.equal(canonicalizePath(once, EDGE), { kind: "continue", path: once }, path);
  }
});

test.run();
