// host/matching/match_tree.ts: trees of matchers that lead to an action.
// pure: no I/O, no clock, no runtime globals
/**
 * The unified matching API: a tree asks for inputs, and what it asks of them leads to a further tree or to an
 * action. It knows neither where inputs come from nor what actions are: users say both, so that routes, filter
 * chains, access control and logs share one tree.
 *
 * A branch whose tree has no answer is as if it had not matched: what comes after it is tried, and last
 * `on_no_match`. The same goes for a branch with `keep_matching`, whose action is told to `onSkipped`.
 *
 * | an input is | then |
 * | --- | --- |
 * | a text, or what an input matcher of its own understands | it is tested |
 * | `null`: absent | the test fails |
 * | `undefined`: not there yet | there is no answer yet |
 *
 * @see Envoy: source/common/matcher/matcher.h, list_matcher.h, map_matcher.h
 * @see Envoy: source/extensions/common/matcher/ip_range_matcher.h, domain_matcher.h
 * @module
 */
import { NO_RUNTIME, type Runtime } from "../base/runtime.ts";
import { type CidrBlock, inCidrBlock } from "../base/cidr.ts";
import { parseIp } from "../base/ip.ts";
import { type CompileExpressionTest, compileInputTest, type InputTestPlan } from "./input_test.ts";

/** A tree as plain data; `Input` and `Action` are the user's. */
export type MatchTreePlan<Input, Action> = MatchTreeKind<Input, Action> & {
  readonly onNoMatch: OnMatchPlan<Input, Action> | null;
};

type MatchTreeKind<Input, Action> =
  | { readonly kind: "none" }
  | { readonly kind: "list"; readonly matchers: readonly FieldMatcherPlan<Input, Action>[] }
  | {
    readonly kind: "exact" | "prefix";
    readonly input: Input;
    readonly entries: readonly (readonly [string, OnMatchPlan<Input, Action>])[];
  }
  | { readonly kind: "ip"; readonly input: Input; readonly ranges: readonly IpRangePlan<Input, Action>[] }
  | {
    readonly kind: "domain";
    readonly input: Input;
    readonly domains: readonly (readonly [string, OnMatchPlan<Input, Action>])[];
  };

export interface FieldMatcherPlan<Input, Action> {
  readonly predicate: PredicatePlan<Input>;
  readonly onMatch: OnMatchPlan<Input, Action>;
}

export interface IpRangePlan<Input, Action> {
  readonly blocks: readonly CidrBlock[];
  /** Not used where a longer prefix took the address, and had no answer. */
  readonly exclusive: boolean;
  readonly onMatch: OnMatchPlan<Input, Action>;
}

export type PredicatePlan<Input> =
  | { readonly kind: "single"; readonly input: Input; readonly test: InputTestPlan }
  | { readonly kind: "and" | "or"; readonly predicates: readonly PredicatePlan<Input>[] }
  | { readonly kind: "not"; readonly predicate: PredicatePlan<Input> };

export type OnMatchPlan<Input, Action> =
  & { readonly keepMatching: boolean }
  & (
    | { readonly kind: "tree"; readonly tree: MatchTreePlan<Input, Action> }
    | { readonly kind: "action"; readonly action: Action }
  );

/** Gets one value out of what is matched; see the table above. */
export type MatchInput<Data> = (data: Data) => string | object | null | undefined;

/** What turns plans into a tree. */
export interface MatchTreeCompiler<Data, InputPlan, ActionPlan, Action> {
  compileInput(plan: InputPlan): MatchInput<Data>;
  compileAction(plan: ActionPlan): Action;
  /** Absent: nothing changes while values are matched. */
  readonly runtime?: Runtime;
  /** Absent: expressions take nothing. */
  readonly compileExpression?: CompileExpressionTest;
}

/** An action, `null` for no match, `undefined` while an input is missing. */
export type MatchOutcome<Action> = Action | null | undefined;

/** Is told the actions that `keep_matching` skips. */
export type OnSkipped<Action> = ((action: Action) => void) | null;

type Evaluate<Data, Action> = (data: Data, onSkipped: OnSkipped<Action>) => MatchOutcome<Action>;
type Predicate<Data> = (data: Data) => boolean | undefined;

/** A compiled tree. */
export class MatchTree<Data, Action extends object> {
  readonly #evaluate: Evaluate<Data, Action>;

  constructor(evaluate: Evaluate<Data, Action>) {
    this.#evaluate = evaluate;
  }

  static compile<Data, InputPlan, ActionPlan, Action extends object>(
    plan: MatchTreePlan<InputPlan, ActionPlan>,
    compiler: MatchTreeCompiler<Data, InputPlan, ActionPlan, Action>,
  ): MatchTree<Data, Action> {
    return new MatchTree(new Compilation(compiler).tree(plan));
  }

  match(data: Data, onSkipped: OnSkipped<Action> = null): MatchOutcome<Action> {
    return this.#evaluate(data, onSkipped);
  }
}

class Compilation<Data, InputPlan, ActionPlan, Action extends object> {
  readonly #compiler: MatchTreeCompiler<Data, InputPlan, ActionPlan, Action>;

  constructor(compiler: MatchTreeCompiler<Data, InputPlan, ActionPlan, Action>) {
    this.#compiler = compiler;
  }

  tree(plan: MatchTreePlan<InputPlan, ActionPlan>): Evaluate<Data, Action> {
    const otherwise = plan.onNoMatch === null ? noMatch : this.#onMatch(plan.onNoMatch);
    switch (plan.kind) {
      case "none":
        return otherwise;
      case "list":
        return this.#list(plan.matchers, otherwise);
      case "exact": {
        const branches = new Map(plan.entries.map(([key, onMatch]) => [key, this.#onMatch(onMatch)] as const));
        return byText(this.#compiler.compileInput(plan.input), (key, tryBranch) => {
          const branch = branches.get(key);
          return branch === undefined ? null : tryBranch(branch);
        }, otherwise);
      }
      case "prefix":
        return this.#prefix(plan.input, plan.entries, otherwise);
      case "ip":
        return this.#ip(plan.input, plan.ranges, otherwise);
      case "domain":
        return this.#domain(plan.input, plan.domains, otherwise);
    }
  }

  #list(
    plans: readonly FieldMatcherPlan<InputPlan, ActionPlan>[],
    otherwise: Evaluate<Data, Action>,
  ): Evaluate<Data, Action> {
    const matchers = plans.map(({ predicate, onMatch }) => ({
      matches: this.#predicate(predicate),
      branch: this.#onMatch(onMatch),
    }));
    return (data, onSkipped) => {
      for (let i = 0; i < matchers.length; i++) {
        const matched = matchers[i]!.matches(data);
        if (matched === undefined) return undefined;
        if (!matched) continue;
        const outcome = matchers[i]!.branch(data, onSkipped);
        if (outcome !== null) return outcome;
      }
      return otherwise(data, onSkipped);
    };
  }

  /** The longest prefix first. */
  #prefix(
    input: InputPlan,
    entries: readonly (readonly [string, OnMatchPlan<InputPlan, ActionPlan>])[],
    otherwise: Evaluate<Data, Action>,
  ): Evaluate<Data, Action> {
    const branches = new Map(entries.map(([key, onMatch]) => [key, this.#onMatch(onMatch)] as const));
    const lengths = [...new Set(entries.map(([key]) => key.length))].sort((a, b) => b - a);
    return byText(this.#compiler.compileInput(input), (text, tryBranch) => {
      for (const length of lengths) {
        const branch = length > text.length ? undefined : branches.get(text.slice(0, length));
        const outcome = branch === undefined ? null : tryBranch(branch);
        if (outcome !== null) return outcome;
      }
      return null;
    }, otherwise);
  }

  /** The longest prefix first, and of those the first in the configuration. */
  #ip(
    input: InputPlan,
    plans: readonly IpRangePlan<InputPlan, ActionPlan>[],
    otherwise: Evaluate<Data, Action>,
  ): Evaluate<Data, Action> {
    const ranges = plans.flatMap(({ blocks, exclusive, onMatch }) => {
      const branch = this.#onMatch(onMatch);
      return blocks.map((block) => ({ block, exclusive, branch }));
    }).sort((a, b) => b.block.prefixBits - a.block.prefixBits);
    return byText(this.#compiler.compileInput(input), (text, tryBranch) => {
      const ip = parseIp(text);
      if (ip === null) return null;
      let isFirst = true;
      for (const { block, exclusive, branch } of ranges) {
        if ((exclusive && !isFirst) || !inCidrBlock(block, ip)) continue;
        isFirst = false;
        const outcome = tryBranch(branch);
        if (outcome !== null) return outcome;
      }
      return null;
    }, otherwise);
  }

  /** A whole name, then `*.` before the longest rest of it, then `*`. */
  #domain(
    input: InputPlan,
    plans: readonly (readonly [string, OnMatchPlan<InputPlan, ActionPlan>])[],
    otherwise: Evaluate<Data, Action>,
  ): Evaluate<Data, Action> {
    const branches = new Map(plans.map(([domain, onMatch]) => [domain, this.#onMatch(onMatch)] as const));
    return byText(this.#compiler.compileInput(input), (domain, tryBranch) => {
      if (domain === "") return null;
      const exact = domain.startsWith("*") ? undefined : branches.get(domain);
      let outcome = exact === undefined ? null : tryBranch(exact);
      for (let dot = domain.indexOf("."); outcome === null && dot !== -1; dot = domain.indexOf(".", dot + 1)) {
        const branch = branches.get("*" + domain.slice(dot));
        if (branch !== undefined) outcome = tryBranch(branch);
      }
      const any = outcome === null ? branches.get("*") : undefined;
      return any === undefined ? outcome : tryBranch(any);
    }, otherwise);
  }

  #onMatch(plan: OnMatchPlan<InputPlan, ActionPlan>): Evaluate<Data, Action> {
    const evaluate = plan.kind === "tree" ? this.tree(plan.tree) : this.#action(plan.action);
    if (!plan.keepMatching) return evaluate;
    return (data, onSkipped) => {
      const outcome = evaluate(data, onSkipped);
      if (outcome === null || outcome === undefined) return outcome;
      onSkipped?.(outcome);
      return null;
    };
  }

  #action(plan: ActionPlan): Evaluate<Data, Action> {
    const action = this.#compiler.compileAction(plan);
    return () => action;
  }

  #predicate(plan: PredicatePlan<InputPlan>): Predicate<Data> {
    switch (plan.kind) {
      case "single": {
        const input = this.#compiler.compileInput(plan.input);
        const test = compileInputTest(
          plan.test,
          this.#compiler.runtime ?? NO_RUNTIME,
          this.#compiler.compileExpression ?? takesNothing,
        );
        return (data) => {
          const value = input(data);
          return value === undefined ? undefined : value !== null && test(value);
        };
      }
      case "not": {
        const matches = this.#predicate(plan.predicate);
        return (data) => {
          const matched = matches(data);
          return matched === undefined ? undefined : !matched;
        };
      }
      case "and": {
        const all = plan.predicates.map((predicate) => this.#predicate(predicate));
        return (data) => {
          for (let i = 0; i < all.length; i++) {
            const matched = all[i]!(data);
            if (matched !== true) return matched;
          }
          return true;
        };
      }
      case "or": {
        const some = plan.predicates.map((predicate) => this.#predicate(predicate));
        return (data) => {
          let outcome: boolean | undefined = false;
          for (let i = 0; i < some.length; i++) {
            const matched = some[i]!(data);
            if (matched === true) return true;
            if (matched === undefined) outcome = undefined;
          }
          return outcome;
        };
      }
    }
  }
}

function takesNothing(): () => boolean {
  return () => false;
}

function noMatch(): null {
  return null;
}

/** A tree over one text; one that is absent, or no text, has no branch. */
function byText<Data, Action>(
  input: MatchInput<Data>,
  branches: (
    text: string,
    tryBranch: (branch: Evaluate<Data, Action>) => MatchOutcome<Action>,
  ) => MatchOutcome<Action>,
  otherwise: Evaluate<Data, Action>,
): Evaluate<Data, Action> {
  return (data, onSkipped) => {
    const value = input(data);
    if (value === undefined) return undefined;
    const outcome = typeof value === "string" ? branches(value, (branch) => branch(data, onSkipped)) : null;
    return outcome === null ? otherwise(data, onSkipped) : outcome;
  };
}
