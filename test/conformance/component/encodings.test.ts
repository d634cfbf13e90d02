// test/conformance/component/encodings.test.ts: text in all three encodings that components can have.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ask } from "./component.ts";
import { ANSWER, type Encoding, textHost } from "./text_guest.ts";

const ENCODINGS: readonly Encoding[] = ["utf8", "utf16", "compact-utf16"];
const TAG = 0x80000000 | 0;

/** Text as a guest of this encoding has it, and its length. */
function encoded(text: string, encoding: Encoding): readonly [data: string, units: number] {
  const wide = encoding === "utf16" || (encoding === "compact-utf16" && /[^\0-\xff]/.test(text));
  const codes = wide
    ? Array.from(text, (each) => each.charCodeAt(0)).flatMap((code) => [code & 255, code >> 8])
    : encoding === "utf8"
    ? [...new TextEncoder().encode(text)]
    : Array.from(text, (each) => each.charCodeAt(0));
  const units = encoding === "utf8" ? codes.length : text.length;
  const data = codes.map((code) => `\\${code.toString(16).padStart(2, "0")}`).join("");
  return [data, wide && encoding === "compact-utf16" ? units | TAG : units];
}

/** Sets `x-e` to the value of the second header, which is `:path`. */
function echo(encoding: Encoding): { headers: string; fields: string; encoding: Encoding } {
  const [name, units] = encoded("x-e", encoding);
  return {
    encoding,
    fields: `(data (i32.const 0x700) "${name}")`,
    headers: `
      (i32.store (i32.const ${ANSWER + 4}) (i32.const 0x500)) (i32.store (i32.const ${ANSWER + 8}) (i32.const 1))
      (i32.store (i32.const 0x504) (i32.const 0x700)) (i32.store (i32.const 0x508) (i32.const ${units}))
      (i32.store (i32.const 0x50c) (i32.load offset=24 (local.get $list)))
      (i32.store (i32.const 0x510) (i32.load offset=28 (local.get $list)))
      (i32.const ${ANSWER})`,
  };
}

for (const encoding of ENCODINGS) {
  test(`${encoding}: header values come and go`, async () => {
    const on = await textHost(echo(encoding));
    for (const path of ["/plain", "", "/caf\u00e9", "/\u0080\u00ff", "/" + "long ".repeat(50)]) {
      assert.is(ask(on, "", { ":path": path }).stream.requestHeaders!.get("x-e"), path);
    }
    assert.is(on.plugin.status().failure, null);
  });

  test(`${encoding}: messages, names of metrics, paths of properties, keys`, async () => {
    const text = "snow \u2603";
    const [data, units] = encoded(text, encoding);
    const on = await textHost({
      encoding,
      fields: `
        (import "nuncio:filter/logging@0.1.0" "log" (func $log (param i32 i32 i32)))
        (import "nuncio:filter/metrics@0.1.0" "define" (func $define (param i32 i32 i32) (result i32)))
        (import "nuncio:filter/properties@0.1.0" "set" (func $set (param i32 i32 i32 i32) (result i32)))
        (import "nuncio:filter/shared@0.1.0" "set" (func $shared (param i32 i32 i32 i32 i32 i32 i32)))
        (data (i32.const 0x700) "${data}")`,
      headers: `
        (i32.store (i32.const 0x680) (i32.const 0x700)) (i32.store (i32.const 0x684) (i32.const ${units}))
        (call $log (i32.const 2) (i32.const 0x700) (i32.const ${units}))
        (drop (call $define (i32.const 0) (i32.const 0x700) (i32.const ${units})))
        (drop (call $set (i32.const 0x680) (i32.const 1) (i32.const 0x700) (i32.const 4)))
        (call $shared (i32.const 0x700) (i32.const ${units}) (i32.const 0x700) (i32.const 4)
          (i32.const 0) (i32.const 0) (i32.const 0x600))
        (i32.const ${ANSWER})`,
    });
    const { stream } = ask(on, "");
    assert.is(on.plugin.status().failure, null);
    assert.ok(on.env.texts(2).includes(text), on.env.texts(2).join());
    assert.ok(on.env.stats.has(`counter ${text}`), [...on.env.stats.keys()].join());
    assert.equal([...on.env.states.get(stream)!.keys()], [`wasm.${text}`]);
    assert.ok(on.env.shared.get("vm", new TextEncoder().encode(text)) !== null);
  });
}

test("utf16: half of a surrogate pair is no text", async () => {
  const on = await textHost({
    encoding: "utf16",
    fields:
      `(import "nuncio:filter/logging@0.1.0" "log" (func $log (param i32 i32 i32))) (data (i32.const 0x700) "\\00\\d8")`,
    headers: `(call $log (i32.const 2) (i32.const 0x700) (i32.const 1)) (i32.const ${ANSWER})`,
  });
  ask(on, "");
  assert.match(on.plugin.status().failure!.diagnostic.message, "half of a surrogate pair");
});

test.run();
