// test/conformance/hostcalls/join_ends.ts: one way to tell of the end of a body.
/** @module */

/**
 * Envoy tells filters of an HTTP/1 body's end after its last bytes, with none more; nuncio with them, where it comes
 * with them. Filters must live with both: here a body callback that brings nothing but the end is one with the
 * callback before it.
 */
export function joinEnds(lines: readonly string[]): string[] {
  const result: string[] = [];
  /** Where the last body callback of each direction begins in `result`. */
  const last = new Map<string, number>();
  for (let i = 0; i < lines.length;) {
    let end = i + 1;
    while (end < lines.length && !lines[end]!.startsWith("> ")) end++;
    const group = lines.slice(i, end);
    i = end;
    const body = /^> (proxy_on_re(?:quest|sponse)_body) (\d+) (\d+) ([01])$/.exec(group[0]!);
    if (body === null) {
      result.push(...group);
      continue;
    }
    const [, name, context, size, isEnd] = body;
    const key = `${name} ${context}`;
    const before = last.get(key);
    last.set(key, result.length);
    if (before === undefined || isEnd === "0") {
      result.push(...group);
      continue;
    }
    const [, , , sizeBefore] = /^> (\S+) (\d+) (\d+) 0$/.exec(result[before]!) ?? [];
    if (size === "0") {
      // What was not kept: the end belongs to the bytes before.
      result[before] = result[before]!.replace(/ 0$/, " 1");
    } else if (size === sizeBefore) {
      // What was collected: it is given once, with the end.
      let after = before + 1;
      while (after < result.length && !result[after]!.startsWith("> ")) after++;
      result.splice(before, after - before);
      result.push(...group);
    } else result.push(...group);
  }
  return result;
}
