// host/matching/path.ts: the path of a request target without its query.
// pure: no I/O, no clock, no runtime globals
// hot: runs per request; see bench/micro/route.bench.ts
/**
 * @see Envoy: source/common/http/path_utility.cc
 * @module
 */

/** Where the path ends: at the query, the fragment or the end of the target. */
export function pathEnd(target: string): number {
  const query = target.indexOf("?");
  const end = query === -1 ? target.length : query;
  const fragment = target.indexOf("#");
  return fragment === -1 || fragment > end ? end : fragment;
}

/** The target without query and fragment. */
export function pathWithoutQuery(target: string): string {
  const end = pathEnd(target);
  return end === target.length ? target : target.slice(0, end);
}
