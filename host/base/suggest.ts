// host/base/suggest.ts: the known name that is nearest to a mistyped one.
// pure: no I/O, no clock, no runtime globals
/**
 * Used wherever a name is looked up in a list that we know: fields, enum values, types, clusters, flags.
 * A suggestion has to be right more often than not, so the distance allowed grows slowly with the length.
 *
 * @module
 */

/** Names up to this long are compared; longer ones only by equality. */
const LENGTH_LIMIT = 200;
/** A name of at least this many characters stands for the one name that begins with it. */
const SHORTEST_PREFIX = 4;

/** The candidate nearest to `name`, or null when none is near. The first of equals wins. */
export function nearestName(name: string, candidates: readonly string[]): string | null {
  const plain = fold(name);
  if (plain.length >= SHORTEST_PREFIX) {
    const longer = candidates.filter((candidate) => fold(candidate).startsWith(plain));
    if (longer.length === 1) return longer[0]!;
  }
  const allowed = Math.max(1, Math.floor(plain.length / 3));
  let best: string | null = null;
  let bestDistance = allowed + 1;
  for (const candidate of candidates) {
    const folded = fold(candidate);
    if (folded === plain) return candidate;
    if (Math.abs(folded.length - plain.length) >= bestDistance) continue;
    if (plain.length > LENGTH_LIMIT || folded.length > LENGTH_LIMIT) continue;
    const distance = editDistance(plain, folded, bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `connectTimeout`, `connect-timeout` and `CONNECT_TIMEOUT` are one name here. */
function fold(name: string): string {
  return name.toLowerCase().replace(/[-_ ]/g, "");
}

/**
 * Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`; `limit` or more
 * is answered as soon as it is certain.
 */
export function editDistance(a: string, b: string, limit: number = Infinity): number {
  let twoBack: number[] = [];
  let previous: number[] = [];
  for (let j = 0; j <= b.length; j++) previous.push(j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a.charCodeAt(i - 1) === b.charCodeAt(j - 1);
      let cost = Math.min(row[j - 1]! + 1, previous[j]! + 1, previous[j - 1]! + (same ? 0 : 1));
      if (
        i > 1 && j > 1 && a.charCodeAt(i - 1) === b.charCodeAt(j - 2) && a.charCodeAt(i - 2) === b.charCodeAt(j - 1)
      ) {
        cost = Math.min(cost, twoBack[j - 2]! + 1);
      }
      row.push(cost);
      if (cost < least) least = cost;
    }
    if (least >= limit) return limit;
    twoBack = previous;
    previous = row;
  }
  return previous[b.length]!;
}
