// test/host/matching/query_matcher.test.ts: query matchers give the answers that Envoy 1.40 gave.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { firstQueryValue, QueryMatcher, type QueryMatcherPlan } from "../../../host/matching/query_matcher.ts";

const QUERIES = ["", "?", "?q", "?q=", "?q=v", "?q=w", "?q=w&q=v", "?q=v&q=w", "?Q=v", "?a&q=v", "?a=1&q", "?qq=v"]
  .concat(["?q=a%20b", "?q=a+b", "?%71=v", "?q=v;x", "?a?q=v", "?&&q=v&", "?q=v=w"]);
const ABSENT = ["", "?", "?Q=v", "?qq=v", "?%71=v", "?a?q=v"];
const exactly = (value: string): QueryMatcherPlan["value"] => ({ kind: "exact", value, ignoreCase: false });

const ROWS: readonly [QueryMatcherPlan["value"], boolean, readonly string[]][] = [
  [null, true, QUERIES.filter((query) => !ABSENT.includes(query))],
  [null, false, ABSENT],
  [exactly("v"), true, ["?q=v", "?q=v&q=w", "?a&q=v", "?&&q=v&"]],
  [exactly("a b"), true, []],
  [{ kind: "regex", pattern: "v.*" }, true, ["?q=v", "?q=v&q=w", "?a&q=v", "?q=v;x", "?&&q=v&", "?q=v=w"]],
  [{ kind: "prefix", value: "V", ignoreCase: true }, true, [
    "?q=v",
    "?q=v&q=w",
    "?a&q=v",
    "?q=v;x",
    "?&&q=v&",
    "?q=v=w",
  ]],
];

for (const [value, present, expected] of ROWS) {
  test(`${JSON.stringify(value)} ${present}`, () => {
    const matcher = new QueryMatcher({ name: "q", value, present });
    assert.equal(QUERIES.filter((query) => matcher.matches("/p" + query)), expected);
  });
}

test("a fragment ends the query", () => {
  assert.is(firstQueryValue("/?a=1#b=2", "a"), "1");
  assert.is(firstQueryValue("/?a=1#&b=2", "b"), null);
});

test.run();
