// test/host/wasm/meter.test.ts: rewritten modules compute the same, pay for it, and stay within their limits.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { SeededRandom } from "../../../host/base/random.ts";
import { DEFAULT_METER, meterModule, type MeterOptions, originalOffset } from "../../../host/wasm/meter.ts";
import { functionAt, type ModuleInfo, type ModuleMeter, readModule } from "../../../host/wasm/module.ts";
import { assemble } from "./guest.ts";

interface Metered {
  readonly exports: Record<string, (...args: number[]) => number>;
  readonly fuel: { value: number };
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly meter: ModuleMeter;
}

function rewrite(bytes: Uint8Array, options: Partial<MeterOptions> = {}): Omit<Metered, "exports" | "fuel"> {
  const metered = meterModule(bytes, { ...DEFAULT_METER, ...options });
  if (typeof metered === "string") throw new Error(metered);
  return metered;
}

function instantiate(
  bytes: Uint8Array,
  imports: WebAssembly.Imports = {},
  options: Partial<MeterOptions> = {},
): Metered {
  const metered = rewrite(bytes, options);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(metered.bytes), imports);
  return {
    ...metered,
    exports: exports as unknown as Metered["exports"],
    fuel: exports[metered.meter.fuelExport] as unknown as { value: number },
  };
}

/** What calling the only export costs, and what it gives. */
function costOf(text: string, args: readonly number[] = [], imports: WebAssembly.Imports = {}): [number, number] {
  const { exports, fuel } = instantiate(assemble(text), imports);
  fuel.value = 1_000_000;
  const result = exports["f"]!(...args);
  return [1_000_000 - fuel.value, result];
}

const COUNT = `(module (func (export "f") (param $n i32) (result i32) (local $i i32)
  (loop $l (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $l (i32.lt_u (local.get $i) (local.get $n))))
  (local.get $i)))`;

test("functions and turns of loops cost one", () => {
  assert.equal(costOf(COUNT, [1000]), [1001, 1000]);
});

test("a long body costs one for each 64 instructions", () => {
  const text = `(module (func (export "f") (result i32) ${"(drop (i32.const 1))".repeat(640)} (i32.const 7)))`;
  assert.equal(costOf(text), [1 + Math.floor(1282 / 64), 7]);
});

test("ranges of memory cost one for each 64 bytes", () => {
  const fill = `(module (memory 4) (func (export "f") (param i32) (result i32)
    (memory.fill (i32.const 0) (i32.const 1) (local.get 0))
    (memory.copy (i32.const 0) (i32.const 64) (local.get 0))
    (i32.load8_u (i32.const 99))))`;
  assert.equal(costOf(fill, [6400]), [1 + 100 + 100, 1]);
});

test("new memory costs 16 a page, and no more than the limit is given", () => {
  const grow = '(module (memory 1) (func (export "f") (param i32) (result i32) (memory.grow (local.get 0))))';
  assert.equal(costOf(grow, [10]), [1 + 160, 1]);
  const { exports } = instantiate(assemble(grow), {}, { maxMemoryPages: 8 });
  assert.is(exports["f"]!(7), 1);
  assert.is(exports["f"]!(1), -1);
});

test("calls of host functions cost 63", () => {
  const text = `(module (import "e" "h" (func $h (result i32))) (func (export "f") (result i32) (call $h)))`;
  assert.equal(costOf(text, [], { e: { h: () => 5 } }), [64, 5]);
});

test("a module tells whether host functions can be called through a table", () => {
  const module = (rest: string): string =>
    `(module (import "e" "h" (func $h)) (func $own) (table 2 funcref) ${rest} (func (export "f")))`;
  const indirect = (rest: string): boolean => rewrite(assemble(module(rest))).meter.hasIndirectImports;
  assert.is(indirect("(elem (i32.const 0) $own)"), false);
  assert.is(indirect("(elem (i32.const 0) $own $h)"), true);
  assert.is(indirect("(elem declare func $h)"), true);
  assert.is(indirect("(elem funcref (ref.func $own) (ref.null func))"), false);
  assert.is(indirect("(elem funcref (ref.null func) (ref.func $h))"), true);
  assert.is(indirect("(elem (table 0) (i32.const 1) funcref (ref.func $h))"), true);
});

test("a module tells whether it catches exceptions", () => {
  const catches = (body: string): boolean => rewrite(assemble(`(module (func (export "f") ${body}))`)).meter.catches;
  assert.is(catches("(block)"), false);
  assert.is(catches("(try (do) (catch_all))"), true);
});

test("what never ends traps", () => {
  const bodies: Record<string, string> = {
    loop: "(loop $l (br $l))",
    br_table: "(loop $l (br_table $l $l (i32.const 0)))",
    recursion: "(call $f)",
    fill: "(loop $l (memory.fill (i32.const 0) (i32.const 0) (i32.const 65536)) (br $l))",
    grow: "(loop $l (drop (memory.grow (i32.const 0))) (br $l))",
  };
  for (const [name, body] of Object.entries(bodies)) {
    const { exports, fuel } = instantiate(assemble(`(module (memory 1) (func $f (export "f") ${body}))`));
    fuel.value = 5000;
    assert.throws(() => exports["f"]!(), (error: unknown) => error instanceof WebAssembly.RuntimeError, name);
    assert.ok(fuel.value < 0, name);
  }
});

test("a start function that never ends traps when the instance is made", () => {
  const { bytes } = rewrite(assemble("(module (func $s (loop $l (br $l))) (start $s))"), { startBudget: 1000 });
  assert.throws(() => new WebAssembly.Instance(new WebAssembly.Module(bytes)), /unreachable/);
});

test("newer instructions compute the same", () => {
  const text = `(module
    (memory 1)
    (tag $t (param i32))
    (table $t 4 funcref)
    (type $ii (func (param i32) (result i32)))
    (elem (i32.const 0) $double $half)
    (func $double (type $ii) (i32.mul (local.get 0) (i32.const 2)))
    (func $half (type $ii) (i32.shr_u (local.get 0) (i32.const 1)))
    (func $two (param i32) (result i32 i32) (local.get 0) (i32.const 3))
    (func $tail (param i32 i32) (result i32)
      (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
      (return_call $tail (i32.sub (local.get 0) (i32.const 1)) (i32.add (local.get 1) (i32.const 2))))
    (func $catch (param i32) (result i32)
      (try (result i32) (do (throw $t (local.get 0))) (catch $t)))
    (func $vector (param i32) (result i32)
      (i32x4.extract_lane 1 (i32x4.add (i32x4.splat (local.get 0)) (v128.const i32x4 1 2 3 4))))
    (func (export "f") (param i32) (result i32)
      (call_indirect (type $ii) (call $tail (i32.const 10) (local.get 0)) (i32.const 0))
      (call $two (local.get 0)) (i32.add) (i32.add)
      (i32.add (call $catch (local.get 0)))
      (i32.add (call $vector (local.get 0)))
      (i32.add (i32.trunc_sat_f64_s (f64.const 1e300)))
      (i32.add (select (result i32) (i32.const 1) (i32.const 2) (local.get 0)))
      (i32.add (ref.is_null (table.get $t (i32.const 3))))
      (i32.add (block (result i32) (memory.size))))
  )`;
  const bytes = assemble(text);
  const plain = new WebAssembly.Instance(new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>)).exports;
  const { exports } = instantiate(bytes);
  for (const value of [0, 1, 77, -5]) {
    assert.is(exports["f"]!(value), (plain["f"] as (value: number) => number)(value), String(value));
  }
});

test("names, exports and globals keep their indexes; the added export does not clash", () => {
  const bytes = assemble(`(module (global $g (mut i32) (i32.const 4)) (global (export "nuncio_fuel") i32 (i32.const 9))
    (func $named (export "f") (result i32) (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g)))`);
  const { exports, meter, bytes: after } = instantiate(bytes);
  assert.is(exports["f"]!(), 5);
  assert.is(meter.fuelExport, "nuncio_fuel_");
  const before = readModule(bytes) as ModuleInfo;
  const info = readModule(after) as ModuleInfo;
  assert.equal(info.exports.slice(0, -1), before.exports);
  assert.equal(info.customSections, ["name"]);
});

test("a module without globals, exports or code gets what it lacks", () => {
  const { fuel } = instantiate(assemble("(module (memory 1))"));
  assert.is(fuel.value, DEFAULT_METER.startBudget);
  instantiate(assemble('(module (memory 1) (data (i32.const 0) "x"))'));
  instantiate(assemble("(module (func $s) (start $s))"));
});

test("tables are kept below the limit", () => {
  const grow = `(module (table $t 1 funcref) (func (export "f") (param i32) (result i32)
    (table.grow $t (ref.null func) (local.get 0))))`;
  const { exports } = instantiate(assemble(grow), {}, { maxTableElements: 100 });
  assert.is(exports["f"]!(99), 1);
  assert.is(exports["f"]!(1), -1);
});

test("what cannot be kept within limits is refused by name", () => {
  const refusal = (bytes: Uint8Array, options: Partial<MeterOptions> = {}): unknown =>
    meterModule(bytes, { ...DEFAULT_METER, ...options });
  assert.match(String(refusal(assemble("(module (memory 9))"), { maxMemoryPages: 8 })), "begins with 9, at most 8");
  assert.match(
    String(refusal(assemble("(module (table 9 funcref))"), { maxTableElements: 8 })),
    "begins with 9, at most 8",
  );
  const shared = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 4, 1, 3, 1, 2);
  assert.match(String(refusal(shared)), "shared");
  const wide = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 3, 1, 4, 1);
  assert.match(String(refusal(wide)), "64-bit");
  // (func (drop (struct.new 0))) with an empty struct type.
  const types = [1, 6, 2, 0x5f, 0, 0x60, 0, 0];
  const code = [10, 8, 1, 6, 0, 0xfb, 0, 0, 0x1a, 0x0b];
  const gc = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...types, ...[3, 2, 1, 1], ...code);
  assert.is(WebAssembly.validate(gc), true);
  assert.match(String(refusal(gc)), "garbage collection");
});

test("places in the rewritten code lead back to the original", () => {
  const text = `(module (import "e" "h" (func $h)) (memory 1)
    (func $a (export "a") (local i64) (loop (call $h)) (memory.fill (i32.const 0) (i32.const 0) (i32.const 1)) (unreachable))
    (func $b (export "b") ${"(drop (i32.const 1))".repeat(100)} (unreachable)))`;
  const bytes = assemble(text);
  const trapAt = (module: Uint8Array, name: string): number => {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(module as Uint8Array<ArrayBuffer>), {
      e: { h() {} },
    });
    try {
      (instance.exports[name] as () => void)();
    } catch (error) {
      return parseInt(/wasm-function\[\d+\]:0x([0-9a-f]+)/.exec((error as Error).stack!)![1]!, 16);
    }
    throw new Error("no trap");
  };
  const { bytes: after, meter } = rewrite(bytes);
  for (const name of ["a", "b"]) {
    assert.is(originalOffset(meter, trapAt(after, name)), trapAt(bytes, name), name);
    const info = readModule(after) as ModuleInfo;
    assert.is(functionAt(info, trapAt(after, name)), name === "a" ? 1 : 2);
  }
});

test("broken modules never make it throw or give something invalid", () => {
  const random = new SeededRandom(3);
  const seeds = [
    COUNT,
    `(module (import "e" "h" (func)) (memory 1 9) (table 3 funcref) (global i32 (i32.const 1))
    (elem (i32.const 0) 1 1) (data (i32.const 3) "abc") (func (export "f") (param i32) (result i32)
    (block $b (loop $l (br_table $b $l $b (local.get 0)))) (call 0) (memory.grow (i32.const 1))))`,
  ].map(assemble);
  let valid = 0;
  for (let round = 0; round < 6000; round++) {
    const bytes = seeds[round % seeds.length]!.slice();
    for (let i = 1 + (random.uint32() % 3); i > 0; i--) {
      bytes[8 + (random.uint32() % (bytes.length - 8))] = random.uint32() & 0xff;
    }
    if (!WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>)) continue;
    valid++;
    const metered = meterModule(bytes, DEFAULT_METER);
    if (typeof metered !== "string") assert.ok(WebAssembly.validate(metered.bytes), String(bytes));
  }
  assert.ok(valid > 300, String(valid));
});

test.run();
