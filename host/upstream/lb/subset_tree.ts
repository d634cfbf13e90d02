// host/upstream/lb/subset_tree.ts: subsets by the metadata that their hosts have.
// pure: no I/O, no clock, no runtime globals
// hot: `find` once per request to a cluster with subsets; see bench/micro/load_balancing.bench.ts
/**
 * Names and values of metadata lead from level to level, in the order of the names; so the same criteria always go
 * the same way.
 *
 * @see Envoy: source/extensions/load_balancing_policies/subset/subset_lb.cc LbSubsetEntry
 * @module
 */
import { type MetadataMatch, type MetadataMatchCriterion, metadataText } from "./metadata_match.ts";
import type { Subset } from "./subset.ts";

/** A name and the text of a value. */
export type SubsetKey = Pick<MetadataMatchCriterion, "name" | "text">;

export class SubsetEntry {
  readonly children: Map<string, Map<string, SubsetEntry>> = new Map();
  /** Null when no selector ends here. */
  subset: Subset | null = null;
  /** A selector says so: of several hosts only one counts. */
  isSingle = false;
}

export class SubsetTree {
  readonly #root = new SubsetEntry();

  /** The subset of exactly these criteria; null when there is none, or none with hosts. */
  find({ criteria }: MetadataMatch): Subset | null {
    let entry: SubsetEntry | undefined = this.#root;
    for (let i = 0; i < criteria.length; i++) {
      entry = entry.children.get(criteria[i]!.name)?.get(criteria[i]!.text);
      if (entry === undefined) return null;
    }
    return entry.subset !== null && entry.subset.isActive ? entry.subset : null;
  }

  /** Where these keys lead, which are in the order of their names; made if need be. */
  entry(keys: readonly SubsetKey[]): SubsetEntry {
    let entry = this.#root;
    for (const { name, text } of keys) {
      let values = entry.children.get(name);
      if (values === undefined) entry.children.set(name, values = new Map());
      let next = values.get(text);
      if (next === undefined) values.set(text, next = new SubsetEntry());
      entry = next;
    }
    return entry;
  }

  *subsets(entry: SubsetEntry = this.#root): Generator<Subset> {
    for (const values of entry.children.values()) {
      for (const child of values.values()) {
        if (child.subset !== null) yield child.subset;
        yield* this.subsets(child);
      }
    }
  }

  /** Forgets subsets without hosts; each is given to `onRemoved`. */
  purge(onRemoved: (subset: Subset) => void, entry: SubsetEntry = this.#root): void {
    for (const [name, values] of entry.children) {
      for (const [text, child] of values) {
        this.purge(onRemoved, child);
        if (child.subset?.isActive || child.children.size > 0) continue;
        if (child.subset !== null) onRemoved(child.subset);
        values.delete(text);
      }
      if (values.size === 0) entry.children.delete(name);
    }
  }
}

/**
 * The keys of the subsets that a host is in by a selector of these names: one, several when values that are
 * lists count as any of their members, none when a name is missing.
 */
export function subsetKeys(
  names: readonly string[],
  metadata: Readonly<Record<string, unknown>>,
  listAsAny: boolean,
): SubsetKey[][] {
  let all: SubsetKey[][] = [];
  for (const name of names) {
    if (!Object.hasOwn(metadata, name)) return [];
    const value = metadata[name];
    const keys = (listAsAny && Array.isArray(value) ? value : [value]).map((each) => ({
      name,
      text: metadataText(each),
    }));
    all = all.length === 0 ? keys.map((key) => [key]) : all.flatMap((before) => keys.map((key) => [...before, key]));
  }
  return all;
}

/** True when metadata has all these fields; with `listAsAny` a list has each of its members. */
export function hasFields(
  metadata: Readonly<Record<string, unknown>>,
  fields: MetadataMatch | null,
  listAsAny: boolean,
): boolean {
  return fields === null || fields.criteria.every(({ name, text }) => {
    if (!Object.hasOwn(metadata, name)) return false;
    const value = metadata[name];
    return listAsAny && Array.isArray(value)
      ? value.some((each) => metadataText(each) === text)
      : metadataText(value) === text;
  });
}
