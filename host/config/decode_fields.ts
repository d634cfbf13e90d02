// host/config/decode_fields.ts: small questions that decoding asks about fields and trees.
/**
 * Apart from `decode.ts` because none of them needs its state.
 *
 * @module
 */
import { ANY, type MapKey } from "../api/message.ts";
import type { FieldSchema, MessageSchema } from "../api/schema.ts";
import type { SourceText } from "../base/source.ts";
import { readScalar, Refusal } from "./scalars.ts";
import type { TreeMap, TreeNode } from "./tree.ts";

/** Fields whose `Any` goes to somebody else as it is: a `TypedStruct` in them stays one. */
const OPAQUE_ANYS: ReadonlySet<string> = new Set([
  "envoy.extensions.wasm.v3.PluginConfig.configuration",
  "envoy.extensions.wasm.v3.VmConfig.configuration",
]);

/** True for the types that null is a value of. */
export function takesNull(field: FieldSchema): boolean {
  return field.typeName === "google.protobuf.Value" || field.typeName === "google.protobuf.NullValue";
}

/** True for a field whose `Any` is not opened up. */
export function isOpaqueAny(owner: MessageSchema, field: FieldSchema): boolean {
  return field.typeName === ANY && OPAQUE_ANYS.has(`${owner.typeName}.${field.name}`);
}

/** Keeps everything below a sensitive field out of excerpts, but for the keys. */
export function redactScalars(source: SourceText, node: TreeNode): void {
  if (node.kind === "map") { for (const { value } of node.entries) redactScalars(source, value); }
  else if (node.kind === "list") { for (const item of node.items) redactScalars(source, item); }
  else if (node.start >= 0) source.redact(node.start, node.end);
}

export function isRepeatedLater(map: TreeMap, index: number): boolean {
  const { entries } = map;
  const { key } = entries[index]!;
  for (let i = index + 1; i < entries.length; i++) if (entries[i]!.key === key) return true;
  return false;
}

export function mapKey(field: FieldSchema, text: string): MapKey | Refusal {
  if (field.keyType === "string") return text;
  const kind = "string" as const;
  const value = readScalar(field.keyType, { kind, value: text, text, start: -1, end: -1 }, false);
  return value instanceof Uint8Array ? text : value;
}
