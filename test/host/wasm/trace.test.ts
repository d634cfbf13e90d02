// test/host/wasm/trace.test.ts: backtraces: how deep they are, and names that are no names for people.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compile, guest, guestText, Host } from "./guest.ts";

function stackOf(host: Host): readonly string[] {
  host.request();
  return host.plugin.root.vm.failure!.diagnostic.stack!;
}

test("a panic's own functions do not hide who called it", async () => {
  const chain = Array.from(
    { length: 30 },
    (_, index) => `(func $f${index} ${index === 29 ? "unreachable" : `(call $f${index + 1})`})`,
  );
  const body = "(call $f12) (i32.const 0)";
  const module = await guest({ callbacks: { proxy_on_request_headers: body }, fields: chain.join("\n") });
  const frames = stackOf(new Host(module)).map((frame) => frame.split(" ")[0]);
  assert.equal(frames, [...Array.from({ length: 18 }, (_, index) => `f${29 - index}`), "proxy_on_request_headers"]);
  const deep = await guest({
    callbacks: { proxy_on_request_headers: "(call $f0) (i32.const 0)" },
    fields: chain.join("\n"),
  });
  assert.is(stackOf(new Host(deep)).length, 20);
});

test("mangled names are read, endless ones cut", async () => {
  const text = guestText({
    callbacks: { proxy_on_request_headers: "(call $_RNvCs1234_7mycrate3foo) (i32.const 0)" },
    fields: `(func $_RNvCs1234_7mycrate3foo (call $${"n".repeat(5000)}))
      (func $${"n".repeat(5000)} (call $_ZN4core9panicking5panic17h0123456789abcdefE))
      (func $_ZN4core9panicking5panic17h0123456789abcdefE unreachable)`,
  });
  const names = stackOf(new Host(await compile(text))).map((frame) => frame.split(" ")[0]);
  assert.equal(names, ["core::panicking::panic", "n".repeat(1000), "mycrate::foo", "proxy_on_request_headers"]);
});

test.run();
