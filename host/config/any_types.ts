// host/config/any_types.ts: what a configuration has in it that must be loaded before planning.
/**
 * Planners are loaded before planning begins; the types in `Any` fields say which ones.
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

/** Whether some text of a configuration has this in it. */
export function hasText(root: ConfigNode, text: string): boolean {
  bug(!(root instanceof MessageNode), "hasText wants a node of loadBootstrap");
  return messageHas((root as MessageNode).protoMessage, text);
}

function messageHas(message: Message, text: string): boolean {
  if (message.typeName === ANY) {
    const inner = unpackAny(message);
    return inner !== null && messageHas(inner, text);
  }
  return [...message.setFields()].some((field) =>
    valuesOf(message.get(field)).some((each) =>
      each instanceof Message ? messageHas(each, text) : typeof each === "string" && each.includes(text)
    )
  );
}

function valuesOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : value instanceof Map ? [...value.values()] : [value];
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
    for (const each of valuesOf(message.get(field))) if (each instanceof Message) visit(each, names);
  }
}
