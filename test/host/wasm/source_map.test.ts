// test/host/wasm/source_map.test.ts: source maps: found, decoded, refused, and what traps show of them.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compileModule, type ReadBeside, type WasmModule, withSourceMap } from "../../../host/wasm/mod.ts";
import { decodeSourceMap, originalPosition, sourceMapUrl } from "../../../host/wasm/source_map.ts";
import { assemble, guestText, Host } from "./guest.ts";

/** A segment of numbers, as source maps write it. */
function vlq(...numbers: number[]): string {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return numbers.map((number) => {
    let rest = number < 0 ? -number * 2 + 1 : number * 2;
    let text = "";
    do {
      const more = rest >= 32 ? 32 : 0;
      text += digits[rest % 32 + more];
      rest = Math.floor(rest / 32);
    } while (rest > 0);
    return text;
  }).join("");
}

function mapText(mappings: string, sources: unknown = ["a.ts", "lib/b.ts"], version = 3): string {
  return JSON.stringify({ version, sourceRoot: "./made_up", sources, names: ["n"], mappings });
}

test("mappings: deltas, signs, names, places without a source", () => {
  const mappings = [vlq(10, 0, 4, 2), vlq(5, 1, -3, 1000, 0), vlq(5), vlq(100, 0, 100_000, -1002)].join(",");
  for (const before of ["", ")]}' do not run\n"]) {
    const map = decodeSourceMap(before + mapText(mappings));
    if (typeof map === "string") throw new Error(map);
    assert.is(originalPosition(map, 9, 0), null);
    assert.equal(originalPosition(map, 10, 0), { source: "a.ts", line: 5, column: 3 });
    assert.equal(originalPosition(map, 14, 0), { source: "a.ts", line: 5, column: 3 });
    assert.is(originalPosition(map, 14, 11), null, "what was before the function says nothing");
    assert.equal(originalPosition(map, 15, 11), { source: "lib/b.ts", line: 2, column: 1003 });
    assert.is(originalPosition(map, 21, 0), null);
    assert.equal(originalPosition(map, 4_000_000_000, 0), { source: "lib/b.ts", line: 100_002, column: 1 });
  }
  assert.is.not(typeof decodeSourceMap(mapText("")), "string");
});

test("maps that are not used, and why", () => {
  const cases: [string, RegExp][] = [
    ["", /not JSON/],
    ["null", /version 3/],
    ["[1]", /version 3/],
    [mapText(vlq(0), ["a"], 2), /version 3/],
    [mapText(vlq(0), "a"), /no sources/],
    [JSON.stringify({ version: 3, sources: [] }), /no mappings/],
    [mapText(vlq(0, 0, 0, 0), []), /source that is not there/],
    [mapText(vlq(0, 2, 0, 0)), /source that is not there/],
    [mapText(vlq(0, -1, 0, 0)), /out of range/],
    [mapText(vlq(0, 0, -1, 0)), /out of range/],
    [mapText(vlq(-1)), /out of range/],
    [mapText(`${vlq(5)},${vlq(-1)}`), /not in order/],
    [mapText(vlq(0, 0)), /cut off/],
    [mapText(vlq(0, 0, 0, 0, 0, 0)), /too many numbers/],
    [mapText("gggggggggB"), /too large/],
    [mapText("!"), /cut off, or in more/],
    [mapText("A,"), /cut off/],
    [mapText("AAAA;AAAA"), /more than one line/],
    [mapText("A,".repeat(1_000_000) + "A"), /1000001 positions/],
  ];
  for (const [text, expected] of cases) assert.match(decodeSourceMap(text) as string, expected, text.slice(0, 80));
});

function leb(value: number): number[] {
  return value < 128 ? [value] : [value % 128 + 128, ...leb(Math.floor(value / 128))];
}

/** The bytes with a section that names a source map. */
function withUrl(bytes: Uint8Array, url: string): Uint8Array {
  const name = new TextEncoder().encode("sourceMappingURL");
  const text = new TextEncoder().encode(url);
  const content = [...leb(name.length), ...name, ...leb(text.length), ...text];
  return Uint8Array.from([...bytes, 0, ...leb(content.length), ...content]);
}

const TRAPPING = guestText({
  callbacks: { proxy_on_request_headers: "(call $work) (i32.const 0)" },
  // Points of the meter before the trap move its byte.
  fields: `(func $work (local $i i32)
    (block $done (loop $more
      (br_if $done (i32.gt_s (local.get $i) (i32.const 3)))
      (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $more)))
    unreachable)`,
});

async function compiled(bytes: Uint8Array, isMetered: boolean): Promise<WasmModule> {
  const result = isMetered ? await compileModule(bytes) : await compileModule(bytes, null);
  if ("diagnostics" in result) throw new Error(result.diagnostics[0]!.message);
  return result.module;
}

function failureOf(module: WasmModule): { stack: readonly string[]; notes: readonly string[] } {
  const host = new Host(module);
  host.request();
  const { stack, notes } = host.plugin.root.vm.failure!.diagnostic;
  return { stack: stack ?? [], notes: notes ?? [] };
}

/** The byte of the one `unreachable` that is followed by the end of its function. */
function unreachableAt(bytes: Uint8Array): number {
  for (let i = 8; i < bytes.length; i++) {
    if (bytes[i] === 0x0b && bytes[i + 1] === 0x00 && bytes[i + 2] === 0x0b) return i + 1;
  }
  throw new Error("there is none");
}

test("a trap shows file, line and column, with a meter and without one", async () => {
  const bytes = assemble(TRAPPING);
  const trapAt = unreachableAt(bytes);
  const text = mapText([vlq(trapAt - 1, 0, 6, 0), vlq(1, 0, 1, 4), vlq(1, 0, 50, 0)].join(","), ["filter.ts"]);
  const readBeside: ReadBeside = (name) => {
    assert.is(name, "filter.wasm.map");
    return { ok: true, bytes: new TextEncoder().encode(text) };
  };
  for (const isMetered of [false, true]) {
    const module = await compiled(withUrl(bytes, "./filter.wasm.map"), isMetered);
    assert.is(sourceMapUrl(module.code), "./filter.wasm.map");
    const { stack, notes } = failureOf(structuredClone(withSourceMap(module, readBeside)));
    assert.is(stack[0], "work (filter.ts:8:5)");
    // The caller's function has nothing in the map.
    assert.match(stack[1]!, /^proxy_on_request_headers \(0x[0-9a-f]+\)$/);
    assert.equal(notes, []);
    // Without its map the same byte is named, whatever the meter put in before it.
    assert.is(failureOf(module).stack[0], `work (0x${trapAt.toString(16)})`);
  }
});

test("maps inside the module", async () => {
  const bytes = assemble(TRAPPING);
  const text = mapText(vlq(unreachableAt(bytes), 0, 0, 0), ["für.ts"]);
  const base64 = btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));
  for (const url of [`data:application/json;base64,${base64}`, `data:,${encodeURIComponent(text)}`]) {
    const module = withSourceMap(await compiled(withUrl(bytes, url), true), null);
    assert.is(failureOf(module).stack[0], "work (für.ts:1:1)");
  }
});

test("what a module names elsewhere is not read, and a trap says why there are no lines", async () => {
  const bytes = assemble(TRAPPING);
  const refuse: ReadBeside = (name) => {
    throw new Error(`${name} was read`);
  };
  const note = async (url: string, readBeside: ReadBeside | null): Promise<string> =>
    failureOf(withSourceMap(await compiled(withUrl(bytes, url), true), readBeside)).notes.join();
  for (
    const url of [
      "/etc/passwd",
      "../x.map",
      "..",
      "a/b.map",
      "a\\b.map",
      "http://a.test/x.map",
      "file:x",
      "%2e%2e%2fx",
      "",
    ]
  ) {
    const expected = `the source map ${JSON.stringify(url)} is not used: only maps beside a module's file`;
    assert.ok((await note(url, refuse)).startsWith(expected), url);
  }
  assert.match(await note("x.map", null), /only maps beside/);
  assert.match(
    await note("x.map", () => ({ ok: false, message: "no such file" })),
    /"x.map" is not used: no such file/,
  );
  assert.match(
    await note("x.map", () => ({ ok: true, bytes: new Uint8Array(17 << 20) })),
    /17825792 bytes, at most 16777216/,
  );
  assert.match(await note("x.map", () => ({ ok: true, bytes: new Uint8Array(5) })), /not JSON/);
  assert.match(await note("data:,%zz", null), /in the module is not used: its data: URL cannot be decoded/);
  assert.match(await note("data:;base64,*", null), /cannot be decoded/);
  assert.match(await note("data:x", null), /has no data/);
  assert.is(failureOf(withSourceMap(await compiled(bytes, true), refuse)).notes.length, 0);
});

test.run();
