// test/host/matching/header_matcher.test.ts: header matchers give the answers that Envoy 1.40 gave.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { HeaderMatcher, type HeaderMatcherPlan } from "../../../host/matching/header_matcher.ts";
import type { StringMatcherPlan } from "../../../host/matching/string_matcher.ts";

/** Values of the header in one request each. */
const VALUES: readonly (readonly string[])[] = [
  [],
  ["v"],
  ["V"],
  ["w"],
  ["v", "w"],
  ["w", "v"],
  ["v,w"],
  [""],
  ["", ""],
  ["5"],
  ["-10"],
  ["10"],
  ["+5"],
  ["1.5"],
  ["0x5"],
  ["99999999999999999999"],
  ["5a"],
  ["ab"],
  ["x\xc3\xa9"],
];

const present = (value: boolean): HeaderMatcherPlan["test"] => ({ kind: "present", present: value });
const range: HeaderMatcherPlan["test"] = { kind: "range", start: -10, end: 10 };
const string = (
  kind: "exact" | "prefix" | "suffix" | "contains",
  value: string,
  ignoreCase = false,
): HeaderMatcherPlan["test"] => ({ kind: "string", matcher: { kind, value, ignoreCase } });
const regex = (pattern: string): HeaderMatcherPlan["test"] => ({
  kind: "string",
  matcher: { kind: "regex", pattern } as StringMatcherPlan,
});

interface Row {
  readonly test: HeaderMatcherPlan["test"];
  readonly name?: string;
  readonly invert?: boolean;
  readonly treatMissingAsEmpty?: boolean;
  /** Requests that match. */
  readonly matches: (values: readonly string[]) => boolean;
}

const inRange = new Set(["5", "-10", "+5"]);
const ROWS: readonly Row[] = [
  { test: present(true), matches: (v) => v.length > 0 },
  { test: present(false), matches: (v) => v.length === 0 },
  { test: present(true), invert: true, matches: (v) => v.length === 0 },
  { test: present(false), invert: true, matches: (v) => v.length > 0 },
  { test: present(true), treatMissingAsEmpty: true, matches: () => true },
  { test: present(false), treatMissingAsEmpty: true, matches: () => false },
  { test: string("exact", "v"), matches: (v) => v.includes("v") },
  { test: string("exact", "v"), invert: true, matches: (v) => v.length > 0 && !v.includes("v") },
  { test: string("exact", "v"), treatMissingAsEmpty: true, invert: true, matches: (v) => !v.includes("v") },
  { test: string("exact", "v,w"), matches: (v) => v.includes("v,w") },
  { test: string("exact", ""), matches: (v) => v.includes("") },
  { test: string("exact", ""), treatMissingAsEmpty: true, matches: (v) => v.length === 0 || v.includes("") },
  {
    test: string("exact", ""),
    treatMissingAsEmpty: true,
    invert: true,
    matches: (v) => v.length > 0 && !v.includes(""),
  },
  { test: string("exact", "V", true), matches: (v) => v.includes("v") || v.includes("V") },
  { test: string("contains", "A", true), matches: (v) => v.includes("5a") || v.includes("ab") },
  { test: string("suffix", "\xc3\xa9"), matches: (v) => v.includes("x\xc3\xa9") },
  { test: string("suffix", "\xc3\x89", true), matches: () => false },
  { test: string("prefix", "v,"), matches: (v) => v.includes("v,w") },
  { test: range, matches: (v) => v.some((value) => inRange.has(value)) },
  { test: range, invert: true, matches: (v) => v.length > 0 && !v.some((value) => inRange.has(value)) },
  { test: regex("v|5"), matches: (v) => v.includes("v") || v.includes("5") },
  { name: "accept", test: string("exact", "v"), matches: (v) => v.join() === "v" },
  { name: "accept", test: string("exact", "v,w"), matches: (v) => v.join() === "v,w" },
  { name: "accept", test: string("exact", ""), matches: (v) => v.length > 0 && v.every((value) => value === "") },
  { name: "accept", test: range, invert: true, matches: (v) => v.length > 0 && !inRange.has(v.join()) },
];

for (const row of ROWS) {
  const title = `${row.name ?? "x-h"} ${JSON.stringify(row.test)}${row.invert ? " inverted" : ""}${
    row.treatMissingAsEmpty ? " missing as empty" : ""
  }`;
  test(title, () => {
    const name = row.name ?? "x-h";
    const matcher = new HeaderMatcher({
      name,
      test: row.test,
      invert: row.invert ?? false,
      treatMissingAsEmpty: row.treatMissingAsEmpty ?? false,
    });
    for (const values of VALUES) {
      const headers = HeaderMap.of(values.map((value) => [name, value] as const));
      assert.is(matcher.matches(headers), row.matches(values), JSON.stringify(values));
    }
  });
}

test("an empty field adds nothing to an inline header", () => {
  const matcher = new HeaderMatcher({
    name: "accept",
    test: string("exact", "v"),
    invert: false,
    treatMissingAsEmpty: false,
  });
  assert.ok(matcher.matches(HeaderMap.of([["accept", "v"], ["accept", ""]])));
});

test("pseudo-headers are matched too", () => {
  const matcher = new HeaderMatcher({
    name: ":method",
    test: string("exact", "POST"),
    invert: false,
    treatMissingAsEmpty: false,
  });
  assert.ok(matcher.matches(HeaderMap.of({ ":method": "POST" })));
  assert.not(matcher.matches(HeaderMap.of({ ":method": "GET" })));
});

test.run();
