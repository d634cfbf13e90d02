// test/host/wasm/module.test.ts: reading modules and name sections, whole and broken.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { SeededRandom } from "../../../host/base/random.ts";
import { GuestMemory } from "../../../host/wasm/memory.ts";
import { functionAt, type ModuleInfo, readFunctionNames, readModule } from "../../../host/wasm/module.ts";
import { guestFrames } from "../../../host/wasm/trace.ts";
import { assemble, compile, guestText, i32, note, s } from "./guest.ts";

const TEXT = `(module
  (type $f (func (param i32 f32) (result i64)))
  (import "env" "a" (func $a (type $f)))
  (import "env" "t" (table 1 5 funcref))
  (import "env" "m" (memory 3))
  (import "env" "g" (global (mut i64)))
  (import "env" "b" (func $b (param funcref externref)))
  (func $own (export "own") (type $f) (i64.const 1))
  (func $start)
  (func (export "again") (param i64))
  (start $start)
  (export "global" (global 0)))`;

function read(bytes: Uint8Array): ModuleInfo {
  const info = readModule(bytes);
  if (typeof info === "string") throw new Error(info);
  return info;
}

test("imports, exports, memories, start", () => {
  const info = read(assemble(TEXT));
  const f = { params: ["i32", "f32"], results: ["i64"] };
  const limits = (min: number, max: number | null): unknown => ({ min, max, shared: false, is64: false });
  assert.equal(info.imports, [
    { module: "env", name: "a", kind: "func", type: f, limits: null },
    { module: "env", name: "t", kind: "table", type: null, limits: limits(1, 5) },
    { module: "env", name: "m", kind: "memory", type: null, limits: limits(3, null) },
    { module: "env", name: "g", kind: "global", type: null, limits: null },
    { module: "env", name: "b", kind: "func", type: { params: ["ref", "ref"], results: [] }, limits: null },
  ]);
  assert.equal(info.exports, [
    { name: "own", kind: "func", index: 2, type: f },
    { name: "again", kind: "func", index: 4, type: { params: ["i64"], results: [] } },
    { name: "global", kind: "global", index: 0, type: null },
  ]);
  assert.equal(info.memories, [limits(3, null)]);
  assert.is(info.hasStart, true);
  assert.equal(info.customSections, ["name"]);
  assert.is(info.importedFunctionCount, 2);
  assert.is(info.functionEnds.length, 3);
});

test("function types in groups, subtypes, structs and arrays of later proposals", () => {
  // rec { struct {i8 mut, ref null 0}, array i32, sub final func () → i32 }, then a plain func type.
  const types = [
    0x02,
    0x4e,
    3,
    0x5f,
    2,
    0x78,
    1,
    0x63,
    0,
    0,
    0x5e,
    0x7f,
    0,
    0x4f,
    0,
    0x60,
    0,
    1,
    0x7f,
    0x60,
    1,
    0x7e,
    0,
  ];
  const imports = [0x01, 1, 101, 1, 102, 0, 3];
  const module = [0, 97, 115, 109, 1, 0, 0, 0, 1, types.length, ...types, 2, imports.length, ...imports];
  assert.equal(read(Uint8Array.from(module)).imports[0]!.type, { params: ["i64"], results: [] });
});

test("names of functions", async () => {
  const module = await compile(TEXT);
  const section = WebAssembly.Module.customSections(module.code, "name")[0]!;
  const names = readFunctionNames(new Uint8Array(section));
  assert.is(names.get(0), "a");
  assert.is(names.get(2), "own");
  assert.is(readFunctionNames(Uint8Array.of(1, 0xff, 0xff, 0xff, 0xff, 0x0f, 9)).size, 0);
});

test("which function a byte is in", () => {
  const info = read(assemble(TEXT));
  const [first, second] = info.functionEnds;
  assert.equal([first! - 1, first!, second! - 1, second!, 0, 1e9].map((offset) => functionAt(info, offset)), [
    2,
    3,
    3,
    4,
    2,
    4,
  ]);
});

test("frames of a stack, Rust names made readable", async () => {
  const module = await compile(`(module (func $_ZN4core9panicking5panic17h0123456789abcdefE unreachable)
    (func $plain (call 0)) (func (export "go") (call 1)))`);
  const instance = new WebAssembly.Instance(module.code);
  let stack = "";
  try {
    (instance.exports["go"] as () => void)();
  } catch (error) {
    stack = (error as Error).stack!;
  }
  assert.equal(guestFrames(stack, module).map((frame) => [frame.name, frame.functionIndex]), [
    ["core::panicking::panic", 0],
    ["plain", 1],
    ["go", 2],
  ]);
  assert.equal(guestFrames("Error: x\n    at f (file:///a.ts:1:2)", module), []);
});

test("ten thousand broken modules never hang nor throw", () => {
  const good = assemble(guestText({ callbacks: { proxy_on_tick: note("proxy_log", i32(2), s("x")) } }));
  const random = new SeededRandom(5);
  let unreadable = 0;
  for (let i = 0; i < 10_000; i++) {
    const mutant = good.slice(0, random.fraction() < 0.3 ? random.uint32() % good.length : good.length);
    for (let n = random.uint32() % 4; n >= 0 && mutant.length > 8; n--) {
      mutant[8 + random.uint32() % (mutant.length - 8)] = random.uint32();
    }
    if (typeof readModule(mutant) === "string") unreadable++;
  }
  assert.ok(unreadable > 1000, String(unreadable));
});

test("memory: bounds, halves, growth, names", () => {
  const guestMemory = new GuestMemory();
  assert.is(guestMemory.has(0, 0), true);
  assert.is(guestMemory.has(0, 1), false);
  assert.is(guestMemory.setU32(0, 1), false);
  const memory = new WebAssembly.Memory({ initial: 1 });
  guestMemory.bind(memory);
  assert.equal(
    [[65536, 0], [65535, 1], [65535, 2], [0xffffffff, 1]].map(([ptr, size]) => guestMemory.has(ptr!, size!)),
    [true, true, false, false],
  );
  assert.is(guestMemory.setU64(65528, 1, 2), true);
  assert.is(guestMemory.setU64(65529, 1, 2), false);
  memory.grow(1);
  assert.is(guestMemory.getU32(65532), 2);
  assert.is(guestMemory.has(65537, 1), true);
  assert.is(guestMemory.byteLength, 131072);
  const put = (text: string): number => {
    guestMemory.setLatin1(0, text);
    return text.length;
  };
  for (
    const [text, name] of [
      ["X-Ab", "x-ab"],
      [":Path", ":path"],
      ["A-Rather-Long-Name", "a-rather-long-name"],
      ["lower-case-already", "lower-case-already"],
      ["", null],
      [":", null],
      ["a:b", null],
      ["a rather long one", null],
      ["\xe9", null],
      ["::x", null],
    ] as const
  ) {
    assert.is(guestMemory.headerName(0, put(text)), name, JSON.stringify(text));
  }
  assert.is(guestMemory.headerValue(0, put("a\tb\xff")), "a\tb\xff");
  assert.is(guestMemory.headerValue(0, put("a\r\nb\0c and more")), "a  b c and more");
  assert.is(guestMemory.utf8(0, put("\xc3\xa9\xff")), "é\ufffd");
});

test.run();
