// test/host/wasm/capabilities.test.ts: every function that can be refused is refused alone.
/**
 * One guest imports and exports everything. For each name it runs with all capabilities but that one: the guest
 * calls that function, which refuses, and one that is allowed, which answers.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CALLBACKS, HOSTCALLS, valueTypeOf, WASI_FUNCTIONS } from "../../../abi/mod.ts";
import { bindCallbacks, type Callbacks } from "../../../host/wasm/callbacks.ts";
import { compile, GET, guestText, Host } from "./guest.ts";
import type { WasmModule } from "../../../host/wasm/mod.ts";

interface Import {
  readonly name: string;
  readonly module: string;
  readonly params: readonly string[];
  readonly results: readonly string[];
  readonly refusal: number;
}

const INTERNAL_FAILURE = 10;
const NOT_CAPABLE = 76;

const IMPORTS: readonly Import[] = [
  ...HOSTCALLS.map((row) => ({
    name: row.name,
    module: "env",
    params: row.params.map((param) => valueTypeOf(param.kind)),
    results: ["i32"],
    refusal: INTERNAL_FAILURE,
  })),
  ...WASI_FUNCTIONS.map((row) => ({
    name: row.name,
    module: "wasi_snapshot_preview1",
    params: row.params,
    results: row.results,
    refusal: NOT_CAPABLE,
  })),
];
const CALLBACK_NAMES = CALLBACKS.map((row) => row.name);
const ALL = [...IMPORTS.map((each) => each.name), ...CALLBACK_NAMES];

/** Calls `row` with zeros, and `proxy_log` after it. */
async function caller(row: Import): Promise<WasmModule> {
  const type = `(param ${row.params.join(" ")}) ${row.results.length === 0 ? "" : `(result ${row.results.join(" ")})`}`;
  const other = row.name === "proxy_get_current_time_nanoseconds" ? "proxy_log" : "proxy_get_current_time_nanoseconds";
  const otherParams = other === "proxy_log" ? "i32 i32 i32" : "i32";
  const otherArguments = other === "proxy_log" ? "(i32.const 0) (i32.const 0) (i32.const 0)" : "(i32.const 512)";
  const call = `(call $refused ${row.params.map((param) => `(${param}.const 0)`).join(" ")})`;
  const text = guestText({
    callbacks: {
      proxy_on_request_headers: `
        ${row.results.length === 0 ? `${call} (call $note (i32.const ${row.refusal}))` : `(call $note ${call})`}
        (call $note (call $other ${otherArguments}))
        (i32.const 0)`,
    },
  }).replace(
    "(module",
    `(module
    (import "${row.module}" "${row.name}" (func $refused ${type}))
    (import "env" "${other}" (func $other (param ${otherParams}) (result i32)))`,
  );
  return await compile(text);
}

for (const row of IMPORTS) {
  test(`without ${row.name}`, async () => {
    const host = new Host(await caller(row), { allowedCapabilities: ALL.filter((name) => name !== row.name) });
    host.request(GET);
    assert.equal(host.notes(), [row.refusal, 0]);
    assert.equal(host.env.texts(4), [`Attempted call to restricted proxy-wasm capability: ${row.name}`]);
    assert.is(host.plugin.root.vm.failure, null);
  });
}

test("without each of the callbacks, and nothing else is missing", () => {
  const exports: Record<string, () => number> = Object.fromEntries(CALLBACK_NAMES.map((name) => [name, () => 1]));
  const bound = (allowed: readonly string[] | null): (keyof Callbacks)[] =>
    Object.entries(bindCallbacks(exports, allowed === null ? null : new Set(allowed)))
      .filter(([, fn]) => fn !== null).map(([name]) => name as keyof Callbacks);
  const all = bound(null);
  assert.ok(all.length > 20);
  for (const name of all) {
    assert.equal(bound(CALLBACK_NAMES.filter((each) => each !== name)), all.filter((each) => each !== name));
  }
  assert.equal(bound([]), []);
});

test.run();
