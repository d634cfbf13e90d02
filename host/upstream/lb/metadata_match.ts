// host/upstream/lb/metadata_match.ts: what a request asks of the metadata of hosts.
// pure: no I/O, no clock, no runtime globals
/**
 * Fields of the namespace `envoy.lb`, of which every one has to be the same. Values are compared by a text that is
 * the same for equal values, and differs for others.
 *
 * @see Envoy: source/common/router/metadatamatchcriteria_impl.cc
 * @module
 */

export interface MetadataMatchCriterion {
  readonly name: string;
  readonly value: unknown;
  /** `metadataText` of the value. */
  readonly text: string;
}

export class MetadataMatch {
  /** In the order of their names. */
  readonly criteria: readonly MetadataMatchCriterion[];
  #key: string | null = null;

  private constructor(criteria: readonly MetadataMatchCriterion[]) {
    this.criteria = criteria;
  }

  static of(fields: Readonly<Record<string, unknown>>): MetadataMatch {
    return new MetadataMatch(
      Object.entries(fields).sort(byName).map(([name, value]) => ({ name, value, text: metadataText(value) })),
    );
  }

  /** A text that is the same for the same criteria, made when it is first asked for. */
  get key(): string {
    return this.#key ??= this.criteria.map(criterionText).join();
  }

  /** With these fields too, which take precedence. */
  merge(fields: Readonly<Record<string, unknown>>): MetadataMatch {
    const mine = Object.fromEntries(this.criteria.map(({ name, value }) => [name, value]));
    return MetadataMatch.of({ ...mine, ...fields });
  }

  /** Those of all other names; null when there are none. */
  without(name: string): MetadataMatch | null {
    const criteria = this.criteria.filter((each) => each.name !== name);
    return criteria.length === 0 ? null : new MetadataMatch(criteria);
  }

  /** Those of these names alone; null when there are none. */
  only(names: ReadonlySet<string>): MetadataMatch | null {
    const criteria = this.criteria.filter(({ name }) => names.has(name));
    return criteria.length === 0 ? null : new MetadataMatch(criteria);
  }
}

/** Makes it once for each criteria: those of routes are the same object for every request. */
export function remembered<T>(make: (match: MetadataMatch) => T): (match: MetadataMatch) => T {
  const known = new WeakMap<MetadataMatch, T>();
  return (match) => {
    let made = known.get(match);
    if (made === undefined) known.set(match, made = make(match));
    return made;
  };
}

/** A criterion as it stands in the key of a match. */
export function criterionText({ name, text }: Pick<MetadataMatchCriterion, "name" | "text">): string {
  return `${JSON.stringify(name)}:${text}`;
}

/** The same text for values that are equal: structs are, whatever the order of their fields. */
export function metadataText(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, part: unknown) =>
      typeof part === "object" && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(byName))
        : part,
  );
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
