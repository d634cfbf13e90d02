// test/host/matching/match_tree.test.ts: trees with inputs that are missing, and actions that are skipped.
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  MatchTree,
  type MatchTreePlan,
  type OnMatchPlan,
  type PredicatePlan,
} from "../../../host/matching/match_tree.ts";

/** Inputs by name: absent ones are null, `undefined` ones have not come yet. */
type Data = Readonly<Record<string, string | null | undefined>>;
type Plan = MatchTreePlan<string, string>;

interface Action {
  readonly name: string;
}

function compile(plan: Plan): MatchTree<Data, Action> {
  return MatchTree.compile<Data, string, string, Action>(structuredClone(plan), {
    compileInput: (name) => (data) => name in data ? data[name] : null,
    compileAction: (name) => ({ name }),
  });
}

/** The name of the action, `none`, or `later`. */
function outcome(plan: Plan, data: Data, skipped: string[] = []): string {
  const result = compile(plan).match(data, ({ name }) => void skipped.push(name));
  return result === undefined ? "later" : result === null ? "none" : result.name;
}

const action = (name: string, keepMatching = false): OnMatchPlan<string, string> => ({
  kind: "action",
  action: name,
  keepMatching,
});
const is = (input: string, value: string): PredicatePlan<string> => ({
  kind: "single",
  input,
  test: { kind: "value", matcher: { kind: "exact", value, ignoreCase: false } },
});
const list = (...matchers: [PredicatePlan<string>, OnMatchPlan<string, string>][]): Plan => ({
  kind: "list",
  matchers: matchers.map(([predicate, onMatch]) => ({ predicate, onMatch })),
  onNoMatch: action("end"),
});

test("an input that has not come yet stops a list", () => {
  const plan = list([is("a", "1"), action("a")], [is("b", "1"), action("b")]);
  assert.is(outcome(plan, { a: "1", b: undefined }), "a");
  assert.is(outcome(plan, { a: undefined, b: "1" }), "later");
  assert.is(outcome(plan, { b: "1" }), "b");
  assert.is(outcome(plan, {}), "end");
});

test("predicates of inputs that have not come yet", () => {
  const both = list([{ kind: "and", predicates: [is("a", "1"), is("b", "1")] }, action("x")]);
  assert.is(outcome(both, { a: "2", b: undefined }), "end");
  assert.is(outcome(both, { a: "1", b: undefined }), "later");
  const either = list([{ kind: "or", predicates: [is("a", "1"), is("b", "1")] }, action("x")]);
  assert.is(outcome(either, { a: undefined, b: "1" }), "x");
  assert.is(outcome(either, { a: undefined, b: "2" }), "later");
  const not = list([{ kind: "not", predicate: is("a", "1") }, action("x")]);
  assert.is(outcome(not, { a: undefined }), "later");
  assert.is(outcome(not, { a: "1" }), "end");
  assert.is(outcome(not, {}), "x");
});

test("maps of an input that has not come yet", () => {
  const plan: Plan = { kind: "exact", input: "a", entries: [["1", action("x")]], onNoMatch: action("end") };
  assert.is(outcome(plan, { a: undefined }), "later");
  assert.is(outcome(plan, { a: "1" }), "x");
  assert.is(outcome(plan, { a: null }), "end");
});

test("keep_matching tells the action and goes on", () => {
  const skipped: string[] = [];
  const plan = list([is("a", "1"), action("first", true)], [is("a", "1"), action("second", true)], [
    is("a", "1"),
    action("third"),
  ]);
  assert.is(outcome(plan, { a: "1" }, skipped), "third");
  assert.equal(skipped, ["first", "second"]);
});

test("keep_matching of a tree skips what the tree found", () => {
  const skipped: string[] = [];
  const inner: OnMatchPlan<string, string> = {
    kind: "tree",
    tree: list([is("b", "1"), action("inner")]),
    keepMatching: true,
  };
  assert.is(outcome(list([is("a", "1"), inner]), { a: "1", b: "1" }, skipped), "end");
  assert.equal(skipped, ["inner"]);
});

test("a tree without an end", () => {
  assert.is(outcome({ ...list([is("a", "1"), action("x")]), onNoMatch: null }, {}), "none");
  assert.is(outcome({ kind: "none", onNoMatch: action("x") }, {}), "x");
});

test.run();
