// host/server/wasm_code/signature.ts: whether a module is signed by somebody who is trusted.
/**
 * Two formats are known, both in a custom section `signature`. Envoy's (a proxy-wasm-cpp-host built with a key)
 * is the last section: algorithm 2, then Ed25519 over SHA-512 of everything before it. The other one is the
 * first section: what `wasmsign2 sign` writes today, one or more Ed25519 signatures over SHA-256 of everything
 * behind it. A module must be signed whole: signatures of parts do not count.
 *
 * @see Envoy: proxy-wasm-cpp-host src/signature_util.cc
 * @see https://github.com/WebAssembly/tool-conventions/blob/main/Signatures.md
 * @module
 */
import { concatBytes, fromLatin1, latin1Slice, toHex, utf8Slice } from "../../base/bytes.ts";
import { hash } from "./digest.ts";
import type { PublicKey } from "./public_keys.ts";

export type SignatureCheck =
  /** By which key, in hexadecimals. */
  | { readonly ok: true; readonly signedBy: string }
  | { readonly ok: false; readonly message: string };

const SECTION_NAME = "signature";
const MODULE_HEADER_BYTES = 8;
const SIGNATURE_BYTES = 64;
const HASH_BYTES = 32;
/** Envoy's format: the number of Ed25519, four bytes, before the signature. */
const TRAILING_ALGORITHM = 2;
const TRAILING_BYTES = 4 + SIGNATURE_BYTES;
/** `wasmsign2`: version, content type (a module), hash (SHA-256), algorithm (Ed25519). */
const LEADING_VERSION = 1;
const LEADING_CONTENT_TYPE = 1;
const LEADING_HASH = 1;
const LEADING_ALGORITHM = 1;
/** As many as `wasmsign2` reads. */
const MAX_HASH_SETS = 64;
const MAX_SIGNATURES = 256;

interface Section {
  /** Of its first byte, the kind. */
  readonly start: number;
  readonly payload: Uint8Array;
  readonly end: number;
}

/** Checks the signature of a module against keys; the first that fits is the answer. */
export async function checkSignature(module: Uint8Array, keys: readonly PublicKey[]): Promise<SignatureCheck> {
  const section = findSignature(module);
  if (typeof section === "string") return { ok: false, message: section };
  if (section.end === module.length && section.payload.length === TRAILING_BYTES) {
    return await checkTrailing(module, section, keys);
  }
  if (section.start === MODULE_HEADER_BYTES) return await checkLeading(module, section, keys);
  return {
    ok: false,
    message: "its signature stands neither in the first section, as wasmsign2 writes it, nor, 68 bytes long, in the " +
      "last one, as Envoy reads it",
  };
}

async function checkTrailing(
  module: Uint8Array,
  section: Section,
  keys: readonly PublicKey[],
): Promise<SignatureCheck> {
  const algorithm = new DataView(section.payload.buffer, section.payload.byteOffset).getUint32(0, true);
  if (algorithm !== TRAILING_ALGORITHM) {
    return {
      ok: false,
      message: `its signature is of algorithm ${algorithm}: expected ${TRAILING_ALGORITHM}, Ed25519`,
    };
  }
  // No additional data: its length is a zero of four bytes.
  const prefix = fromLatin1("WasmSignature\0\0\0\0");
  const signed = module.subarray(0, section.start);
  const digest = await hash("SHA-512", concatBytes([prefix, signed], prefix.length + signed.length));
  return await checkAny([{ message: digest, signature: section.payload.subarray(4) }], keys);
}

async function checkLeading(
  module: Uint8Array,
  section: Section,
  keys: readonly PublicKey[],
): Promise<SignatureCheck> {
  const sets = readLeading(section.payload);
  if (typeof sets === "string") return { ok: false, message: sets };
  const digest = toHex(await hash("SHA-256", module.subarray(section.end)));
  const candidates = sets
    // The hashes of parts come first: a module that was cut behind one of them would have that hash.
    .filter((set) => set.hashes.length > 0 && toHex(set.hashes.at(-1)!) === digest)
    .flatMap((set) => {
      const domain = fromLatin1("wasmsig");
      const versions = Uint8Array.of(LEADING_VERSION, LEADING_CONTENT_TYPE, LEADING_HASH);
      const parts = [domain, versions, ...set.hashes];
      const message = concatBytes(parts, parts.reduce((sum, part) => sum + part.length, 0));
      return set.signatures.map((signature) => ({ message, signature }));
    });
  if (candidates.length === 0) {
    return { ok: false, message: "its signature is that of another module, or of a part of it" };
  }
  return await checkAny(candidates, keys);
}

async function checkAny(
  candidates: readonly { readonly message: Uint8Array; readonly signature: Uint8Array }[],
  keys: readonly PublicKey[],
): Promise<SignatureCheck> {
  for (const bytes of keys) {
    const key = await crypto.subtle.importKey("raw", bytes, "Ed25519", false, ["verify"]);
    for (const { message, signature } of candidates) {
      const fits = await crypto.subtle.verify(
        "Ed25519",
        key,
        signature as Uint8Array<ArrayBuffer>,
        message as Uint8Array<ArrayBuffer>,
      );
      if (fits) return { ok: true, signedBy: toHex(bytes) };
    }
  }
  const names = keys.map((key) => `${toHex(key).slice(0, 16)}…`).join(", ");
  return { ok: false, message: `its signature is by none of the keys ${names}, or the module was changed` };
}

/** The section with the signature, or why there is none. */
function findSignature(module: Uint8Array): Section | string {
  if (module.length < MODULE_HEADER_BYTES || latin1Slice(module, 0, 4) !== "\0asm") {
    return "it is not a WebAssembly module";
  }
  const found: Section[] = [];
  const reader = new Reader(module, MODULE_HEADER_BYTES);
  while (reader.offset < module.length) {
    const start = reader.offset;
    const kind = reader.byte();
    const size = reader.number();
    const end = reader.offset + size;
    if (reader.failed || end > module.length) return `the section at byte ${start} goes beyond the module`;
    if (kind === 0) {
      const name = new Reader(module.subarray(0, end), reader.offset);
      const text = name.bytes(name.number());
      if (utf8Slice(text, 0, text.length) === SECTION_NAME) {
        found.push({ start, payload: module.subarray(name.offset, end), end });
      }
    }
    reader.offset = end;
  }
  if (found.length === 0) return "it is not signed: there is no custom section named signature";
  return found.length === 1 ? found[0]! : "it has more than one custom section named signature";
}

interface HashSet {
  readonly hashes: readonly Uint8Array[];
  readonly signatures: readonly Uint8Array[];
}

/** The payload that `wasmsign2` writes, or what is wrong with it. */
function readLeading(payload: Uint8Array): HashSet[] | string {
  const reader = new Reader(payload, 0);
  const [version, contentType, hashFunction] = [reader.byte(), reader.byte(), reader.byte()];
  if (version !== LEADING_VERSION || contentType !== LEADING_CONTENT_TYPE || hashFunction !== LEADING_HASH) {
    return `its signature is of version ${version}, content type ${contentType}, hash ${hashFunction}: expected 1, 1, 1`;
  }
  const sets: HashSet[] = [];
  const setCount = reader.number();
  if (setCount > MAX_HASH_SETS) {
    return `its signature has ${setCount} sets of hashes: at most ${MAX_HASH_SETS} are read`;
  }
  for (let left = setCount; left > 0 && !reader.failed; left--) {
    const set = new Reader(reader.bytes(reader.number()), 0);
    const hashes: Uint8Array[] = [];
    for (let count = set.number(); count > 0 && !set.failed; count--) hashes.push(set.bytes(HASH_BYTES));
    const signatures: Uint8Array[] = [];
    const count = set.number();
    if (count > MAX_SIGNATURES) return `it has ${count} signatures: at most ${MAX_SIGNATURES} are read`;
    for (let rest = count; rest > 0 && !set.failed; rest--) {
      const signature = new Reader(set.bytes(set.number()), 0);
      signature.bytes(signature.number()); // The name of the key: all keys are tried anyway.
      const algorithm = signature.byte();
      const bytes = signature.bytes(signature.number());
      if (!signature.failed && algorithm === LEADING_ALGORITHM && bytes.length === SIGNATURE_BYTES) {
        signatures.push(bytes);
      }
    }
    if (set.failed) return "its signature section cannot be read";
    sets.push({ hashes, signatures });
  }
  return reader.failed ? "its signature section cannot be read" : sets;
}

/** Reads a section that may say anything: beyond the end there are zeros, and `failed` says so. */
class Reader {
  readonly #source: Uint8Array;
  offset: number;
  failed = false;

  constructor(source: Uint8Array, offset: number) {
    this.#source = source;
    this.offset = offset;
  }

  byte(): number {
    const byte = this.#source[this.offset++];
    if (byte === undefined) this.failed = true;
    return byte ?? 0;
  }

  /** An unsigned LEB128 of 32 bits. */
  number(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 28; factor *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (value > 0xffffffff) this.failed = true;
        return value > 0xffffffff ? 0 : value;
      }
    }
    this.failed = true;
    return 0;
  }

  bytes(length: number): Uint8Array {
    const end = this.offset + length;
    if (end > this.#source.length) this.failed = true;
    const slice = this.#source.subarray(this.offset, end);
    this.offset = end;
    return slice;
  }
}
