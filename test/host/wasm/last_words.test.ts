// test/host/wasm/last_words.test.ts: what a guest said before it trapped is with the failure, and only that.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Diagnostic } from "../../../host/base/diagnostic.ts";
import { renderDiagnostic } from "../../../host/base/diagnostic_render.ts";
import { FakeEnvironment, guest, Host, i32, OUT, s } from "./guest.ts";

/** Runs the request callback, then the response callback, and gives the failure. */
async function failureOf(request: string, response = "(i32.const 0)", logLevel = 0): Promise<Diagnostic> {
  const env = new FakeEnvironment();
  env.log.level = logLevel;
  const module = await guest({
    callbacks: { proxy_on_request_headers: `${request} (i32.const 0)`, proxy_on_response_headers: response },
  });
  const host = new Host(module, {}, env);
  const { filter, stream } = host.request();
  filter.onResponseHeaders!(stream.requestHeaders!, true);
  return host.plugin.root.vm.failure!.diagnostic;
}

const log = (level: number, text: string): string => `(drop (call $proxy_log ${i32(level)} ${s(text)}))`;
const PANIC = "panicked at src/lib.rs:12:5:\ncalled `Option::unwrap()` on a `None` value";

test("Rust's panic: a critical message, then unreachable; also with a log that is off", async () => {
  for (const logLevel of [0, 6]) {
    const failure = await failureOf(`${log(5, PANIC)} unreachable`, undefined, logLevel);
    assert.is(failure.message, "Function: proxy_on_request_headers failed: unreachable");
    assert.equal(failure.notes, [`its last words: ${PANIC}`]);
  }
  const text = renderDiagnostic(await failureOf(`${log(5, PANIC)} unreachable`));
  assert.match(text, /^error\[wasm\/trap\]: Function: proxy_on_request_headers failed: unreachable\n/);
  assert.match(
    text,
    /= stack: proxy_on_request_headers \(0x[0-9a-f]+\)\n.*= note: its last words: panicked at src\/lib\.rs:12:5:\\n/,
  );
});

test("the last of several errors; what is no error does not count", async () => {
  const words = `${log(4, "first")} ${log(4, "second")} ${log(3, "a warning")} ${log(2, "a remark")} unreachable`;
  assert.equal((await failureOf(words)).notes, ["its last words: second"]);
});

test("errors of an earlier call are not the last words of this one", async () => {
  assert.equal((await failureOf(log(5, "long ago"), "unreachable")).notes, []);
  assert.equal((await failureOf(log(5, "long ago"), `${log(5, "now")} unreachable`)).notes, ["its last words: now"]);
});

test("standard error, line by line, and what is left of one", async () => {
  const [ptr, size] = s("panic: nil map\n\ngoroutine 1").split(") (");
  const failure = await failureOf(
    `(i32.store (i32.const 0x200) ${ptr})) (i32.store (i32.const 0x204) (${size})
     (drop (call $fd_write ${i32(2, 0x200, 1, OUT)})) unreachable`,
  );
  assert.equal(failure.notes, ["its last words: panic: nil map\ngoroutine 1"]);
});

test("AssemblyScript's abort is the reason, once: message, file, line and column", async () => {
  // An AssemblyScript string: its size in bytes, then UTF-16.
  const string = (text: string): string => {
    const bytes = Array.from(text, (char) => String.fromCharCode(char.charCodeAt(0) & 255, char.charCodeAt(0) >> 8));
    return s(String.fromCharCode(text.length * 2, 0, 0, 0) + bytes.join("")).split(") (")[0]!.slice(
      "(i32.const ".length,
    );
  };
  const at = (text: string): string => `(i32.add (i32.const ${string(text)}) (i32.const 4))`;
  const failure = await failureOf(
    `(call $abort ${at("Index out of range \u2192 7")} ${at("assembly/filter.ts")} (i32.const 41) (i32.const 5))`,
  );
  const text = "abort: Index out of range \u2192 7 at assembly/filter.ts:41:5";
  assert.is(failure.message, `Function: proxy_on_request_headers failed: ${text}`);
  assert.equal(failure.notes, []);
  // Strings that are not there are left out.
  const lost = await failureOf("(call $abort (i32.const 0) (i32.const 0x7ffffff0) (i32.const -1) (i32.const 5))");
  assert.is(lost.message, "Function: proxy_on_request_headers failed: abort:  at :4294967295:5");
});

test.run();
