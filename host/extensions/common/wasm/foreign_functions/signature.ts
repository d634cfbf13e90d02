// host/extensions/common/wasm/foreign_functions/signature.ts: verify_signature, sign.
/**
 * Keys are SubjectPublicKeyInfo and PKCS #8, in DER or PEM. The texts of errors are Envoy's, since guests show
 * them.
 *
 * @see Envoy: source/extensions/common/wasm/foreign.cc, source/common/crypto/utility_impl.cc
 * @module
 */
import type { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject, sign as signText, verify } from "node:crypto";
import { Status } from "../../../../../abi/mod.ts";
import type { ForeignFunction } from "../../../../wasm/mod.ts";
import { readArguments, writeResult } from "./arguments.ts";

const HASH_FUNCTIONS = new Set(["sha1", "sha224", "sha256", "sha384", "sha512"]);

/** About what an operation costs, in units of fuel. */
const VERIFY_UNITS = 100_000;
const SIGN_UNITS = 1_000_000;
const HASH_UNITS_PER_BYTE = 4;

export const verifySignature: ForeignFunction = (call, bytes) => {
  const args = readArguments(bytes, { 1: "string", 2: "bytes", 3: "bytes", 4: "bytes", 5: "string" });
  if (args === null) return Status.BadArgument;
  const der = args.bytes(2);
  const pem = args.text(5);
  if ((der.length === 0) === (pem === "")) {
    call.explain("give either public_key or public_key_pem");
    return Status.BadArgument;
  }
  const text = args.bytes(4);
  call.charge(VERIFY_UNITS + text.length * HASH_UNITS_PER_BYTE);
  const hash = args.text(1);
  const failed = (error: string): Uint8Array => writeResult(false, null, { field: 2, text: error });
  if (!HASH_FUNCTIONS.has(hash.toLowerCase())) return failed(`${hash} is not supported.`);
  const key = importPublicKey(der, pem);
  if (key === null) return failed("Failed to initialize digest verify.");
  return isSigned(hash.toLowerCase(), text, key, args.bytes(3))
    ? writeResult(true, null, null)
    : failed("Failed to verify digest. Error code: 0");
};

export const sign: ForeignFunction = (call, bytes) => {
  const args = readArguments(bytes, { 1: "string", 2: "bytes", 3: "bytes", 4: "string" });
  if (args === null) return Status.BadArgument;
  const der = args.bytes(2);
  const pem = args.text(4);
  if ((der.length === 0) === (pem === "")) {
    call.explain("give either private_key or private_key_pem");
    return Status.BadArgument;
  }
  const text = args.bytes(3);
  call.charge(SIGN_UNITS + text.length * HASH_UNITS_PER_BYTE);
  const hash = args.text(1);
  const failed = (error: string): Uint8Array => writeResult(false, null, { field: 3, text: error });
  if (!HASH_FUNCTIONS.has(hash.toLowerCase())) return failed(`${hash} is not supported.`);
  const key = importPrivateKey(der, pem);
  if (key === null) return failed("Invalid key type: private key required for signing operation.");
  try {
    return writeResult(true, signText(hash.toLowerCase(), text, key), null);
  } catch {
    // A key that cannot sign a digest, or is too small for it.
    return failed("Invalid private key: key data is corrupted or malformed.");
  }
};

function isSigned(hash: string, text: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  try {
    return verify(hash, text, key, signature);
  } catch {
    return false;
  }
}

/** RSA, and curves: others cannot be used with a digest of one's choice. */
function usable(key: KeyObject): KeyObject | null {
  return key.asymmetricKeyType === "rsa" || key.asymmetricKeyType === "ec" ? key : null;
}

function importPublicKey(der: Uint8Array, pem: string): KeyObject | null {
  try {
    if (pem === "") return usable(createPublicKey({ key: firstElement(der) as Buffer, format: "der", type: "spki" }));
    return /-----BEGIN PUBLIC KEY-----/.test(pem) ? usable(createPublicKey(pem)) : null;
  } catch {
    return null;
  }
}

function importPrivateKey(der: Uint8Array, pem: string): KeyObject | null {
  try {
    if (pem === "") return usable(createPrivateKey({ key: firstElement(der) as Buffer, format: "der", type: "pkcs8" }));
    return /-----BEGIN (?:RSA |EC )?PRIVATE KEY-----/.test(pem) ? usable(createPrivateKey(pem)) : null;
  } catch {
    return null;
  }
}

/** What follows a key is not looked at, as in Envoy; some runtimes would refuse it. */
function firstElement(der: Uint8Array): Uint8Array {
  const first = der[1] ?? 0;
  if (first < 0x80) return der.subarray(0, 2 + first);
  let length = 0;
  const size = first & 0x7f;
  if (size > 4) return der;
  for (let i = 0; i < size; i++) length = length * 256 + (der[2 + i] ?? 0);
  return der.subarray(0, 2 + size + length);
}
