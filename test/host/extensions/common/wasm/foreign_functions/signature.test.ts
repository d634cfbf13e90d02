// test/host/extensions/common/wasm/foreign_functions/signature.test.ts: verify_signature, sign.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { Caller, message, Status } from "./fake_call.ts";

const RSA = generateKeyPairSync("rsa", { modulusLength: 2048 });
const EC = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ED = generateKeyPairSync("ed25519");

const spki = (key: KeyObject): Uint8Array => new Uint8Array(key.export({ format: "der", type: "spki" }));
const pkcs8 = (key: KeyObject): Uint8Array => new Uint8Array(key.export({ format: "der", type: "pkcs8" }));
const signed = (hash: string, key: KeyObject): Uint8Array =>
  new Uint8Array(sign(hash, new TextEncoder().encode("text"), key));

const HASHES = ["sha1", "sha224", "sha256", "sha384", "sha512"];

/** `ok`, the error, or the status. */
function verified(fields: Readonly<Record<number, string | Uint8Array>>): string | Status {
  const result = new Caller().call("verify_signature", message(fields));
  if (typeof result === "number") return result;
  if (result.toHex() === "0801") return "ok";
  assert.is(result[0], 0x12);
  return new TextDecoder().decode(result.subarray(2));
}

test("signatures by RSA and curves, with every hash, by keys in DER and PEM", () => {
  for (const { publicKey, privateKey } of [RSA, EC]) {
    const pem = publicKey.export({ format: "pem", type: "spki" }) as string;
    for (const hash of HASHES) {
      const signature = signed(hash, privateKey);
      assert.is(verified({ 1: hash, 2: spki(publicKey), 3: signature, 4: "text" }), "ok", hash);
      assert.is(verified({ 1: hash.toUpperCase(), 3: signature, 4: "text", 5: pem }), "ok", hash);
    }
  }
});

test("what is not signed so is not verified", () => {
  const signature = signed("sha256", EC.privateKey);
  const failed = "Failed to verify digest. Error code: 0";
  const good = { 1: "sha256", 2: spki(EC.publicKey), 3: signature, 4: "text" };
  assert.is(verified(good), "ok");
  assert.is(verified({ ...good, 4: "other" }), failed);
  assert.is(verified({ ...good, 1: "sha1" }), failed);
  assert.is(verified({ ...good, 3: "" }), failed);
  assert.is(verified({ ...good, 2: spki(RSA.publicKey) }), failed);
  assert.is(verified({ ...good, 1: "md5" }), "md5 is not supported.");
  assert.is(verified({ ...good, 1: "" }), " is not supported.");
});

test("keys that are none, or not of the kind that is asked for", () => {
  const signature = signed("sha256", EC.privateKey);
  const bad = "Failed to initialize digest verify.";
  const with2 = (key: Uint8Array): string | Status => verified({ 1: "sha256", 2: key, 3: signature, 4: "text" });
  const with5 = (key: string): string | Status => verified({ 1: "sha256", 3: signature, 4: "text", 5: key });
  assert.is(with2(Uint8Array.of(...spki(EC.publicKey), 1, 2)), "ok");
  for (const key of [Uint8Array.of(1), Uint8Array.of(0x30, 0x89, 1), pkcs8(EC.privateKey), spki(ED.publicKey)]) {
    assert.is(with2(key), bad);
  }
  for (
    const key of [
      "no key",
      EC.privateKey.export({ format: "pem", type: "pkcs8" }) as string,
      RSA.publicKey.export({ format: "pem", type: "pkcs1" }) as string,
    ]
  ) assert.is(with5(key), bad);
});

test("either form of a key, and arguments that are a message", () => {
  const der = spki(EC.publicKey);
  const pem = EC.publicKey.export({ format: "pem", type: "spki" }) as string;
  assert.is(verified({ 1: "sha256", 2: der, 4: "text", 5: pem }), Status.BadArgument);
  assert.is(verified({ 1: "sha256", 4: "text" }), Status.BadArgument);
  for (const name of ["verify_signature", "sign"]) {
    for (const bytes of ["", Uint8Array.of(255, 255), Uint8Array.of(0x0a, 5, 1), Uint8Array.of(0x0a, 1, 255)]) {
      assert.is(new Caller().call(name, bytes), Status.BadArgument);
    }
  }
});

test("what is signed is verified, with every hash", () => {
  for (const { publicKey, privateKey } of [RSA, EC]) {
    const pem = privateKey.export({ format: "pem", type: "pkcs8" }) as string;
    for (const hash of HASHES) {
      for (const key of [{ 2: pkcs8(privateKey) }, { 4: pem }]) {
        const caller = new Caller();
        const result = caller.result("sign", message({ 1: hash, 3: "text", ...key }));
        assert.equal([...result.subarray(0, 3)], [0x08, 1, 0x12]);
        const size = result[3]! < 128 ? 1 : 2;
        const signature = result.subarray(3 + size);
        assert.ok(verify(hash, new TextEncoder().encode("text"), publicKey, signature), hash);
        assert.ok(caller.charged >= 1_000_000);
      }
    }
  }
});

test("private keys that are none", () => {
  const answer = (fields: Readonly<Record<number, string | Uint8Array>>): string | Status => {
    const result = new Caller().call("sign", message({ 3: "text", ...fields }));
    if (typeof result === "number") return result;
    assert.is(result[0], 0x1a);
    return new TextDecoder().decode(result.subarray(2));
  };
  const bad = "Invalid key type: private key required for signing operation.";
  assert.is(answer({ 1: "sha256", 2: spki(RSA.publicKey) }), bad);
  assert.is(answer({ 1: "sha256", 2: Uint8Array.of(1) }), bad);
  assert.is(answer({ 1: "sha256", 2: pkcs8(ED.privateKey) }), bad);
  assert.is(answer({ 1: "sha256", 4: "no key" }), bad);
  assert.is(answer({ 1: "md5", 2: pkcs8(RSA.privateKey) }), "md5 is not supported.");
  assert.is(answer({ 1: "sha256" }), Status.BadArgument);
  const pem = RSA.privateKey.export({ format: "pem", type: "pkcs8" }) as string;
  assert.is(answer({ 1: "sha256", 2: pkcs8(RSA.privateKey), 4: pem }), Status.BadArgument);
});

test.run();
