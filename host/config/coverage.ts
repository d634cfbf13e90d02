// host/config/coverage.ts: which fields of which messages are read, accepted without effect, or refused.
/**
 * Filled while plans are made; the reference page of the configuration comes from it. A planner reads only what a
 * configuration chooses, so the whole is known when configurations are added up.
 *
 * @module
 */
import type { TypeRegistry } from "../api/schema.ts";

/** What becomes of a field where a configuration sets it. */
export type FieldState = "read" | "accepted" | "refused";

export interface FieldCoverage {
  readonly state: FieldState;
  /** Why it has no effect, or what the error says; empty where it is read. */
  readonly reason: string;
}

interface Seen {
  readonly use: Use;
  readonly reason: string;
}

/** Whoever asks only whether a field is there may do so to refuse it; hence the last place. */
const USES = ["has", "refused", "accepted", "read"] as const;
type Use = typeof USES[number];

export class Coverage {
  readonly #messages = new Map<string, Map<string, Seen>>();

  read(typeName: string, field: string): void {
    this.#see(typeName, field, { use: "read", reason: "" });
  }

  /** It was asked for whether the field is set. */
  has(typeName: string, field: string): void {
    this.#see(typeName, field, { use: "has", reason: "" });
  }

  accept(typeName: string, field: string, reason: string): void {
    this.#see(typeName, field, { use: "accepted", reason });
  }

  refuse(typeName: string, field: string, reason: string): void {
    this.#see(typeName, field, { use: "refused", reason });
  }

  /** Adds what another has seen. */
  add(other: Coverage): void {
    for (const [typeName, fields] of other.#messages) {
      for (const [field, seen] of fields) this.#see(typeName, field, seen);
    }
  }

  /** The messages that planners look into, sorted, each with the fields that they know. */
  dump(): Map<string, ReadonlyMap<string, FieldCoverage>> {
    const all = new Map<string, ReadonlyMap<string, FieldCoverage>>();
    for (const typeName of [...this.#messages.keys()].sort()) {
      const fields = new Map<string, FieldCoverage>();
      for (const [field, { use, reason }] of this.#messages.get(typeName)!) {
        fields.set(field, { state: use === "has" ? "read" : use, reason });
      }
      all.set(typeName, fields);
    }
    return all;
  }

  #see(typeName: string, field: string, seen: Seen): void {
    let fields = this.#messages.get(typeName);
    if (fields === undefined) {
      fields = new Map();
      this.#messages.set(typeName, fields);
    }
    const known = fields.get(field);
    if (known === undefined || USES.indexOf(seen.use) > USES.indexOf(known.use)) fields.set(field, seen);
  }
}

/** The reference page: one table a message, every field with what becomes of it. */
export function renderCoverage(coverage: Coverage, registry: TypeRegistry): string {
  const counts = { read: 0, accepted: 0, refused: 0 };
  let messages = 0;
  let total = 0;
  let tables = "";
  for (const [typeName, fields] of coverage.dump()) {
    const schema = registry.message(typeName);
    if (schema === null) continue;
    messages++;
    tables += `\n## ${typeName}\n\n| field | |\n| --- | --- |\n`;
    for (const { name } of schema.fields) {
      total++;
      const known = fields.get(name);
      if (known !== undefined) counts[known.state]++;
      tables += `| \`${name}\` | ${stateText(known)} |\n`;
    }
  }
  return "# Configuration that nuncio reads\n\n<!-- Generated from what the planners read; do not edit. -->\n\n" +
    `Of ${total} fields in ${messages} messages, ${counts.read} are read and ${counts.accepted} are accepted ` +
    `without effect. ${counts.refused} are refused with a reason; any other field that a configuration sets is an ` +
    "error at its position, or a warning with `--lenient`.\n" + tables;
}

function stateText(known: FieldCoverage | undefined): string {
  if (known === undefined) return "not implemented";
  return known.state === "read" ? "read" : `${known.state}: ${known.reason}`;
}
