// host/config/runtime_entry.ts: what a runtime value can be read as.
/**
 * Values of files and of the admin interface are YAML; those of a configuration are read already.
 *
 * @see Envoy: source/common/runtime/runtime_impl.cc SnapshotImpl::createEntry
 * @module
 */
import { DiagnosticList } from "../base/diagnostic.ts";
import { generalText } from "../base/number_text.ts";
import type { Fraction, RuntimeEntry } from "../base/runtime.ts";
import { SourceText } from "../base/source.ts";
import { DENOMINATORS } from "./fraction.ts";
import type { TreeNode } from "./tree.ts";
import { parseYaml } from "./yaml.ts";

/** The entry of a text, or why it is not YAML. */
export function runtimeEntryOfText(text: string): RuntimeEntry | { readonly problem: string } {
  const diagnostics = new DiagnosticList();
  const tree = parseYaml(new SourceText("runtime", text), diagnostics);
  const [first] = diagnostics.all;
  if (first !== undefined) return { problem: first.message };
  return entryOf(tree === null ? null : plain(tree), text);
}

/** The entry of a value of a `static_layer`: no list, no null. */
export function runtimeEntryOfJson(value: unknown): RuntimeEntry {
  return entryOf(value, textOf(value));
}

/** A map that says how large a part is; Envoy does not look for keys in one that has this. */
export function isFraction(value: object): boolean {
  return "numerator" in value || "denominator" in value;
}

function entryOf(value: unknown, text: string): RuntimeEntry {
  switch (typeof value) {
    case "number":
      return { text, number: value, fraction: null };
    case "string":
      return { text, number: numberOf(text), fraction: null };
    case "object":
      return { text, number: null, fraction: value === null ? null : fractionOf(value) };
    default:
      return { text, number: null, fraction: null };
  }
}

/** Null where there is anything besides. */
function fractionOf(value: object): Fraction | null {
  let numerator = 0;
  let denominator = 100;
  for (const [key, item] of Object.entries(value)) {
    if (key === "numerator") numerator = typeof item === "number" ? Math.floor(item) : numerator;
    else if (key === "denominator" && typeof item === "string" && Object.hasOwn(DENOMINATORS, item)) {
      denominator = DENOMINATORS[item]!;
    } else return null;
  }
  return { numerator, denominator };
}

const DECIMAL = /^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*$/;

function numberOf(text: string): number | null {
  return DECIMAL.test(text) ? Number(text) : null;
}

function textOf(value: unknown): string {
  if (typeof value === "object") return JSON.stringify(value);
  return typeof value === "number" ? generalText(value) : String(value);
}

function plain(node: TreeNode): unknown {
  switch (node.kind) {
    case "map":
      return Object.fromEntries(node.entries.map(({ key, value }) => [key, plain(value)]));
    case "list":
      return node.items.map(plain);
    default:
      return node.value;
  }
}
