// host/config/any_types.ts: which message types a configuration puts into its `Any` fields.
/**
 * Planners are loaded before planning begins; this says which ones.
 *
 * @module
 */
import { ANY, Message } from "../api/message.ts";
import { typeNameOfUrl } from "../api/schema.ts";
import { unpackAny } from "../api/wire.ts";
import { bug } from "../base/error.ts";
import { MessageNode } from "./config_node.ts";
import type { ConfigNode } from "./node.ts";
import { isTypedStruct } from "./well_known.ts";

/** Full names of all message types inside `Any`s, those named by a TypedStruct included. */
export function anyTypeNames(root: ConfigNode): Set<string> {
  bug(!(root instanceof MessageNode), "anyTypeNames wants a node of loadBootstrap");
  const names = new Set<string>();
  visit((root as MessageNode).protoMessage, names);
  return names;
}

function visit(message: Message, names: Set<string>): void {
  if (message.typeName === ANY) {
    const inner = unpackAny(message);
    if (inner === null) return;
    names.add(inner.typeName);
    if (isTypedStruct(inner.typeName)) {
      const url = inner.getByName("type_url");
      if (typeof url === "string") names.add(typeNameOfUrl(url));
    }
    visit(inner, names);
    return;
  }
  for (const field of message.setFields()) {
    const value = message.get(field);
    const values = Array.isArray(value) ? value : value instanceof Map ? value.values() : [value];
    for (const each of values) if (each instanceof Message) visit(each, names);
  }
}
