// host/config/json_error.ts: where a text stops being JSON.
/**
 * `JSON.parse` says that something is wrong, but not always where. This walks the grammar once more, for
 * texts that have been refused.
 *
 * @see RFC 8259
 * @module
 */

const SPACE = /[ \t\r\n]*/y;
const SCALAR =
  // deno-lint-ignore no-control-regex
  /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null/y;
// deno-lint-ignore no-control-regex
const KEY = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

/** Offset of the first character that cannot stand where it stands. */
export function findJsonError(text: string): number {
  let at = 0;
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return false;
    at += match[0].length;
    return true;
  };
  const is = (character: string): boolean => {
    take(SPACE);
    if (text[at] !== character) return false;
    at++;
    return true;
  };
  /** What closes the collections that are open. */
  const open: string[] = [];
  for (;;) {
    take(SPACE);
    // A value, or the start of a collection.
    if (is("{")) {
      if (!is("}")) {
        open.push("}");
        if (!take(KEY) || !is(":")) return at;
        continue;
      }
    } else if (is("[")) {
      if (!is("]")) {
        open.push("]");
        continue;
      }
    } else if (!take(SCALAR)) return at;
    // What may follow a value.
    while (open.length !== 0 && is(open.at(-1)!)) open.pop();
    if (open.length === 0) {
      take(SPACE);
      return at;
    }
    if (!is(",")) return at;
    take(SPACE);
    if (open.at(-1) === "}" && (!take(KEY) || !is(":"))) return at;
  }
}
