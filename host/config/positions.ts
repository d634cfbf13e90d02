// host/config/positions.ts: which part of which text each message came from, and which fields are broken.
/**
 * Kept beside the messages and not in them: a message that came over the wire has none, and one that was
 * merged from a file and `--config-yaml` has two.
 *
 * @module
 */
import { Message } from "../api/message.ts";
import type { FieldSchema } from "../api/schema.ts";
import type { SourceText, Span } from "../base/source.ts";
import type { TreeEntry, TreeNode } from "./tree.ts";

interface Origin {
  readonly source: SourceText;
  readonly node: TreeNode;
}

export class Positions {
  readonly #origins = new WeakMap<Message, Origin[]>();
  readonly #broken = new WeakMap<Message, Set<FieldSchema>>();

  record(message: Message, source: SourceText, node: TreeNode): void {
    this.#origins.set(message, [{ source, node }]);
  }

  /** What `from` was written as is now also what `into` was written as. */
  merge(into: Message, from: Message): void {
    this.#origins.set(into, [...this.#originsOf(into), ...this.#originsOf(from)]);
    for (const field of this.#broken.get(from) ?? []) this.markBroken(into, field);
  }

  /** Says that a field was written but could not be used, so that nobody calls it missing as well. */
  markBroken(message: Message, field: FieldSchema): void {
    let fields = this.#broken.get(message);
    if (fields === undefined) {
      fields = new Set();
      this.#broken.set(message, fields);
    }
    fields.add(field);
  }

  isBroken(message: Message, field: FieldSchema): boolean {
    return this.#broken.get(message)?.has(field) ?? false;
  }

  /** True when the text has the field, even as a default. */
  isWritten(message: Message, field: FieldSchema): boolean {
    return this.#entries(message, field).length !== 0;
  }

  /** A message's first key, since a map has no other mark. */
  messageSpan(message: Message): Span | undefined {
    const origin = this.#originsOf(message)[0];
    return origin === undefined ? undefined : nodeMark(origin);
  }

  /** The key of a field; the message when the field was not written. */
  fieldSpan(message: Message, field: FieldSchema): Span | undefined {
    const found = this.#entries(message, field).at(-1);
    return found === undefined
      ? this.messageSpan(message)
      : span(found.source, found.entry.keyStart, found.entry.keyEnd);
  }

  /** The value of a field, or of one of its items. */
  valueSpan(message: Message, field: FieldSchema, item?: number | string): Span | undefined {
    if (typeof item === "number") {
      const list = message.get(field);
      const element = Array.isArray(list) ? list[item] : undefined;
      if (element instanceof Message) return this.messageSpan(element) ?? this.fieldSpan(message, field);
      return this.#itemSpan(message, field, item) ?? this.fieldSpan(message, field);
    }
    const found = this.#entries(message, field).at(-1);
    if (found === undefined) return this.messageSpan(message);
    const { source, entry } = found;
    if (typeof item === "string" && entry.value.kind === "map") {
      const inner = entry.value.entries.find((candidate) => candidate.key === item);
      if (inner !== undefined) return span(source, inner.keyStart, inner.keyEnd);
    }
    const { value } = entry;
    const isMarked = value.kind !== "map" && value.kind !== "list" && value.end > value.start;
    return isMarked ? span(source, value.start, value.end) : span(source, entry.keyStart, entry.keyEnd);
  }

  #itemSpan(message: Message, field: FieldSchema, index: number): Span | undefined {
    let left = index;
    for (const { source, entry } of this.#entries(message, field)) {
      const { value } = entry;
      const items = value.kind === "list" ? flatten(value.items) : [value];
      const item = items[left];
      if (item !== undefined) return nodeMark({ source, node: item });
      left -= items.length;
    }
    return undefined;
  }

  /** Where a field was written: once in each text, the last time in each. */
  #entries(message: Message, field: FieldSchema): { source: SourceText; entry: TreeEntry }[] {
    const found: { source: SourceText; entry: TreeEntry }[] = [];
    for (const { source, node } of this.#originsOf(message)) {
      const entry = node.kind !== "map"
        ? undefined
        : node.entries.findLast(({ key }) => key === field.name || key === field.jsonName);
      if (entry !== undefined) found.push({ source, entry });
    }
    return found;
  }

  #originsOf(message: Message): readonly Origin[] {
    return this.#origins.get(message) ?? [];
  }
}

/** Lists in lists are one list. */
function flatten(items: readonly TreeNode[]): TreeNode[] {
  return items.flatMap((item) => item.kind === "list" ? flatten(item.items) : [item]);
}

function nodeMark({ source, node }: Origin): Span | undefined {
  const first = node.kind === "map" ? node.entries[0] : undefined;
  return first === undefined ? span(source, node.start, node.end) : span(source, first.keyStart, first.keyEnd);
}

/** Trees made from JSON have no positions. */
export function span(source: SourceText, start: number, end: number): Span | undefined {
  return start < 0 ? undefined : { source, start, end };
}
