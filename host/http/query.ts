// host/http/query.ts: query parameters with their escapes undone.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/http/utility.cc QueryParamsMulti::parseAndDecodeQueryString
 * @module
 */

/** The decoded value of the first parameter called `name`, or null. Escapes of no byte stay as they are. */
export function firstDecodedQueryValue(target: string, name: string): string | null {
  return decodedQueryValues(target, name)[0] ?? null;
}

/** The decoded values of all parameters called `name`. */
export function decodedQueryValues(target: string, name: string): readonly string[] {
  const query = target.indexOf("?");
  if (query === -1) return NO_VALUES;
  const fragment = target.indexOf("#", query);
  const values: string[] = [];
  for (const pair of target.slice(query + 1, fragment === -1 ? undefined : fragment).split("&")) {
    const equals = pair.indexOf("=");
    const key = equals === -1 ? pair : pair.slice(0, equals);
    if (percentDecode(key) === name) values.push(equals === -1 ? "" : percentDecode(pair.slice(equals + 1)));
  }
  return values;
}

const NO_VALUES: readonly string[] = [];

function percentDecode(text: string): string {
  if (!text.includes("%")) return text;
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
