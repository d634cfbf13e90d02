// host/http/h1/lenient.ts: a head with Envoy's tolerated irregularities to one without.
// pure: no I/O, no clock, no runtime globals
/**
 * With the `lenient` option a head is brought into the strict form first, so that there is one scanner and
 * what it accepts stays the same: a bare LF becomes CRLF, a bare CR in a value is removed, a folded line is
 * joined to the one before by a space.
 *
 * @see Envoy: BalsaParser over quiche's BalsaFrame
 * @see RFC 9112 §2.2, §5.2
 * @module
 */
import { CR, HTAB, LF, SP } from "./characters.ts";
import { INCOMPLETE } from "./head_scan.ts";

export interface NormalizedHead {
  /** The head with regular line ends. */
  readonly bytes: Uint8Array;
  /** The offset after the original head, or `INCOMPLETE`. */
  readonly consumed: number;
}

const NOT_YET: NormalizedHead = { bytes: new Uint8Array(0), consumed: INCOMPLETE };

/** Looks for the end of the head that begins at `start`, and makes it regular. */
export function normalizeHead(bytes: Uint8Array, start: number, end: number): NormalizedHead {
  const headEnd = findHeadEnd(bytes, start, end);
  if (headEnd === INCOMPLETE) return NOT_YET;
  // Every LF may need a CR.
  const out = new Uint8Array(2 * (headEnd - start));
  let length = 0;
  for (let p = start; p < headEnd; p++) {
    const byte = bytes[p]!;
    if (byte === CR) continue;
    if (byte !== LF) {
      out[length++] = byte;
      continue;
    }
    const next = bytes[p + 1];
    const isFold = p > start && p + 1 < headEnd && (next === SP || next === HTAB) && length > 0 &&
      out[length - 1] !== LF;
    if (isFold) {
      while (p + 1 < headEnd && (bytes[p + 1] === SP || bytes[p + 1] === HTAB)) p++;
      out[length++] = SP;
    } else {
      out[length++] = CR;
      out[length++] = LF;
    }
  }
  return { bytes: out.subarray(0, length), consumed: headEnd };
}

/** The offset after the first empty line, which ends in LF and may have a CR before it. */
function findHeadEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let p = start; p < end; p++) {
    if (bytes[p] !== LF) continue;
    if (bytes[p + 1] === LF && p + 1 < end) return p + 2;
    if (bytes[p + 1] === CR && bytes[p + 2] === LF && p + 2 < end) return p + 3;
  }
  return INCOMPLETE;
}
