// test/conformance/differential/differences.test.ts: what is declared, and named, is what there is.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GROUPS } from "./cases/mod.ts";
import { DIFFERENCES } from "./differences.ts";
import { readPage, renderPage } from "./write_differences.ts";

test("every declared difference is about an exchange that exists", () => {
  const names = new Set(GROUPS.flatMap((group) => group.exchanges.map((each) => `${group.name}: ${each.name}`)));
  for (const { cases } of DIFFERENCES) for (const name of cases) assert.ok(names.has(name), name);
});

test("the page of differences is up to date", () => {
  const page = readPage();
  assert.ok(page !== null, "there is no docs/differences_from_envoy.md");
  assert.is(page!, renderPage(page!), "run write_differences.ts");
});

test("no two exchanges have one name", () => {
  for (const group of GROUPS) {
    assert.is(new Set(group.exchanges.map(({ name }) => name)).size, group.exchanges.length, group.name);
  }
});

test.run();
