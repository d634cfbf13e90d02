// host/config/any_types.ts: what a configuration has in it that must be loaded before planning.
/**
 * Planners are loaded before planning begins, and so is what compiles expressions; the types in `Any` fields say which
 * ones, and texts.
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

export interface Contents {
  /** Full names of all message types inside `Any`s, those named by a TypedStruct included. */
  readonly typeNames: ReadonlySet<string>;
  /** Whether some text has the mark in it. */
  readonly isMarked: boolean;
}

/** Looks through a whole configuration. */
export function contentsOf(root: ConfigNode, mark: string): Contents {
  bug(!(root instanceof MessageNode), "contentsOf wants a node of loadBootstrap");
  const contents = new Collector(mark);
  contents.visit((root as MessageNode).protoMessage);
  return contents;
}

class Collector implements Contents {
  readonly typeNames = new Set<string>();
  isMarked = false;
  readonly #mark: string;

  constructor(mark: string) {
    this.#mark = mark;
  }

  visit(message: Message): void {
    if (message.typeName === ANY) return this.#visitAny(message);
    for (const field of message.setFields()) {
      const value = message.get(field);
      if (Array.isArray(value)) { for (const each of value) this.#see(each); }
      else if (value instanceof Map) { for (const each of value.values()) this.#see(each); }
      else this.#see(value);
    }
  }

  #visitAny(any: Message): void {
    const inner = unpackAny(any);
    if (inner === null) return;
    this.typeNames.add(inner.typeName);
    if (isTypedStruct(inner.typeName)) {
      const url = inner.getByName("type_url");
      if (typeof url === "string") this.typeNames.add(typeNameOfUrl(url));
    }
    this.visit(inner);
  }

  #see(value: unknown): void {
    if (value instanceof Message) this.visit(value);
    else if (typeof value === "string") this.isMarked ||= value.includes(this.#mark);
  }
}
