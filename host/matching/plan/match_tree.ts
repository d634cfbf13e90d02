// host/matching/plan/match_tree.ts: Matcher messages as plain data.
/**
 * Both `xds.type.matcher.v3.Matcher` and Envoy's own one are read; they have the same fields.
 *
 * @see https://github.com/cncf/xds/blob/main/xds/type/matcher/v3/matcher.proto
 * @module
 */
import { toWireText } from "../../base/wire_text.ts";
import { planRuntimeFraction } from "../../config/fraction.ts";
import { planExpressionTree } from "../../config/expression_tree.ts";
import type { ExpressionSource } from "../../base/expression_tree.ts";
import type { ConfigNode } from "../../config/node.ts";
import type { InputTestPlan } from "../input_test.ts";
import type { FieldMatcherPlan, IpRangePlan, MatchTreePlan, OnMatchPlan, PredicatePlan } from "../match_tree.ts";
import { planCidrBlocks } from "./stream_matchers.ts";
import { planStringMatcher } from "./string_matcher.ts";
import { planValueMatcher } from "./value_matcher.ts";

/** What the user of a tree plans itself; both take an unpacked extension, and give null after reporting. */
export interface MatchTreeUser<Input, Action> {
  planInput(config: ConfigNode): Input | null;
  planAction(config: ConfigNode): Action | null;
  /** Something is done with the actions that `keep_matching` skips. */
  readonly keepsMatching: boolean;
  /** Absent where expressions cannot be matched. */
  readonly expressions?: {
    /** Such an input is for expressions alone. */
    areAttributes(input: Input): boolean;
    problemOf(expression: ExpressionSource): string | null;
  };
}

/** A tree, or null when it cannot be used, which was reported. */
export function planMatchTree<Input, Action>(
  node: ConfigNode,
  user: MatchTreeUser<Input, Action>,
): MatchTreePlan<Input, Action> | null {
  return new TreePlanner(user).tree(node);
}

class TreePlanner<Input, Action> {
  readonly #user: MatchTreeUser<Input, Action>;

  constructor(user: MatchTreeUser<Input, Action>) {
    this.#user = user;
  }

  tree(node: ConfigNode): MatchTreePlan<Input, Action> | null {
    const otherwise = node.message("on_no_match");
    const onNoMatch = otherwise === null ? null : this.#onMatch(otherwise);
    switch (node.oneof("matcher_type")) {
      case "matcher_list": {
        const matchers = node.message("matcher_list")!.messages("matchers").flatMap((each) => this.#field(each) ?? []);
        return { kind: "list", matchers, onNoMatch };
      }
      case "matcher_tree":
        return this.#matcherTree(node.message("matcher_tree")!, onNoMatch);
      default:
        return { kind: "none", onNoMatch };
    }
  }

  #field(node: ConfigNode): FieldMatcherPlan<Input, Action> | null {
    const predicateNode = node.message("predicate"), branch = node.message("on_match");
    const predicate = predicateNode === null ? null : this.#predicate(predicateNode);
    const onMatch = branch === null ? null : this.#onMatch(branch);
    return predicate === null || onMatch === null ? null : { predicate, onMatch };
  }

  #onMatch(node: ConfigNode): OnMatchPlan<Input, Action> | null {
    const keepMatching = node.bool("keep_matching");
    if (keepMatching && !this.#user.keepsMatching) {
      node.error("matching/keep-matching", "keep_matching is not supported in this context", {
        field: "keep_matching",
        help: "remove it",
      });
    }
    if (node.oneof("on_match") === "matcher") {
      const tree = this.tree(node.message("matcher")!);
      return tree === null ? null : { kind: "tree", tree, keepMatching };
    }
    const config = extensionOf(node.message("action"));
    const action = config === null ? null : this.#user.planAction(config);
    return action === null ? null : { kind: "action", action, keepMatching };
  }

  #matcherTree(node: ConfigNode, onNoMatch: OnMatchPlan<Input, Action> | null): MatchTreePlan<Input, Action> | null {
    const input = this.#input(node.message("input"));
    switch (node.oneof("tree_type")) {
      case "exact_match_map":
        return this.#map("exact", node.message("exact_match_map")!, input, onNoMatch);
      case "prefix_match_map":
        return this.#map("prefix", node.message("prefix_match_map")!, input, onNoMatch);
      case "custom_match":
        return this.#customTree(node.message("custom_match")!, input, onNoMatch);
      default:
        return null;
    }
  }

  #map(
    kind: "exact" | "prefix",
    node: ConfigNode,
    input: Input | null,
    onNoMatch: OnMatchPlan<Input, Action> | null,
  ): MatchTreePlan<Input, Action> | null {
    const entries = node.messageMap("map").flatMap(([key, branch]) => {
      const onMatch = this.#onMatch(branch);
      return onMatch === null ? [] : [[toWireText(key), onMatch] as const];
    });
    return input === null ? null : { kind, input, entries, onNoMatch };
  }

  #customTree(
    node: ConfigNode,
    input: Input | null,
    onNoMatch: OnMatchPlan<Input, Action> | null,
  ): MatchTreePlan<Input, Action> | null {
    const config = extensionOf(node);
    switch (config?.typeName) {
      case undefined:
        return null;
      case "xds.type.matcher.v3.IPMatcher": {
        const ranges = config!.messages("range_matchers").flatMap((range) => this.#ipRange(range) ?? []);
        return input === null ? null : { kind: "ip", input, ranges, onNoMatch };
      }
      case "xds.type.matcher.v3.ServerNameMatcher": {
        const domains = this.#domains(config!);
        return input === null ? null : { kind: "domain", input, domains, onNoMatch };
      }
      default:
        node.error("config/unknown-extension", `${config!.typeName} is no tree of matchers`, {
          field: "typed_config",
          help: "use xds.type.matcher.v3.IPMatcher or ServerNameMatcher",
        });
        return null;
    }
  }

  #ipRange(node: ConfigNode): IpRangePlan<Input, Action> | null {
    const blocks = planCidrBlocks(node, "ranges");
    const exclusive = node.bool("exclusive");
    const branch = node.message("on_match");
    const onMatch = branch === null ? null : this.#onMatch(branch);
    return onMatch === null ? null : { blocks, exclusive, onMatch };
  }

  #domains(config: ConfigNode): (readonly [string, OnMatchPlan<Input, Action>])[] {
    const seen = new Set<string>();
    return config.messages("domain_matchers").flatMap((node) => {
      const branch = node.message("on_match");
      const onMatch = branch === null ? null : this.#onMatch(branch);
      return node.strings("domains").flatMap((domain, index) => {
        const problem = seen.has(domain) ? `the domain "${domain}" is there twice` : domainProblem(domain);
        if (problem !== null) node.error("matching/bad-domain", problem, { field: "domains", index });
        seen.add(domain);
        return onMatch === null ? [] : [[toWireText(domain), onMatch] as const];
      });
    });
  }

  #predicate(node: ConfigNode): PredicatePlan<Input> | null {
    switch (node.oneof("match_type")) {
      case "single_predicate":
        return this.#single(node.message("single_predicate")!);
      case "or_matcher":
        return this.#predicates("or", node.message("or_matcher")!);
      case "and_matcher":
        return this.#predicates("and", node.message("and_matcher")!);
      case "not_matcher": {
        const predicate = this.#predicate(node.message("not_matcher")!);
        return predicate === null ? null : { kind: "not", predicate };
      }
      default:
        return null;
    }
  }

  #predicates(kind: "and" | "or", node: ConfigNode): PredicatePlan<Input> {
    return { kind, predicates: node.messages("predicate").flatMap((each) => this.#predicate(each) ?? []) };
  }

  #single(node: ConfigNode): PredicatePlan<Input> | null {
    const input = this.#input(node.message("input"));
    const test = planInputTest(node);
    if (input === null || test === null) return null;
    const { expressions } = this.#user;
    if ((test.kind === "expression") !== (expressions?.areAttributes(input) ?? false)) {
      node.error(
        "matching/wrong-input",
        "a CelMatcher goes with an HttpAttributesCelMatchInput, and neither with another",
        {
          help: "change one of them",
        },
      );
      return null;
    }
    const problem = test.kind === "expression" ? expressions!.problemOf(test.expression) : null;
    if (problem !== null) {
      node.error("config/bad-expression", `the expression cannot be compiled: ${problem}`, { field: "custom_match" });
    }
    return { kind: "single", input, test };
  }

  #input(node: ConfigNode | null): Input | null {
    const config = extensionOf(node);
    return config === null ? null : this.#user.planInput(config);
  }
}

/** The message of a TypedExtensionConfig. */
function extensionOf(node: ConfigNode | null): ConfigNode | null {
  if (node === null) return null;
  node.string("name");
  return node.any("typed_config");
}

/** Only a star, or a name behind `*.`, is a wildcard. */
function domainProblem(domain: string): string | null {
  if (domain === "") return "the domain is empty";
  if (domain === "*" || !domain.includes("*")) return null;
  if (domain.startsWith("*.") && domain.length > 2 && !domain.includes("*", 1)) return null;
  return `"${domain}" is neither a name nor "*" nor a name behind "*."`;
}

const INPUT_MATCHERS = "envoy.extensions.matching.input_matchers.";

/** What a SinglePredicate asks of its input. */
function planInputTest(node: ConfigNode): InputTestPlan | null {
  if (node.oneof("matcher") === "value_match") {
    const matcher = planStringMatcher(node.message("value_match")!);
    return matcher === null ? null : { kind: "value", matcher };
  }
  const custom = node.message("custom_match");
  const config = extensionOf(custom);
  switch (config?.typeName) {
    case undefined:
      return null;
    case `${INPUT_MATCHERS}ip.v3.Ip`:
      config!.accept("stat_prefix", "texts that are no addresses are not counted");
      return { kind: "ip", blocks: planCidrBlocks(config!, "cidr_ranges") };
    case `${INPUT_MATCHERS}runtime_fraction.v3.RuntimeFraction`:
      return planFractionTest(config!);
    case `${INPUT_MATCHERS}consistent_hashing.v3.ConsistentHashing`:
      return {
        kind: "consistentHashing",
        threshold: config!.number("threshold", 0),
        modulo: config!.number("modulo", 1),
        seed: config!.number("seed", 0),
      };
    case `${INPUT_MATCHERS}metadata.v3.Metadata`: {
      const value = config!.message("value");
      const matcher = value === null ? null : planValueMatcher(value);
      const invert = config!.bool("invert");
      return matcher === null ? null : { kind: "metadata", matcher, invert };
    }
    case "xds.type.matcher.v3.CelMatcher":
      return planExpressionTest(config!);
    default:
      custom!.error("config/unknown-extension", `${config!.typeName} matches no inputs here`, {
        field: "typed_config",
        help: `use value_match, or one of ${INPUT_MATCHERS}*`,
      });
      return null;
  }
}

function planFractionTest(config: ConfigNode): InputTestPlan | null {
  const fraction = planRuntimeFraction(config, "runtime_fraction");
  return fraction === null ? null : { kind: "runtimeFraction", fraction, seed: config.number("seed", 0) };
}

/** An expression that was taken apart by whoever wrote the configuration, checked or not. */
function planExpressionTest(config: ConfigNode): InputTestPlan | null {
  config.accept("description", "it is for people");
  const node = config.message("expr_match");
  const kind = node?.oneof("expr_specifier") ?? null;
  const parsed = kind === null ? null : node!.message(kind);
  if (parsed === null) return null;
  const others = kind!.includes("checked") ? ["source_info", "reference_map", "type_map"] : ["source_info"];
  for (const field of others) parsed.accept(field, "the expression says what it does without it");
  const tree = parsed.message("expr");
  if (tree === null) {
    parsed.error("config/bad-expression", "there is no expression", { help: "set expr" });
    return null;
  }
  const expression = planExpressionTree(tree);
  return expression === null ? null : { kind: "expression", expression };
}
