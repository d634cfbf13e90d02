// host/server/wasm_code/digest.ts: digests of what was fetched.
/** @module */
import { toHex } from "../../base/bytes.ts";

/** In lower-case hexadecimals; computed off this thread. */
export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  return toHex(await hash("SHA-256", bytes));
}

export async function hash(algorithm: "SHA-256" | "SHA-512", bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest(algorithm, bytes as Uint8Array<ArrayBuffer>));
}

/** Whether the bytes are what an OCI digest (`sha256:…` or `sha512:…`) says. */
export async function matchesDigest(bytes: Uint8Array, digest: string): Promise<boolean> {
  const [algorithm, hexadecimals] = digest.split(":");
  const found = await hash(algorithm === "sha512" ? "SHA-512" : "SHA-256", bytes);
  return toHex(found) === hexadecimals;
}
