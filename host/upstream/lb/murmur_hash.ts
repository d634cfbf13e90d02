// host/upstream/lb/murmur_hash.ts: MurmurHash64A, the other hash that a ring can be made with.
// pure: no I/O, no clock, no runtime globals
/**
 * The one of libstdc++'s `std::hash`, seed included, so that rings made by other programs can be made here.
 *
 * @see Envoy: source/common/common/hash.cc MurmurHash::murmurHash2
 * @module
 */
const MULTIPLIER = 0xc6a4a7935bd1e995n;
const SEED = 0xc70f6907n;

/** The hash of bytes. */
export function murmurHash2(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const aligned = bytes.length & ~7;
  let hash = SEED ^ times(BigInt(bytes.length));
  for (let at = 0; at < aligned; at += 8) {
    hash = times(hash ^ times(mix(times(view.getBigUint64(at, true)))));
  }
  if (aligned < bytes.length) {
    let rest = 0n;
    for (let at = bytes.length - 1; at >= aligned; at--) rest = (rest << 8n) | BigInt(bytes[at]!);
    hash = times(hash ^ rest);
  }
  return mix(times(mix(hash)));
}

function times(value: bigint): bigint {
  return BigInt.asUintN(64, value * MULTIPLIER);
}

function mix(value: bigint): bigint {
  return value ^ (value >> 47n);
}
