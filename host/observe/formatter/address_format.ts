// host/observe/formatter/address_format.ts: addresses without port, masked to a prefix.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/formatter/stream_info_formatter.cc, `…_WITHOUT_PORT(MASK_PREFIX_LEN)`
 * @module
 */

/** `10.1.10.23` masked to 16 bits is `10.1.0.0/16`. Null for a path, or more bits than the address has. */
export function maskAddress(address: string, bits: number): string | null {
  const groups = address.includes(":") ? parseV6(address) : parseV4(address);
  if (groups === null) return null;
  const size = groups.length === 4 ? 8 : 16;
  if (bits > groups.length * size) return null;
  const masked = groups.map((group, i) => {
    const kept = Math.max(0, Math.min(size, bits - i * size));
    return group & (((1 << size) - 1) ^ ((1 << (size - kept)) - 1));
  });
  return `${groups.length === 4 ? masked.join(".") : formatV6(masked)}/${bits}`;
}

function parseV4(address: string): number[] | null {
  const parts = address.split(".");
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part)) ? parts.map(Number) : null;
}

function parseV6(address: string): number[] | null {
  const plain = address.replace(/%.*$/, "");
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(plain);
  let text = plain;
  if (dotted !== null) {
    const v4 = parseV4(dotted[2]!);
    if (v4 === null) return null;
    text = `${dotted[1]}${((v4[0]! << 8) | v4[1]!).toString(16)}:${((v4[2]! << 8) | v4[3]!).toString(16)}`;
  }
  const [head, tail, more] = text.split("::");
  if (head === undefined || more !== undefined) return null;
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const all = [...left, ...new Array<string>(missing).fill("0"), ...right];
  return all.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group)) ? all.map((group) => parseInt(group, 16)) : null;
}

/** The longest run of zeros becomes `::` (RFC 5952). */
function formatV6(groups: readonly number[]): string {
  let best = -1, bestLength = 1;
  for (let i = 0; i < groups.length; i++) {
    let length = 0;
    while (i + length < groups.length && groups[i + length] === 0) length++;
    if (length > bestLength) [best, bestLength] = [i, length];
  }
  const text = groups.map((group) => group.toString(16));
  if (best < 0) return text.join(":");
  return `${text.slice(0, best).join(":")}::${text.slice(best + bestLength).join(":")}`;
}
