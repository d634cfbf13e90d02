// test/conformance/config/verdicts/ports.ts: ports for configurations that nobody serves.
/** @module */

/** A configuration with numbers in the place of `@names@`. */
export function withPorts(yaml: string): string {
  const names = [...new Set(yaml.match(/@[a-z0-9_]+@/g))];
  return yaml.replace(/@[a-z0-9_]+@/g, (name) => String(10_000 + names.indexOf(name))).replaceAll("FOLDER", "/tmp");
}
