// host/config/coverage.ts: which fields of which messages are read, and which are accepted without effect.
/**
 * Filled while plans are made, over a whole test suite or one start; the reference page of the
 * configuration and the coverage figure come from it.
 *
 * @module
 */
import type { TypeRegistry } from "../api/schema.ts";

export interface MessageCoverage {
  /** Names of the fields that somebody reads. */
  readonly read: string[];
  /** Fields that are accepted and have no effect, with the reason. */
  readonly accepted: Record<string, string>;
}

export class Coverage {
  readonly #read = new Map<string, Set<string>>();
  readonly #accepted = new Map<string, Map<string, string>>();

  read(typeName: string, field: string): void {
    let fields = this.#read.get(typeName);
    if (fields === undefined) {
      fields = new Set();
      this.#read.set(typeName, fields);
    }
    fields.add(field);
  }

  accept(typeName: string, field: string, reason: string): void {
    let fields = this.#accepted.get(typeName);
    if (fields === undefined) {
      fields = new Map();
      this.#accepted.set(typeName, fields);
    }
    fields.set(field, reason);
  }

  /** Everything seen so far, sorted by name. A field that is both counts as read. */
  dump(): Record<string, MessageCoverage> {
    const all: Record<string, MessageCoverage> = {};
    for (const typeName of [...new Set([...this.#read.keys(), ...this.#accepted.keys()])].sort()) {
      const read = [...this.#read.get(typeName) ?? []].sort();
      const accepted = [...this.#accepted.get(typeName) ?? []].filter(([field]) => !read.includes(field)).sort();
      all[typeName] = { read, accepted: Object.fromEntries(accepted) };
    }
    return all;
  }

  /** Adds what another run has dumped. */
  add(dump: Readonly<Record<string, MessageCoverage>>): void {
    for (const [typeName, { read, accepted }] of Object.entries(dump)) {
      for (const field of read) this.read(typeName, field);
      for (const [field, reason] of Object.entries(accepted)) this.accept(typeName, field, reason);
    }
  }
}

/** The reference page: one table a message, every field in one of three states. */
export function renderCoverage(dump: Readonly<Record<string, MessageCoverage>>, registry: TypeRegistry): string {
  let readCount = 0;
  let acceptedCount = 0;
  let total = 0;
  let tables = "";
  for (const [typeName, { read, accepted }] of Object.entries(dump)) {
    const schema = registry.message(typeName);
    if (schema === null) continue;
    tables += `\n## ${typeName}\n\n| field | |\n| --- | --- |\n`;
    for (const { name } of schema.fields) {
      total++;
      const reason = accepted[name];
      if (read.includes(name)) readCount++;
      else if (reason !== undefined) acceptedCount++;
      const state = read.includes(name) ? "read" : reason === undefined ? "not implemented" : `accepted: ${reason}`;
      tables += `| \`${name}\` | ${state} |\n`;
    }
  }
  return "# Configuration that nuncio reads\n\n<!-- Generated from what the planners read; do not edit. -->\n\n" +
    `Of ${total} fields in ${Object.keys(dump).length} messages, ${readCount} are read and ${acceptedCount} are ` +
    "accepted without effect. Any other field that a configuration sets is an error at its position, or a " +
    "warning with `--lenient`.\n" + tables;
}
