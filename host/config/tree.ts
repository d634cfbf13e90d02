// host/config/tree.ts: what a configuration file says, with positions, before any type is known.
/**
 * YAML and JSON become the same small tree. Scalars are already resolved the way Envoy resolves them: a
 * plain scalar is null, a bool, a 32-bit number or else a string; whatever is quoted is a string.
 *
 * @module
 */

export interface TreeScalar {
  readonly kind: "null" | "bool" | "number" | "string";
  readonly value: null | boolean | number | string;
  /** As written, without quotes. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export interface TreeList {
  readonly kind: "list";
  readonly items: TreeNode[];
  readonly start: number;
  readonly end: number;
}

export interface TreeEntry {
  readonly key: string;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly value: TreeNode;
}

export interface TreeMap {
  readonly kind: "map";
  readonly entries: TreeEntry[];
  readonly start: number;
  readonly end: number;
}

export type TreeNode = TreeScalar | TreeList | TreeMap;

/** The entry of a key, the last one when there are several. */
export function findEntry(map: TreeMap, key: string): TreeEntry | null {
  for (let i = map.entries.length - 1; i >= 0; i--) if (map.entries[i]!.key === key) return map.entries[i]!;
  return null;
}

/** Plain JSON as a tree without positions; numbers keep their text. */
export function treeOfJson(value: unknown): TreeNode {
  const place = { start: -1, end: -1 };
  if (value === null || value === undefined) return { kind: "null", value: null, text: "null", ...place };
  if (typeof value === "boolean") return { kind: "bool", value, text: String(value), ...place };
  if (typeof value === "number") return { kind: "number", value, text: String(value), ...place };
  if (typeof value === "string") return { kind: "string", value, text: value, ...place };
  if (Array.isArray(value)) return { kind: "list", items: value.map(treeOfJson), ...place };
  const entries = Object.entries(value as object).map(([key, item]) => ({
    key,
    keyStart: -1,
    keyEnd: -1,
    value: treeOfJson(item),
  }));
  return { kind: "map", entries, ...place };
}

export function isScalar(node: TreeNode): node is TreeScalar {
  return node.kind !== "map" && node.kind !== "list";
}

/** How a message names what is there. */
export function describeNode(node: TreeNode): string {
  switch (node.kind) {
    case "null":
      return "null";
    case "bool":
      return `the bool ${node.text}`;
    case "number":
      return `the number ${node.text}`;
    case "string":
      return "a string";
    case "list":
      return "a list";
    case "map":
      return "a map";
  }
}
