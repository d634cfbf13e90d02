// host/upstream/plan/metadata_key.ts: a MetadataKey as plain data.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { ConfigNode } from "../../config/node.ts";
import type { MetadataKeyPlan } from "../lb/plan.ts";

export function planMetadataKey(node: ConfigNode | null): MetadataKeyPlan | null {
  if (node === null) return null;
  return { namespace: node.string("key"), path: node.messages("path").map((segment) => segment.string("key")) };
}
