// test/conformance/differential/explore/fields.ts: configurations as objects, and what they are as YAML.
/** @module */

export type Fields = Record<string, unknown>;

/** An extension of a type, without `type.googleapis.com/`. */
export function typed(name: string, type: string, config: Fields = {}): Fields {
  return { name, typed_config: { "@type": `type.googleapis.com/${type}`, ...config } };
}

/** The fields of a message, a line each. */
export function fieldLines(fields: Fields): string {
  return Object.entries(fields).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`).join("");
}

/** The elements of a list, a line each. */
export function listLines(elements: readonly Fields[]): string {
  return elements.map((each) => `- ${JSON.stringify(each)}`).join("\n");
}
