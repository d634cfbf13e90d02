// test/host/router/routes/path_index.test.ts: the index finds what a look at every route would find.
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PathIndex } from "../../../../host/router/routes/path_index.ts";
import { answer, direct, tableOfRoutes } from "../support.ts";

type Kind = "prefix" | "path" | "separatedPrefix";

interface Rule {
  readonly kind: Kind;
  readonly value: string;
  readonly accepts: boolean;
}

function fits({ kind, value, accepts }: Rule, path: string): boolean {
  if (!accepts) return false;
  if (kind === "path") return path === value;
  if (!path.startsWith(value)) return false;
  return kind === "prefix" || path.length === value.length || path[value.length] === "/";
}

const path = fc.array(fc.constantFrom("/", "a", "b", "ab", "/a", "ba"), { maxLength: 5 })
  .map((pieces) => "/" + pieces.join(""));
const rule: fc.Arbitrary<Rule> = fc.record({
  kind: fc.constantFrom<Kind>("prefix", "path", "separatedPrefix"),
  value: path,
  accepts: fc.boolean(),
});

test("property: index and linear scan agree", () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 30 }), path, fc.nat(30), (rules, asked, best) => {
      const index = new PathIndex<null>();
      rules.forEach(({ kind, value }, order) => index.insert(kind, value, order));
      const expected = rules.findIndex((each) => fits(each, asked));
      const found = index.lowest(asked, best, { accepts: (order) => rules[order]!.accepts }, null);
      return found === (expected === -1 || expected >= best ? best : expected);
    }),
    { seed: 11, numRuns: 5000 },
  );
});

test("property: a table of all kinds of routes gives the first that matches", () => {
  const matches: fc.Arbitrary<{ match: object; fits: (path: string) => boolean }> = fc.oneof(
    path.map((value) => ({ match: { prefix: value }, fits: (asked: string) => asked.startsWith(value) })),
    path.map((value) => ({ match: { path: value }, fits: (asked: string) => asked === value })),
    path.map((value) => ({
      match: { prefix: value.toUpperCase(), case_sensitive: false },
      fits: (asked: string) => asked.startsWith(value),
    })),
    path.map((value) => ({
      match: { safe_regex: { regex: `${value}.*` } },
      fits: (asked: string) => asked.startsWith(value),
    })),
    path.map((value) => ({
      match: { prefix: value, headers: [{ name: "x" }] },
      fits: () => false,
    })),
  );
  fc.assert(
    fc.property(fc.array(matches, { minLength: 1, maxLength: 12 }), path, (rules, asked) => {
      const table = tableOfRoutes(rules.map(({ match }, order) => direct(match, String(order))));
      const expected = rules.findIndex((each) => each.fits(asked));
      return answer(table, asked) === (expected === -1 ? null : String(expected));
    }),
    { seed: 5, numRuns: 300 },
  );
});

test("a walk looks at the candidates of its path only", () => {
  const index = new PathIndex<null>();
  for (let i = 0; i < 5000; i++) index.insert("prefix", `/service${i}/`, i);
  let asked = 0;
  const conditions = {
    accepts: (): boolean => {
      asked++;
      return true;
    },
  };
  assert.is(index.lowest("/service4999/x", 5000, conditions, null), 4999);
  assert.is(asked, 1);
  assert.is(index.lowest("/other", 5000, conditions, null), 5000);
  assert.is(asked, 1);
});

test.run();
