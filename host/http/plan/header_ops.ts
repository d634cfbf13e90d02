// host/http/plan/header_ops.ts: header additions and removals of a message as plain data.
/**
 * @see Envoy: source/common/router/header_parser.cc
 * @module
 */
import type { ConfigNode, ProblemPlace } from "../../config/node.ts";
import { asciiLower, toWireText } from "../../base/wire_text.ts";
import type { HeaderAddPlan, HeaderOpsPlan } from "../header_ops.ts";

const APPEND_ACTIONS: Readonly<Record<string, HeaderAddPlan["action"]>> = {
  APPEND_IF_EXISTS_OR_ADD: "append",
  ADD_IF_ABSENT: "addIfAbsent",
  OVERWRITE_IF_EXISTS_OR_ADD: "overwrite",
  OVERWRITE_IF_EXISTS: "overwriteIfExists",
};

/** Says what is wrong with a format string; null when nothing is. */
export interface FormatChecker {
  formatProblem(format: string): string | null;
}

/** `request_headers_to_add` and `…_to_remove`, or the response's. */
export function planHeaderOps(
  node: ConfigNode,
  direction: "request" | "response",
  context: FormatChecker,
): HeaderOpsPlan {
  return {
    remove: planRemovals(node, `${direction}_headers_to_remove`),
    add: planHeaderAdditions(node, `${direction}_headers_to_add`, context),
  };
}

/** A list of HeaderValueOption messages. */
export function planHeaderAdditions(
  node: ConfigNode,
  field: string,
  context: FormatChecker,
): HeaderAddPlan[] {
  return node.messages(field).map((option) => planHeaderAddition(option, context)).filter((plan) => plan !== null);
}

function planRemovals(node: ConfigNode, field: string): string[] {
  return node.strings(field).map((name, index) => planHeaderRemoval(node, name, { field, index }));
}

/** A name as maps have it; reported when it must stay. */
export function planHeaderRemoval(node: ConfigNode, text: string, place: ProblemPlace): string {
  const name = asciiLower(toWireText(text));
  if (isRouted(name)) {
    node.error("router/header-not-removable", `header "${name}" may not be removed`, {
      ...place,
      help: "rewrite the host or the path with host_rewrite_literal, prefix_rewrite or regex_rewrite",
    });
  }
  return name;
}

/** A HeaderValueOption message. */
export function planHeaderAddition(
  node: ConfigNode,
  context: FormatChecker,
): HeaderAddPlan | null {
  const header = node.message("header");
  if (header === null) return null;
  const name = asciiLower(toWireText(header.string("key")));
  const value = header.string("value");
  if (isRouted(name)) {
    header.error("router/header-not-modifiable", `header "${name}" may not be modified`, {
      field: "key",
      help: "rewrite the host or the path with host_rewrite_literal, prefix_rewrite or regex_rewrite",
    });
  }
  const problem = context.formatProblem(value);
  if (problem !== null) header.error("router/bad-format", problem, { field: "value" });
  return {
    name,
    format: value,
    action: planAction(node),
    keepEmptyValue: node.bool("keep_empty_value"),
  };
}

/** The deprecated `append` says the same in two words; both at once is a mistake, as in Envoy. */
function planAction(node: ConfigNode): HeaderAddPlan["action"] {
  const action = APPEND_ACTIONS[node.enum("append_action")] ?? "append";
  if (!node.has("append")) return action;
  if (node.has("append_action") && action !== "append") {
    node.error("router/append-twice", "both append and append_action are set", {
      field: "append",
      help: "remove append",
    });
  }
  return node.bool("append") ? "append" : "overwrite";
}

/** Pseudo-headers and the host decide about routing; they are rewritten, not mutated. */
function isRouted(name: string): boolean {
  return name.startsWith(":") || name === "host";
}
