// test/conformance/component/loading.test.ts: components that are none, or none of ours; jco, there and not there.
import { readFileSync } from "node:fs";
import { componentEmbed, componentNew } from "@bytecodealliance/jco-transpile/wasm-tools";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Diagnostic } from "../../../host/base/diagnostic.ts";
import { SeededRandom } from "../../../host/base/random.ts";
import { ComponentTools } from "../../../host/extensions/common/wasm/component_tools.ts";
import { readComponent } from "../../../host/wasm/component/component_reader.ts";
import { compileModule, type ComponentValidator } from "../../../host/wasm/mod.ts";
import { componentFile, GUESTS } from "../../guests/component/build.ts";
import { TRUSTED } from "./component.ts";

const GUEST = readFileSync(componentFile("rust_http"));
const tools = new ComponentTools();

async function problems(bytes: Uint8Array, validator: ComponentValidator | null = TRUSTED): Promise<Diagnostic[]> {
  const result = await compileModule(bytes, undefined, undefined, validator);
  return "diagnostics" in result ? [...result.diagnostics] : [];
}

/** A component of another world than ours, with a body that traps. */
async function componentOf(witSource: string): Promise<Uint8Array> {
  return await componentNew(await componentEmbed({ witSource, dummy: true, stringEncoding: "utf8" }), []);
}

test("jco finds all guests valid", async () => {
  for (const name of Object.keys(GUESTS)) {
    assert.is(await tools.validate(readFileSync(componentFile(name))), null, name);
  }
});

test("jco says what is not valid, and says it again", async () => {
  const broken = Uint8Array.from(GUEST);
  broken.fill(0xff, 200, 220);
  for (let i = 0; i < 2; i++) {
    const [problem] = await problems(broken, tools);
    assert.is(problem!.code, "wasm/invalid-component");
    assert.match(problem!.message, /^the component is not valid: .*offset/);
  }
});

test("what jco fails on is said to be that", async () => {
  const wit = readFileSync(new URL("../../../abi/wit/filter.wit", import.meta.url), "utf8");
  const options = { witSource: wit, world: "http-filter", dummy: true, stringEncoding: "compact-utf16" } as const;
  const bytes = await componentNew(await componentEmbed(options), []);
  assert.match((await problems(bytes, new ComponentTools()))[0]!.message, "jco failed on it");
  assert.equal(await problems(bytes, TRUSTED), [], "it is a filter all the same");
});

test("without jco the message says what to install", async () => {
  const missing = new ComponentTools(() => Promise.reject(new Error("Cannot find package 'x'")));
  const [problem] = await problems(GUEST, missing);
  assert.is(problem!.code, "wasm/no-component-tools");
  assert.match(problem!.message, "npm install @bytecodealliance/jco-transpile@0.15");
  assert.equal(problem!.notes, ["@bytecodealliance/jco-transpile cannot be loaded: Cannot find package 'x'"]);
});

test("where components are not loaded, and modules still are", async () => {
  assert.is((await problems(GUEST, null))[0]!.code, "wasm/component-not-here");
  assert.equal(await problems(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0), null), []);
});

test("a component of another world", async () => {
  const other = await componentOf("package a:b; interface c { d: func(); } world w { export c; }");
  const [problem] = await problems(other);
  assert.is(problem!.code, "wasm/unknown-world");
  assert.match(problem!.message, "exports a:b/c");
});

test("functions that the host does not have, and functions of other types, all at once", async () => {
  const wit = readFileSync(new URL("../../../abi/wit/filter.wit", import.meta.url), "utf8")
    .replace("now-nanos: func() -> u64;", "now-nanos: func() -> u64; sleep: func(ms: u32);")
    .replace("on-queue: func(queue: u32);", "on-queue: func(queue: u64);");
  const bytes = await componentNew(
    await componentEmbed({ witSource: wit, world: "http-filter", dummy: true, stringEncoding: "utf8" }),
    [],
  );
  const found = await problems(bytes);
  assert.equal(found.map((each) => each.code), ["wasm/missing-import", "wasm/component-type"]);
  assert.match(found[0]!.message, "nuncio:filter/clock@0.1.0.sleep");
  assert.equal(found[1]!.notes, ["it is func(queue:u64)", "expected func(queue:u32)"]);
});

test("components cut or changed anywhere are read or refused, never more", () => {
  for (let end = 8; end < 6000; end += 7) typeofResult(GUEST.subarray(0, end));
  const random = new SeededRandom(7);
  for (let round = 0; round < 3000; round++) {
    const bytes = Uint8Array.from(GUEST.subarray(0, 12_000));
    for (let i = 0; i < 3; i++) bytes[8 + Math.floor(random.fraction() * 4000)] = Math.floor(random.fraction() * 256);
    typeofResult(bytes);
  }
});

test("types inside of one another without end are refused", () => {
  // A type section of one instance type, which has an instance type, which …
  const types = Array.from({ length: 200_000 }, () => [0x42, 1, 1]).flat();
  const size = [0, 7, 14].map((shift, index) => (types.length + 1) >>> shift & 127 | (index < 2 ? 128 : 0));
  const bytes = Uint8Array.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 7, ...size, 1].concat(types));
  assert.is(readComponent(bytes), "it is nested too deeply");
});

function typeofResult(bytes: Uint8Array): void {
  const result = readComponent(bytes);
  assert.ok(typeof result === "string" || Array.isArray(result.modules));
}

test.run();
