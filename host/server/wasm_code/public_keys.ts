// host/server/wasm_code/public_keys.ts: files with the Ed25519 keys that modules may be signed with.
/** @module */
import { EMPTY_BYTES, toHex, utf8Slice } from "../../base/bytes.ts";

/** The 32 bytes of an Ed25519 public key. */
export type PublicKey = Uint8Array<ArrayBuffer>;

export type PublicKeys = { readonly ok: true; readonly keys: readonly PublicKey[] } | {
  readonly ok: false;
  readonly message: string;
};

const KEY_BYTES = 32;
/** SubjectPublicKeyInfo of Ed25519 (RFC 8410 §4), up to the key. */
const SPKI_PREFIX = "302a300506032b6570032100";
/** How `wasmsign2` begins a key file. */
const WASMSIGN_PUBLIC_KEY = 0x01;
const PEM = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----/g;

/** PEM, DER, the files of `wasmsign2 keygen`, 32 bytes, or hexadecimals; text may hold several keys. */
export function parsePublicKeys(file: Uint8Array): PublicKeys {
  const single = fromBytes(file);
  if (single !== null) return { ok: true, keys: [single] };
  const text = utf8Slice(file, 0, file.length);
  const keys: PublicKey[] = [];
  for (const [, label, base64] of text.matchAll(PEM)) {
    if (label !== "PUBLIC KEY") return { ok: false, message: `a PEM block is a ${label}: expected a PUBLIC KEY` };
    const key = fromBytes(fromBase64(base64!));
    if (key === null) return { ok: false, message: "a PUBLIC KEY is not an Ed25519 key" };
    keys.push(key);
  }
  if (keys.length > 0) return { ok: true, keys };
  for (const line of text.split("\n").map((each) => each.trim())) {
    if (line === "" || line.startsWith("#")) continue;
    if (!/^(?:01)?[0-9A-Fa-f]{64}$/.test(line)) {
      return { ok: false, message: "expected an Ed25519 public key: PEM, or 64 hexadecimals" };
    }
    keys.push(Uint8Array.from(line.slice(-2 * KEY_BYTES).match(/../g)!, (pair) => Number.parseInt(pair, 16)));
  }
  return keys.length > 0 ? { ok: true, keys } : { ok: false, message: "there is no key in it" };
}

/** Binary forms; null when it is none of them. */
function fromBytes(bytes: Uint8Array): PublicKey | null {
  if (bytes.length === KEY_BYTES) return Uint8Array.from(bytes);
  if (bytes.length === KEY_BYTES + 1 && bytes[0] === WASMSIGN_PUBLIC_KEY) return Uint8Array.from(bytes.subarray(1));
  const start = bytes.length - KEY_BYTES;
  if (start === SPKI_PREFIX.length / 2 && toHex(bytes.subarray(0, start)) === SPKI_PREFIX) {
    return Uint8Array.from(bytes.subarray(start));
  }
  return null;
}

function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text.replaceAll(/\s/g, "")), (char) => char.charCodeAt(0));
  } catch {
    return EMPTY_BYTES;
  }
}
