// test/host/wasm/foreign.test.ts: what foreign functions are given, and properties with declarations and limits.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Status } from "../../../abi/mod.ts";
import type { ForeignCall, PropertyDeclaration } from "../../../host/wasm/mod.ts";
import { FakeEnvironment, guest, Host, note, out, run, s } from "./guest.ts";

const TEXT: PropertyDeclaration = { readOnly: false, type: "string", schema: new Uint8Array(0), span: "connection" };

/** Calls the foreign function `f` without asking for a result. */
const CALL_F = note("proxy_call_foreign_function", s("f"), s(""), "(i32.const 0) (i32.const 0)");

test("a foreign function sees the properties that its guest sees", async () => {
  const env = new FakeEnvironment();
  env.attributes.set("a.b", { kind: "int", value: 1 });
  const seen: unknown[] = [];
  env.foreignFunctions.set("f", (call) => {
    seen.push(call.property(["a", "b"]), call.property(["plugin_name"]), call.property(["own"]), call.property(["x"]));
    return Status.Ok;
  });
  await run(note("proxy_set_property", s("own"), s("1")) + CALL_F, {}, env);
  const text = (value: string): unknown => ({ kind: "bytes", value: new TextEncoder().encode(value) });
  assert.equal(seen, [{ kind: "int", value: 1 }, text("test"), text("1"), null]);
});

test("what it keeps for a plugin is the same in all of the plugin's contexts", async () => {
  const env = new FakeEnvironment();
  const counts: number[] = [];
  env.foreignFunctions.set("f", (call) => {
    const count = (call.pluginData.get("count") as number | undefined ?? 0) + 1;
    call.pluginData.set("count", count);
    counts.push(count);
    return Status.Ok;
  });
  const module = await guest({
    callbacks: { proxy_on_configure: `${CALL_F} (i32.const 1)`, proxy_on_request_headers: `${CALL_F} (i32.const 0)` },
  });
  const host = new Host(module, {}, env);
  host.request();
  host.request();
  assert.equal(counts, [1, 2, 3]);
  new Host(module, { name: "other", vmId: "other" }, env);
  assert.equal(counts, [1, 2, 3, 1]);
});

test("declarations of the plugin hold for what its streams set", async () => {
  const env = new FakeEnvironment();
  const given: (PropertyDeclaration | null)[] = [];
  const setState = env.properties.setState;
  env.properties.setState = (stream, key, value, declaration: PropertyDeclaration | null = null) => {
    given.push(declaration);
    return setState(stream, key, value);
  };
  const declared: boolean[] = [];
  const declare = (call: ForeignCall, name: string): void => void declared.push(call.declareProperty(name, TEXT));
  env.foreignFunctions.set("f", (call) => {
    if (call.stream === null) ["p", "p"].forEach((name) => declare(call, name));
    else ["p", "q"].forEach((name) => declare(call, name));
    return Status.Ok;
  });
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_configure: `${CALL_F} (i32.const 1)`,
        proxy_on_request_headers: `${CALL_F}
          ${note("proxy_set_property", s("p"), s("1"))} ${note("proxy_set_property", s("q"), s("1"))} (i32.const 0)`,
      },
    }),
    {},
    env,
  );
  host.request();
  assert.equal(declared, [true, false, true, true]);
  assert.equal(given, [TEXT, null]);
});

test("a plugin declares so much and no more", async () => {
  const env = new FakeEnvironment();
  let accepted = 0;
  env.foreignFunctions.set("f", (call) => {
    for (let i = 0; i < 2000; i++) if (call.declareProperty(`p${i}`, TEXT)) accepted++;
    return Status.Ok;
  });
  await run(CALL_F, {}, env);
  assert.is(accepted, 1000);
});

test("work that is charged is paid for with fuel", async () => {
  const env = new FakeEnvironment();
  env.foreignFunctions.set("f", (call) => {
    call.charge(1e12);
    return Status.Ok;
  });
  // Found out at the next turn of a loop.
  const { host } = await run(`${CALL_F} (loop $l (br_if $l (i32.const 1)))`, {}, env);
  assert.match(host.plugin.status().failure!.diagnostic.message, /cpu budget exhausted/);
});

test("why a function refuses is said to the plugin's author", async () => {
  const env = new FakeEnvironment();
  env.foreignFunctions.set("f", (call) => {
    call.explain("not today");
    return Status.BadArgument;
  });
  const { notes } = await run(CALL_F, {}, env);
  assert.equal(notes, [Status.BadArgument]);
  assert.match(env.logs.at(-1)!.text, /^f: not today \(in proxy_on_request_headers\)/);
});

test("a property that was set by a path is found by it, by the first part, or with a zero byte at the end", async () => {
  const { notes } = await run([
    note("proxy_set_property", s("a\0b"), s("1")),
    note("proxy_set_property", s("c"), s("2")),
    note("proxy_get_property", s("a\0b"), out),
    note("proxy_get_property", s("a"), out),
    note("proxy_get_property", s("c\0"), out),
    note("proxy_get_property", s("c\0d"), out),
  ].join("\n"));
  assert.equal(notes, [0, 0, 0, 1, 0, 1]);
});

test("a stream keeps so many bytes of properties, and names of so many", async () => {
  const env = new FakeEnvironment();
  const { notes, host } = await run(
    [
      note("proxy_set_property", s("a"), s("12345678")),
      note("proxy_set_property", s("a"), s("87654321")),
      note("proxy_set_property", s("b"), s("1")),
      note("proxy_get_property", s("b"), out),
      note("proxy_set_property", s("a"), s("1")),
      note("proxy_set_property", s("b"), s("1")),
      note("proxy_get_property", s("b"), out),
      note("proxy_set_property", "(i32.const 0) (i32.const 4097)", s("1")),
      note("proxy_get_property", "(i32.const 0) (i32.const 4097)", out),
    ].join("\n"),
    { maxPropertyBytes: 10 },
    env,
  );
  assert.equal(notes, [0, 0, 0, 1, 0, 0, 0, 0, 1]);
  assert.is(host.result(), "1");
  assert.ok(env.logs.some(({ text }) => text.includes("at most 10 bytes of properties")));
});

test.run();
