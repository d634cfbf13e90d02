// test/host/wasm/call_trace.test.ts: callbacks and host calls as lines of text, compared as a whole.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { encodePairs } from "../../../abi/mod.ts";
import { latin1Slice } from "../../../host/base/bytes.ts";
import type { CallTraceMode, LogSource, WasmModule } from "../../../host/wasm/mod.ts";
import { BAD, FakeEnvironment, guest, Host, i32, OUT, out, queueOf, s } from "./guest.ts";

/** An environment that keeps the lines of traced calls. */
class TracedEnvironment extends FakeEnvironment {
  lines: string[] = [];
  readonly callTrace = {
    write: (source: LogSource, line: string): void => void this.lines.push(`${source.pluginName}${line}`),
  };

  /** What was written since the last look. */
  take(): string {
    const text = this.lines.join("\n") + "\n";
    this.lines = [];
    return text;
  }
}

function traced(module: WasmModule, callTrace: CallTraceMode): { host: Host; env: TracedEnvironment } {
  const env = new TracedEnvironment();
  // Time passes where the world is asked for something.
  const send = env.httpCalls.send;
  env.httpCalls.send = (request, callbacks) => {
    env.clock.advance(0.25);
    return send(request, callbacks);
  };
  env.attributes.set("source.address", { kind: "latin1", value: "192.0.2.1:5" });
  return { host: new Host(module, { name: "p", callTrace }, env), env };
}

function pairs(...rows: (readonly [string, string])[]): string {
  const bytes = encodePairs(rows);
  return s(latin1Slice(bytes, 0, bytes.length));
}

const call = (name: string, ...args: string[]): string => `(drop (call $${name} ${args.join(" ")}))`;

const GUEST = await guest({
  callbacks: {
    proxy_on_context_create: "",
    proxy_on_configure: `${call("proxy_set_tick_period_milliseconds", i32(1000))} (i32.const 1)`,
    proxy_on_tick: call("proxy_log", i32(2), s("tick")),
    proxy_on_request_headers: [
      call("proxy_get_header_map_value", i32(0), s("x-a"), out),
      call("proxy_get_header_map_value", i32(0), s("x-none"), out),
      call("proxy_add_header_map_value", i32(0), s("x-token"), s("hunter2")),
      call("proxy_get_header_map_pairs", i32(0), out),
      call("proxy_get_property", s("source\0address"), out),
      call("proxy_set_shared_data", s("user 7"), s("secret"), i32(0)),
      call("proxy_get_shared_data", s("user 7"), out, i32(OUT + 8)),
      call("proxy_define_metric", i32(1), s("level"), i32(OUT)),
      call("proxy_increment_metric", "(i32.load (i32.const 0x100)) (i64.const -3)"),
      call("proxy_get_metric", "(i32.load (i32.const 0x100))", i32(OUT)),
      call("proxy_get_log_level", i32(OUT)),
      call(
        "proxy_http_call",
        s("auth"),
        pairs([":method", "GET"], [":path", "/check?key=1"], [":authority", "a"], ["x", ""]),
        s("body"),
        pairs(),
        i32(5000, OUT),
      ),
      call("proxy_get_header_map_value", i32(9), i32(BAD, 5), out),
      `(i32.store (i32.const 0x200) (i32.const 0)) (i32.store (i32.const 0x204) (i32.const 0))`,
      call("fd_write", i32(1, 0x200, 1, OUT)),
      call("proxy_set_effective_context", i32(1)),
      call("proxy_log", i32(2), s("for the plugin")),
      "(i32.const 1)",
    ].join("\n"),
    proxy_on_request_body: [
      call("proxy_get_buffer_bytes", i32(0, 0, 100), out),
      call("proxy_send_local_response", i32(403), s("denied"), s("no"), pairs(["a", "b"]), i32(-1)),
      "(i32.const 1)",
    ].join("\n"),
    proxy_on_response_headers: "(i32.const 0)",
    proxy_on_done: "(i32.const 1)",
  },
});

test("what guest and host say to each other, with lengths in place of what may be secret", () => {
  const { host, env } = traced(GUEST, "lengths");
  assert.is(
    env.take(),
    `\
p#1 > proxy_on_context_create(parent_context_id=0)
p#1 < proxy_on_context_create, 0 µs
p#1 > proxy_on_configure(plugin_configuration_size=0)
p#1     proxy_set_tick_period_milliseconds(period_ms=1000) = Ok, 0 µs
p#1 < proxy_on_configure = true, 0 µs
`,
  );
  const { filter } = host.request({ ":path": "/p?token=1", "x-a": "sesame" }, false);
  assert.is(
    env.take(),
    `\
p#2 > proxy_on_context_create(parent_context_id=1)
p#2 < proxy_on_context_create, 0 µs
p#2 > proxy_on_request_headers(num_headers=2, end_of_stream=false)
p#2     proxy_get_header_map_value(map=HttpRequestHeaders, key="x-a") = Ok, value 6 bytes, 0 µs
p#2     proxy_get_header_map_value(map=HttpRequestHeaders, key="x-none") = NotFound, 0 µs
p#2     proxy_add_header_map_value(map=HttpRequestHeaders, key="x-token", value 7 bytes) = Ok, 0 µs
p#2     proxy_get_header_map_pairs(map=HttpRequestHeaders) = Ok, data={:path: 10 bytes, x-a: 6 bytes, x-token: 7 bytes}, 0 µs
p#2     proxy_get_property(path="source.address") = Ok, value 11 bytes, 0 µs
p#2     proxy_set_shared_data(key 6 bytes, value 6 bytes, cas=0) = Ok, 0 µs
p#2     proxy_get_shared_data(key 6 bytes) = Ok, value 6 bytes, cas=1, 0 µs
p#2     proxy_define_metric(type=Gauge, name="level") = Ok, id=5, 0 µs
p#2     proxy_increment_metric(id=5, delta=-3) = Ok, 0 µs
p#2     proxy_get_metric(id=5) = Ok, value=18446744073709551613, 0 µs
p#2     proxy_get_log_level() = Ok, level=Trace, 0 µs
p#2     proxy_http_call(upstream="auth", headers={:method: 3 bytes, :path: 12 bytes, :authority: 1 byte, x: 0 bytes}, body 4 bytes, trailers={}, timeout_ms=5000) = Ok, token=4, 250 µs
p#2     proxy_get_header_map_value(map=9, key out of bounds (0x7fff0000, 5)) = BadArgument, 0 µs
p#2     fd_write(1, 512, 1, 256) = Success, 0 µs
p#2     proxy_set_effective_context(context_id=1) = Ok, 0 µs
p#2     (#1) proxy_log(level=Info, message 14 bytes) = Ok, 0 µs
p#2 < proxy_on_request_headers = StopIteration, 250 µs
`,
  );
  filter.onRequestBody!(queueOf("hello"), true);
  assert.is(
    env.take(),
    `\
p#2 > proxy_on_request_body(body_size=5, end_of_stream=true)
p#2     proxy_get_buffer_bytes(buffer=HttpRequestBody, start=0, max_size=100) = Ok, data 5 bytes, 0 µs
p#2     proxy_send_local_response(status_code=403, details="denied", body 2 bytes, headers={a: 1 byte}, grpc_status=-1) = Ok, 0 µs
p#2 < proxy_on_request_body = StopIterationAndBuffer, 0 µs
`,
  );
  filter.onDestroy!();
  env.clock.advance(1000);
  assert.is(
    env.take(),
    `\
p#2 > proxy_on_done()
p#2 < proxy_on_done = true, 0 µs
p#1 > proxy_on_tick()
p#1     proxy_log(level=Info, message 4 bytes) = Ok, 0 µs
p#1 < proxy_on_tick, 0 µs
`,
  );
  assert.not.match(JSON.stringify(env.logs), "proxy_on");
});

test("with values", () => {
  const { host, env } = traced(GUEST, "values");
  env.take();
  host.request({ ":path": "/p?token=1", "x-a": `"${"é".repeat(200)}` }, false);
  const text = env.take();
  for (
    const part of [
      `key="x-a") = Ok, value="\\"${"\ufffd".repeat(99)}…", 0 µs`,
      `key="x-token", value="hunter2") = Ok`,
      `data={:path: "/p?token=1", x-a: "\\"${"é".repeat(99)}…", x-token: "hunter2"}`,
      `proxy_set_shared_data(key="user 7", value="secret", cas=0)`,
      `headers={:method: "GET", :path: "/check?key=1", :authority: "a", x: ""}, body="body", trailers={}`,
      `proxy_log(level=Info, message="for the plugin")`,
    ]
  ) {
    assert.ok(text.includes(part), `${part}\n${text}`);
  }
});

test("traps, host functions that end the guest, start functions, allocators that talk", async () => {
  const { env, host } = traced(
    await guest({
      callbacks: {
        proxy_on_request_headers: `${call("proxy_get_header_map_value", i32(0), s("x-a"), out)} unreachable`,
      },
      fields: `(func (export "_initialize") ${call("proxy_log", i32(2), s("up"))})`,
      allocator: `(func (export "malloc") (param i32) (result i32)
        ${call("proxy_log", i32(1), s("more"))} (i32.const 0xa000))`,
    }),
    "lengths",
  );
  host.request({ "x-a": "1" });
  assert.is(
    env.take(),
    `\
p#0 > _initialize()
p#0     proxy_log(level=Info, message 2 bytes) = Ok, 0 µs
p#0 < _initialize, 0 µs
p#2 > proxy_on_request_headers(num_headers=1, end_of_stream=true)
p#2     proxy_log(level=Debug, message 4 bytes) = Ok, 0 µs
p#2     proxy_get_header_map_value(map=HttpRequestHeaders, key="x-a") = Ok, value 1 byte, 0 µs
p#2 < proxy_on_request_headers failed: unreachable, 0 µs
`,
  );
  // The functions around are none of the guest's.
  assert.is(host.plugin.root.vm.failure!.diagnostic.stack!.length, 1);
  assert.match(
    host.plugin.root.vm.failure!.diagnostic.message,
    "Function: proxy_on_request_headers failed: unreachable",
  );
  const exiting = traced(
    await guest({ callbacks: { proxy_on_request_headers: "(call $proc_exit (i32.const 3)) (i32.const 0)" } }),
    "lengths",
  );
  exiting.host.request();
  assert.match(exiting.env.take(), /proc_exit\(3\) ends the guest: .+\np#2 < proxy_on_request_headers failed: /);
});

test("a budget holds for traced calls too, and the trace costs the guest nothing", async () => {
  const module = await guest({
    callbacks: {
      proxy_on_request_headers: `${call("proxy_get_header_map_value", i32(0), s("x-a"), out)} (i32.const 0)`,
      proxy_on_response_headers: "(loop $for (br $for)) (i32.const 0)",
    },
  });
  const spent = (["off", "lengths", "values"] as const).map((callTrace) => {
    const { host } = traced(module, callTrace);
    const { filter, stream } = host.request({ "x-a": "x".repeat(10_000) });
    const { fuelSpent } = host.plugin.root.vm;
    filter.onResponseHeaders!(stream.requestHeaders!, true);
    assert.match(
      host.plugin.root.vm.failure!.diagnostic.message,
      "proxy_on_response_headers failed: cpu budget exhausted",
    );
    return fuelSpent;
  });
  assert.ok(spent[0]! > 0);
  assert.equal(spent, [spent[0], spent[0], spent[0]]);
});

test("AssemblyScript's gRPC calls have no metadata; a serialized service is no name", async () => {
  const fields = `(func (export "proxy_on_tick") (param i32) (drop (call $grpc
      ${s("\x0a\x05token")} ${s("svc")} ${s("Get")} ${s("abc")} ${i32(100, OUT)})))`;
  const text = `(import "env" "proxy_grpc_call" (func $grpc (param ${"i32 ".repeat(10)}) (result i32)))`;
  const { env, host } = traced(
    await guest({ callbacks: {}, memory: `${text} (memory (export "memory") 1)`, fields }),
    "lengths",
  );
  host.plugin.root.setTickPeriod(10);
  env.clock.advance(10);
  assert.is(
    env.take().split("\n")[1],
    'p#1     proxy_grpc_call(upstream 7 bytes, service="svc", method="Get", message 3 bytes, timeout_ms=100) = ParseFailure, 0 µs',
  );
});

test("without a place of their own the lines go to the log at level debug", () => {
  const env = new FakeEnvironment();
  const host = new Host(GUEST, { callTrace: "lengths" }, env);
  assert.is(env.texts(1)[0], "#1 > proxy_on_context_create(parent_context_id=0)");
  env.logs.length = 0;
  env.log.level = 2;
  host.request();
  assert.equal(env.texts(1), []);
});

test("another mode is another VM; streams finish on theirs", () => {
  const { host, env } = traced(GUEST, "off");
  const { filter } = host.request();
  assert.is(env.take(), "\n");
  assert.equal(
    host.plugin.update({ config: { ...host.plugin.config, callTrace: "lengths" }, module: host.plugin.module }),
    [],
  );
  assert.is(host.manager.liveVms, 2);
  env.take();
  filter.onDestroy!();
  assert.is(env.take(), "\n");
  assert.is(host.manager.liveVms, 1);
  host.stream().filter.onDestroy!();
  assert.match(env.take(), "p#2 > proxy_on_done()");
});

test.run();
