// host/admin/query.ts: query strings and name filters as Envoy reads them.
// pure: no I/O, no clock, no runtime globals
/** @module */
import { RE2JS } from "re2js";
import { AdminQuery, type AdminResponse, text } from "./command.ts";

/** Parameters of a query string or a form; of two with one name the first counts. `+` stays `+`. */
export function parseQuery(...sources: readonly string[]): AdminQuery {
  const values = new Map<string, string>();
  for (const source of sources) {
    for (const pair of source.split("&")) {
      if (pair === "") continue;
      const equals = pair.indexOf("=");
      const name = decode(equals < 0 ? pair : pair.slice(0, equals));
      if (!values.has(name)) values.set(name, equals < 0 ? "" : decode(pair.slice(equals + 1)));
    }
  }
  return new AdminQuery(values);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Escapes that are no UTF-8: as they are written.
    return text;
  }
}

/** A predicate from a regular expression in a parameter, or the answer that says what is wrong with it. */
export function nameFilter(query: AdminQuery, parameter: string): ((name: string) => boolean) | AdminResponse {
  const pattern = query.get(parameter);
  if (pattern === null || pattern === "") return () => true;
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (error) {
    const reason = (error as Error).message.replace(/^error parsing regexp: /, "").replaceAll("`", "");
    return text(`Invalid re2 regex: ${reason}\n`, 400);
  }
  return (name) => compiled.matcher(name).find();
}
