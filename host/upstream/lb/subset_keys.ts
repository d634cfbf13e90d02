// host/upstream/lb/subset_keys.ts: which subsets a host is in, by the metadata that it has.
// pure: no I/O, no clock, no runtime globals
/**
 * A subset is known by the text of its fields, in the order of their names: `MetadataMatch.key` of a request for it.
 *
 * @see Envoy: source/extensions/load_balancing_policies/subset/subset_lb.cc extractSubsetMetadata
 * @module
 */
import { criterionText, type MetadataMatch, metadataText } from "./metadata_match.ts";

/**
 * The keys of the subsets that a host is in by a selector of these names: one, several when values that are
 * lists count as any of their members, none when a name is missing.
 */
export function subsetKeys(
  names: readonly string[],
  metadata: Readonly<Record<string, unknown>>,
  listAsAny: boolean,
): string[] {
  let keys: string[] = [];
  for (const name of names) {
    if (!Object.hasOwn(metadata, name)) return [];
    const value = metadata[name];
    const texts = (listAsAny && Array.isArray(value) ? value : [value])
      .map((each) => criterionText({ name, text: metadataText(each) }));
    keys = keys.length === 0 ? texts : keys.flatMap((key) => texts.map((text) => `${key},${text}`));
  }
  return keys;
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
