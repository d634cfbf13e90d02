// test/host/server/wasm_code/signature.test.ts: signed modules in both formats, and what is none.
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parsePublicKeys, type PublicKey } from "../../../../host/server/wasm_code/public_keys.ts";
import { checkSignature } from "../../../../host/server/wasm_code/signature.ts";
import { CodeWorld, concat, MODULE, utf8 } from "./support.ts";

interface Signer {
  readonly secret: KeyObject;
  readonly pem: string;
  readonly der: Uint8Array;
  readonly key: PublicKey;
}

function signer(): Signer {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const der = Uint8Array.from(publicKey.export({ type: "spki", format: "der" }));
  const pem = publicKey.export({ type: "spki", format: "pem" }) as string;
  return { secret: privateKey, pem, der, key: der.slice(-32) };
}

const ALICE = signer();
const BOB = signer();

function digest(algorithm: string, bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(createHash(algorithm).update(bytes).digest());
}

function signed(message: Uint8Array, by: Signer): Uint8Array {
  return Uint8Array.from(sign(null, message, by.secret));
}

function leb(value: number): number[] {
  return value < 128 ? [value] : [value & 127 | 128, ...leb(value >>> 7)];
}

function section(name: string, payload: Uint8Array): Uint8Array {
  const content = concat(Uint8Array.of(name.length), utf8(name), payload);
  return concat(Uint8Array.of(0, ...leb(content.length)), content);
}

/** As proxy-wasm-cpp-host checks it. */
function signTrailing(module: Uint8Array, by: Signer, algorithm = 2): Uint8Array {
  const message = digest("sha512", concat(utf8("WasmSignature"), new Uint8Array(4), module));
  return concat(module, section("signature", concat(Uint8Array.of(algorithm, 0, 0, 0), signed(message, by))));
}

function sized(bytes: Uint8Array): Uint8Array {
  return concat(Uint8Array.from(leb(bytes.length)), bytes);
}

/** As `wasmsign2 sign` writes it; `cuts` are where parts end, relative to what follows the signature. */
function signLeading(
  module: Uint8Array,
  by: readonly Signer[],
  { cuts = [module.length - 8], head = [1, 1, 1], keyId = "" }: { cuts?: number[]; head?: number[]; keyId?: string } =
    {},
): Uint8Array {
  const rest = module.subarray(8);
  const hashes = cuts.map((cut) => digest("sha256", rest.subarray(0, cut)));
  const message = concat(utf8("wasmsig"), Uint8Array.of(1, 1, 1), ...hashes);
  const signatures = by.map((each) =>
    sized(concat(sized(utf8(keyId)), Uint8Array.of(1), sized(signed(message, each))))
  );
  const set = concat(
    Uint8Array.of(hashes.length),
    ...hashes,
    Uint8Array.from(leb(signatures.length)),
    ...signatures,
  );
  return concat(module.subarray(0, 8), section("signature", concat(Uint8Array.from([...head, 1]), sized(set))), rest);
}

async function refusal(module: Uint8Array, ...keys: readonly Signer[]): Promise<string> {
  const check = await checkSignature(module, keys.map((each) => each.key));
  return check.ok ? "ok" : check.message;
}

const FORMATS = [
  ["last section", (module: Uint8Array, by: Signer) => signTrailing(module, by)],
  ["first section", (module: Uint8Array, by: Signer) => signLeading(module, [by])],
] as const;

for (const [name, signIt] of FORMATS) {
  test(`${name}: signed by one of the keys`, async () => {
    const module = signIt(MODULE, ALICE);
    const check = await checkSignature(module, [BOB.key, ALICE.key]);
    assert.ok(check.ok);
    assert.is(check.ok && check.signedBy, [...ALICE.key].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
  });

  test(`${name}: by another key, or changed`, async () => {
    const module = signIt(MODULE, ALICE);
    assert.match(await refusal(module, BOB), "by none of the keys");
    for (let i = 8; i < module.length; i++) {
      const changed = module.slice();
      changed[i]! ^= 1;
      assert.is.not(await refusal(changed, ALICE), "ok", `byte ${i}`);
    }
    assert.is.not(await refusal(concat(module, section("more", utf8("x"))), ALICE), "ok");
  });
}

/** What wasmsign2 0.2.8 made of `MODULE`, and the key that it made before. */
const BY_WASMSIGN2 = {
  key: "01e9f6aeaab71ea775470dae234bff9353f2b6de433a0cd29c612f0ce87eb43049",
  module:
    "AGFzbQEAAAAAgQEJc2lnbmF0dXJlAQEBAXIBTZl8Jauk47UAwY0jVZeQyrsU6UaX1TbKigplzlnQfUEBTwwJMHoxm7rsv8Gqa5ABQEQD5jIDrcOx0c4GZekfx7OWFVqgKzgTKct3l7LE14d6yPByQvfGISDDWGPRZ7ghu8sd+8UP/M3GOUOXkJRe1Q0AAwF4Bw==",
};

test("a module that wasmsign2 signed", async () => {
  const keys = parsePublicKeys(utf8(BY_WASMSIGN2.key));
  assert.ok(keys.ok);
  const module = Uint8Array.from(atob(BY_WASMSIGN2.module), (char) => char.charCodeAt(0));
  assert.equal([...module.subarray(-5)], [...MODULE.subarray(-5)]);
  const check = await checkSignature(module, keys.ok ? keys.keys : []);
  assert.equal(check, { ok: true, signedBy: BY_WASMSIGN2.key.slice(2) });
});

test("several signatures, and names of keys", async () => {
  const module = signLeading(MODULE, [BOB, ALICE], { keyId: "first" });
  assert.is(await refusal(module, ALICE), "ok");
  assert.is(await refusal(module, BOB), "ok");
  assert.match(await refusal(module, signer()), "by none of the keys");
});

test("a module that was cut behind a signed part is none", async () => {
  const delimited = concat(MODULE, section("signature_delimiter", new Uint8Array(16)), section("rest", utf8("x")));
  const cut = delimited.length - section("rest", utf8("x")).length;
  const module = signLeading(delimited, [ALICE], { cuts: [cut - 8, delimited.length - 8] });
  assert.is(await refusal(module, ALICE), "ok");
  const shortened = module.slice(0, module.length - section("rest", utf8("x")).length);
  assert.match(await refusal(shortened, ALICE), "another module, or of a part of it");
  // Signed in part only.
  assert.match(await refusal(signLeading(delimited, [ALICE], { cuts: [cut - 8] }), ALICE), "or of a part of it");
});

test("no signature, two of them, one in the middle, one of another kind", async () => {
  assert.match(await refusal(MODULE, ALICE), "not signed: there is no custom section named signature");
  assert.match(await refusal(utf8("hello"), ALICE), "not a WebAssembly module");
  assert.match(await refusal(signTrailing(signTrailing(MODULE, BOB), ALICE), ALICE), "more than one");
  const trailing = signTrailing(MODULE, ALICE);
  assert.match(await refusal(concat(trailing, section("x", utf8("y"))), ALICE), "neither in the first section");
  assert.match(await refusal(signTrailing(MODULE, ALICE, 1), ALICE), "algorithm 1: expected 2, Ed25519");
  assert.match(await refusal(signLeading(MODULE, [ALICE], { head: [1, 1, 2] }), ALICE), "hash 2: expected 1, 1, 1");
  assert.match(await refusal(MODULE.subarray(0, 11), ALICE), "goes beyond the module");
});

test("whatever is cut off, it is not signed any more", async () => {
  for (const module of [signTrailing(MODULE, ALICE), signLeading(MODULE, [ALICE, BOB])]) {
    for (let end = 0; end < module.length; end++) {
      assert.is.not(await refusal(module.subarray(0, end), ALICE), "ok", `${end} of ${module.length} bytes`);
    }
  }
});

test("payloads that say more than there is", async () => {
  const payload = (...bytes: number[]) =>
    concat(MODULE.subarray(0, 8), section("signature", Uint8Array.from(bytes)), MODULE.subarray(8));
  for (const bytes of [[1, 1, 1], [1, 1, 1, 1, 200, 1], [1, 1, 1, 1, 2, 5, 5], [1, 1, 1, 1, 255, 255, 255, 255, 127]]) {
    assert.match(await refusal(payload(...bytes), ALICE), "cannot be read", bytes.join());
  }
  assert.match(await refusal(payload(1, 1, 1, 100), ALICE), "100 sets of hashes");
  assert.match(await refusal(payload(1, 1, 1, 1, 3, 0, 200, 100), ALICE), "12872 signatures");
  assert.match(await refusal(payload(1, 1, 1, 0), ALICE), "another module");
});

test("with keys every source is checked; without keys none", async () => {
  const inline = (bytes: Uint8Array) => ({ kind: "inline", bytes }) as const;
  const strict = new CodeWorld({
    settings: { publicKeys: [ALICE.key] },
    files: { "/good.wasm": signTrailing(MODULE, ALICE), "/bad.wasm": signTrailing(MODULE, BOB) },
  });
  const good = await strict.load({ kind: "file", path: "/good.wasm" });
  assert.ok(good.ok && good.code.signedBy !== null);
  assert.match(
    await strict.failure({ kind: "file", path: "/bad.wasm" }),
    "/bad.wasm is refused: its signature is by none",
  );
  assert.match(await strict.failure(inline(MODULE)), "inline code is refused: it is not signed");
  const open = await new CodeWorld().load(inline(MODULE));
  assert.ok(open.ok && open.code.signedBy === null);
});

test("key files", () => {
  const keysOf = (file: Uint8Array | string) => {
    const parsed = parsePublicKeys(typeof file === "string" ? utf8(file) : file);
    return parsed.ok ? parsed.keys.map((key) => [...key]) : parsed.message;
  };
  const alice = [...ALICE.key];
  const bob = [...BOB.key];
  const hexadecimals = (key: number[]) => key.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  assert.equal(keysOf(ALICE.pem), [alice]);
  assert.equal(keysOf(`alice\n${ALICE.pem}\r\n${BOB.pem}`), [alice, bob]);
  assert.equal(keysOf(ALICE.der), [alice]);
  assert.equal(keysOf(ALICE.key), [alice]);
  assert.equal(keysOf(concat(Uint8Array.of(1), ALICE.key)), [alice]);
  assert.equal(keysOf(`# alice\n${hexadecimals(alice).toUpperCase()}\n\n01${hexadecimals(bob)}\n`), [alice, bob]);
  assert.match(keysOf("") as string, "no key");
  assert.match(keysOf("ssh-ed25519 AAAA") as string, "64 hexadecimals");
  assert.match(keysOf(ALICE.pem.replaceAll("PUBLIC", "PRIVATE")) as string, "is a PRIVATE KEY");
  const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ type: "spki", format: "pem" });
  assert.match(keysOf(rsa as string) as string, "not an Ed25519 key");
});

test.run();
