// test/conformance/component/trace.test.ts: the calls of components as lines that people read.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { CallTraceMode } from "../../../host/wasm/mod.ts";
import { FakeEnvironment, type Host } from "../../host/wasm/guest.ts";
import { HostileEnvironment } from "../sandbox/strike.ts";
import { ask, finish, host } from "./component.ts";
import { HOST_FUNCTIONS, HostileHost, hostileModule, METRIC, What } from "./hostile_guest.ts";
import { ANSWER, textHost } from "./text_guest.ts";

const HEADERS = "http.[method]stream.on-request-headers";

/** An environment whose traced lines are kept, with times as `N`. */
function traced<E extends FakeEnvironment>(env: E): { readonly env: E; readonly lines: string[] } {
  const lines: string[] = [];
  const callTrace = {
    write: (_: unknown, line: string) => void lines.push(line.replace(/\d+ µs$/, "N µs").trimEnd()),
  };
  return { env: Object.assign(env, { callTrace }), lines };
}

async function rust(test: string, callTrace: CallTraceMode = "lengths"): Promise<string[]> {
  const { env, lines } = traced(new FakeEnvironment());
  env.attributes.set("request.path", { kind: "latin1", value: "/p" });
  const on: Host = await host("rust_http", "", { callTrace }, env);
  finish(ask(on, test, { "x-cluster": "auth" }).filter);
  return lines;
}

/** The line of a host function that the hostile guest calls. */
async function line(
  name: string,
  args: readonly number[] = HOST_FUNCTIONS[name]!.valid,
  callTrace: CallTraceMode = "lengths",
  prepare: (host: HostileHost) => void = () => {},
): Promise<string> {
  const { env, lines } = traced(new HostileEnvironment());
  env.attributes.set("x-a", { kind: "latin1", value: "value" });
  const order = { where: HEADERS, what: What.Call, call: name, args };
  const host = new HostileHost(await hostileModule("http"), order, { callTrace }, env);
  prepare(host);
  host.strike(HEADERS);
  return lines.filter((each) => each.startsWith("#2     ")).map((each) => each.slice(7)).join("\n");
}

test("callbacks: what they are given, what they answer, how long they take", async () => {
  const lines = await rust("edit");
  assert.equal(lines.filter((each) => /^#[12] [<>]/.test(each)), [
    "#1 > plugin.configure(config 0 bytes)",
    "#1 < plugin.configure = ok, N µs",
    "#1 > http.interests()",
    "#1 < http.interests = {request-headers, request-body, request-trailers, response-headers, response-body, " +
    "response-trailers, log}, N µs",
    "#2 > http.[constructor]stream(id=2)",
    "#2 < http.[constructor]stream = 1, N µs",
    "#2 > http.[method]stream.on-request-headers(headers=[:authority: 6 bytes, :path: 2 bytes, :method: 3 bytes, " +
    "x-cluster: 4 bytes, x-test: 4 bytes], end=true)",
    "#2 < http.[method]stream.on-request-headers = continue([set(x-a: 3 bytes), add(x-a: 6 bytes), " +
    'remove("x-b"), set(:path: 8 bytes)]), N µs',
    "#2 > http.[method]stream.on-log()",
    "#2 < http.[method]stream.on-log, N µs",
  ]);
});

test("with values everything is shown", async () => {
  const lines = (await rust("edit", "values")).join("\n");
  assert.match(lines, 'x-cluster: "auth"');
  assert.match(lines, 'set(x-a: "new"), add(x-a: "second"), remove("x-b")');
  assert.match(
    (await rust("reply", "values")).join("\n"),
    'respond({status=418, headers=[x-why: "\u00e9"], body="no tea"',
  );
  assert.match(
    (await rust("reply")).join("\n"),
    'respond({status=418, headers=[x-why: 2 bytes], body 6 bytes, details="a teapot"',
  );
});

test("a callback that traps", async () => {
  const lines = await rust("trap");
  assert.match(lines.join("\n"), /#2 < http.\[method\]stream.on-request-headers failed: unreachable, N µs/);
});

const LINES: Readonly<Record<string, string>> = {
  "logging.log": "logging.log(level=info, message 3 bytes), N µs",
  "logging.enabled": "logging.enabled(level=info) = true, N µs",
  "clock.now-nanos": "clock.now-nanos() = 1700000000000000000, N µs",
  "clock.set-tick": "clock.set-tick(ms=5), N µs",
  "properties.get": 'properties.get(path=["x-a"]) = some(5 bytes), N µs',
  "properties.set": 'properties.set(path=["x-a"], value 3 bytes) = true, N µs',
  "metrics.define": 'metrics.define(kind=counter, name="x-a") = 8, N µs',
  "metrics.record-value": "metrics.record-value(id=4, value=1), N µs",
  "metrics.get": "metrics.get(id=4) = 0, N µs",
  "shared.get": "shared.get(key 3 bytes) = none, N µs",
  "shared.set": "shared.set(key 3 bytes, value 3 bytes, cas=none) = ok, N µs",
  "shared.register-queue": 'shared.register-queue(name="x-a") = 2, N µs',
  "shared.resolve-queue": 'shared.resolve-queue(vm-id="x-a", name="x-a") = none, N µs',
  "shared.push": "shared.push(queue=1, item 3 bytes) = true, N µs",
  "shared.pop": "shared.pop(queue=1) = none, N µs",
  "callout.send":
    'callout.send(request={cluster="x-a", headers=[:method: 3 bytes, :path: 1 byte, :authority: 1 byte], ' +
    "body 3 bytes, timeout-ms=100}) = ok(4), N µs",
  "control.resume-request": "control.resume-request(stream=9, edits=[set(x-a: 3 bytes)]), N µs",
  "control.resume-response": "control.resume-response(stream=9, edits=[set(x-a: 3 bytes)]), N µs",
  "control.respond":
    'control.respond(stream=9, response={status=403, headers=[x-a: 3 bytes], body 3 bytes, details="x-a", ' +
    "grpc-status=none}) = false, N µs",
  "control.reset": "control.reset(stream=9), N µs",
};

test("host functions: names, arguments and results", async () => {
  for (const [name, expected] of Object.entries(LINES)) {
    const args = name.startsWith("metrics.") && name !== "metrics.define"
      ? HOST_FUNCTIONS[name]!.valid.with(0, 4)
      : HOST_FUNCTIONS[name]!.valid;
    assert.is((await line(name, args)).replace(/= 17\d{17},/, "= 1700000000000000000,"), expected);
  }
  assert.ok(METRIC > 0);
  assert.equal(Object.keys(HOST_FUNCTIONS).filter((name) => !(name in LINES)), ["metrics.add"]);
  assert.is(await line("metrics.add", [4, -3]), "metrics.add(id=4, delta=-3), N µs");
});

test("host functions: what may be secret, when it is asked for", async () => {
  assert.match(await line("logging.log", undefined, "values"), 'message="x-a"');
  assert.match(await line("shared.set", undefined, "values"), 'key="x-a", value="x-a"');
  assert.match(await line("properties.get", undefined, "values"), 'some("value")');
  assert.match(await line("callout.send", undefined, "values"), ':method: "GET"');
  assert.match(
    (await rust("shared")).join("\n"),
    /shared.set\(key \d+ bytes, value \d+ bytes, cas=some\(\d+\)\) = error\(cas-mismatch\)/,
  );
});

test("long texts and lists are cut short", async () => {
  const long = await line("logging.log", [2, 0x10000, 5000], "values");
  assert.match(long, /message="(?:\\u0000){100}…"\), N µs$/);
  const many = await line("control.resume-request", [9, 0x10000, 500]);
  assert.match(many, "… 468 more])");
});

test("arguments that are none are said to be that, and the guest ends", async () => {
  assert.match(
    await line("logging.log", [2, 0x7fff0000, 10]),
    /^logging.log\(level=info, message out of bounds \(0x7fff0000, 10\)\) ends the guest: a value of 10 bytes/,
  );
  assert.match(
    await line("logging.log", [77, 0x700, 3]),
    /level=case 77 of 6, message 3 bytes\) ends the guest: case 77/,
  );
  assert.match(await line("control.resume-request", [9, 0x1fff0, 9]), /edits out of bounds \(0x1fff0, 9\)/);
  assert.match(await line("properties.get", [0x740, -1, 0x600]), /path out of bounds/);
  assert.match(await line("shared.get", [0x700, 3, -4]), /ends the guest/);
});

test("texts in UTF-16", async () => {
  const { env, lines } = traced(new FakeEnvironment());
  const on = await textHost(
    {
      encoding: "utf16",
      fields: `(import "nuncio:filter/logging@0.1.0" "log" (func $log (param i32 i32 i32)))
        (data (i32.const 0x700) "h\\00i\\00\\03\\26")`,
      headers: `(call $log (i32.const 2) (i32.const 0x700) (i32.const 3)) (i32.const ${ANSWER})`,
    },
    { callTrace: "values" },
    env,
  );
  ask(on, "");
  assert.match(lines.join("\n"), 'logging.log(level=info, message="hi\u2603"), N µs');
  assert.match(lines.join("\n"), 'headers=[:authority: "a.test"');
});

test("functions of WASI", async () => {
  const { env, lines } = traced(new FakeEnvironment());
  const on = await textHost(
    {
      packages: `package wasi:random@0.2.3 { interface random {
        get-random-bytes: func(len: u64) -> list<u8>; get-random-u64: func() -> u64; } }`,
      imports: "import wasi:random/random@0.2.3;",
      fields: `(import "wasi:random/random@0.2.3" "get-random-bytes" (func $random (param i64 i32)))`,
      headers: `(call $random (i64.const 8) (i32.const 0x600)) (i32.const ${ANSWER})`,
    },
    { callTrace: "lengths" },
    env,
  );
  ask(on, "");
  assert.match(lines.join("\n"), "#2     wasi:random/random.get-random-bytes(len=8) = 8 bytes, N µs");
});

test.run();
