// test/host/testing/filter_build/module_check.test.ts: which modules are filters.
import { test } from "uvu";
import * as assert from "uvu/assert";
import wabt from "wabt";
import { checkModule } from "../../../../host/testing/filter_build/module_check.ts";

const { parseWat } = await wabt();

const EXPORTS = `
  (memory (export "memory") 1)
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param i32) (result i32) i32.const 0)
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) i32.const 0)`;

/** The messages for a module in text form. */
function check(wat: string): string[] {
  const { buffer } = parseWat("test.wat", `(module ${wat})`).toBinary({});
  return checkModule(new WebAssembly.Module(buffer as Uint8Array<ArrayBuffer>)).map((problem) => problem.message);
}

test("a module with marker, allocator, memory and a callback is a filter", () => {
  assert.equal(check(EXPORTS), []);
});

test("host functions, WASI and Emscripten's imports are known", () => {
  const imports = `
    (import "env" "proxy_log" (func (param i32 i32 i32) (result i32)))
    (import "env" "emscripten_notify_memory_growth" (func (param i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
    (import "wasi_unstable" "proc_exit" (func (param i32)))`;
  assert.equal(check(imports + EXPORTS), []);
});

test("every unknown import is named, with advice where there is some", () => {
  const imports = `
    (import "env" "proxy_made_up" (func))
    (import "env" "Date.now" (func (result f64)))
    (import "mymodule" "proxy_log" (func))`;
  assert.equal(check(imports + EXPORTS), [
    'the module imports "env.proxy_made_up", which proxies do not have',
    'the module imports "env.Date.now", which proxies do not have',
    'the module imports "mymodule.proxy_log", which proxies do not have',
  ]);
  const { buffer } = parseWat("test.wat", `(module ${imports}${EXPORTS})`).toBinary({});
  const help = checkModule(new WebAssembly.Module(buffer as Uint8Array<ArrayBuffer>)).map((problem) => problem.help);
  assert.equal(help, [[], ['use `nowMillis()` of "nuncio/sdk"'], []]);
});

test("a module without the SDK's entry exports is told which line is missing", () => {
  assert.equal(check('(memory (export "memory") 1)'), [
    "the module exports no ABI version such as proxy_abi_version_0_2_1",
  ]);
  assert.equal(check('(memory (export "memory") 1) (func (export "proxy_abi_version_0_2_0"))'), [
    "the module exports no allocator: proxy_on_memory_allocate or malloc",
  ]);
  const noCallback = EXPORTS.replace("proxy_on_request_headers", "on_request_headers");
  assert.equal(check(noCallback), ["the module exports no callback: a host has nothing to call"]);
});

test("a module must export its memory", () => {
  assert.equal(check(EXPORTS.replace('(export "memory")', "")), ["the module exports no memory"]);
});

test.run();
