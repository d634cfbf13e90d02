// host/builder/fields.ts: fields of messages, as JSON.
// pure: no I/O, no clock, no runtime globals
/** @module */

/** Fields of one of Envoy's messages by their names in snake_case, as in YAML. */
export type Fields = Readonly<Record<string, unknown>>;

/** `fields` over what is there: messages are merged, everything else is replaced. */
export function mergeFields(into: Record<string, unknown>, fields: Fields): void {
  for (const [name, value] of Object.entries(fields)) {
    const before = into[name];
    if (isMessage(before) && isMessage(value)) mergeFields(into[name] = { ...before }, value);
    else into[name] = value;
  }
}

function isMessage(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A google.protobuf.Duration. */
export function duration(ms: number): string {
  return `${ms / 1000}s`;
}

/** A message inside an Any. */
export function typed(typeName: string, fields: Fields = {}): Fields {
  return { "@type": `type.googleapis.com/${typeName}`, ...fields };
}
