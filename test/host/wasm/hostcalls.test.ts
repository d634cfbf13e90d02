// test/host/wasm/hostcalls.test.ts: log, time, properties, shared data, queues, metrics, contexts, foreign functions.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodePairs, Status } from "../../../abi/mod.ts";
import { SharedStore } from "../../../host/wasm/mod.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { BAD, FakeEnvironment, GET, guest, Host, i32, note, OUT, out, run, s } from "./guest.ts";

const bad = i32(BAD, 4);

// --- Logging ---

test("log lines carry level and plugin; bad levels and pointers are refused", async () => {
  const { host, notes } = await run([
    note("proxy_log", i32(2), s("h\xc3\xa9llo")),
    note("proxy_log", i32(6), s("x")),
    note("proxy_log", i32(-1), s("x")),
    note("proxy_log", i32(2), bad),
    note("proxy_get_log_level", i32(OUT)),
    note("proxy_get_log_level", i32(BAD)),
  ].join("\n"));
  assert.equal(notes, [0, 2, 2, 6, 0, 6]);
  assert.equal(host.env.logs, [{ level: 2, plugin: "test", text: "héllo" }]);
});

test("messages below the level are dropped after they were checked, long ones are cut", async () => {
  const env = new FakeEnvironment();
  env.log.level = 3;
  const { host, notes } = await run(
    note("proxy_log", i32(2), s("x")) + note("proxy_log", i32(2), bad) + note("proxy_log", i32(4), s("x".repeat(50))) +
      note("proxy_get_log_level", i32(OUT)),
    { maxLogLineBytes: 10 },
    env,
  );
  assert.equal(notes, [0, 6, 0, 0]);
  assert.equal(env.logs.map((row) => row.text), ["xxxxxxxxxx… (50 bytes)"]);
  assert.is(host.u32(OUT), 3);
});

// --- Time ---

test("the time in nanoseconds", async () => {
  for (const ms of [0, 1.5, 65535, 65536, 1_767_225_600_123.25, 4_102_444_800_000]) {
    const env = new FakeEnvironment();
    env.clock.wallMs = () => ms;
    const { host, notes } = await run(
      note("proxy_get_current_time_nanoseconds", i32(OUT)) + note("proxy_get_current_time_nanoseconds", i32(65530)),
      {},
      env,
    );
    assert.equal(notes, [0, 6]);
    assert.is(host.u64(OUT), BigInt(Math.floor(ms)) * 1_000_000n + BigInt((ms % 1) * 1e6), String(ms));
  }
});

test("ticks: period, another period, none; never twice at once", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_vm_start: `${note("proxy_set_tick_period_milliseconds", i32(10))} (i32.const 1)`,
        proxy_on_tick: `(call $note (i32.const 77)) (local.set $x (i32.add (global.get $n) (i32.const 1)))
          (global.set $n (local.get $x))
          (if (i32.eq (local.get $x) (i32.const 2)) (then (drop (call $proxy_set_tick_period_milliseconds (i32.const 100)))))
          (if (i32.eq (local.get $x) (i32.const 3)) (then (drop (call $proxy_set_tick_period_milliseconds (i32.const 0)))))`,
      },
      fields: "(global $n (mut i32) (i32.const 0))",
    }),
  );
  host.notes();
  const { clock } = host.env;
  const ticks = (ms: number): number => {
    clock.advance(ms);
    return host.notes().length;
  };
  assert.equal([ticks(9), ticks(1), ticks(10), ticks(99), ticks(1), ticks(1000)], [0, 1, 1, 0, 1, 0]);
  assert.is(clock.armedTimers, 0);
});

// --- Properties ---

test("every kind of property in its encoding", async () => {
  const env = new FakeEnvironment();
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const hex = (value: Uint8Array): string => value.toHex();
  const rows: [string, Parameters<typeof env.attributes.set>[1], string][] = [
    ["l", { kind: "latin1", value: "\xe9" }, "e9"],
    ["s", { kind: "string", value: "é" }, "c3a9"],
    ["b", { kind: "bytes", value: bytes("ab") }, "6162"],
    ["i", { kind: "int", value: -2 }, "feffffffffffffff"],
    ["I", { kind: "int", value: 2n ** 40n }, "0000000000010000"],
    ["d", { kind: "double", value: 1.5 }, "000000000000f83f"],
    ["t", { kind: "bool", value: true }, "01"],
    ["f", { kind: "bool", value: false }, "00"],
    ["list", { kind: "list", value: [{ kind: "string", value: "x" }] }, "01000000010000000000000078" + "0000"],
    [
      "map",
      { kind: "map", value: new Map([["k", { kind: "bool", value: true }]]) },
      "0100000001000000010000006b000100",
    ],
    ["h", { kind: "headers", value: HeaderMap.of({ a: "b" }) }, "01000000010000000100000061006200"],
    [
      "hh",
      { kind: "headers", value: HeaderMap.of([["a", "1"], ["b", ""], ["a", "2"]]) },
      "02000000" +
      "0100000003000000" + "0100000000000000" + "6100312c3200" + "620000",
    ],
    ["none", { kind: "headers", value: new HeaderMap() }, "00000000"],
    ["empty", { kind: "map", value: new Map() }, "00000000"],
    ["u", { kind: "uint", value: 2n ** 64n - 1n }, "ffffffffffffffff"],
    ["D", { kind: "duration", value: -1n }, "ffffffffffffffff"],
    ["T", { kind: "timestamp", value: 10n ** 18n }, "000064a7b3b6e00d"],
    ["m", { kind: "message", value: { field: () => null, encode: () => bytes("msg") } }, "6d7367"],
  ];
  for (const [name, value] of rows) env.attributes.set(`x.${name}`, value);
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: rows.map(([name], index) =>
          note("proxy_get_property", s(`x\0${name}`), i32(0x200 + index * 8, 0x204 + index * 8))
        ).join("\n") + "(i32.const 0)",
      },
    }),
    {},
    env,
  );
  host.request();
  assert.equal(host.notes(), rows.map(() => 0));
  rows.forEach(([name, , expected], index) => assert.is(hex(host.resultBytes(0x200 + index * 8)), expected, name));
});

test("paths with a zero byte at the end, empty paths, opaque values, bad pointers", async () => {
  const env = new FakeEnvironment();
  env.attributes.set("request.path", { kind: "latin1", value: "/p" });
  env.attributes.set("request", { kind: "opaque" });
  const { host, notes } = await run(
    [
      note("proxy_get_property", s("request\0path\0"), out),
      note("proxy_get_property", s(""), out),
      note("proxy_get_property", s("\0"), out),
      note("proxy_get_property", s("request"), out),
      note("proxy_get_property", s("request\0nope"), out),
      note("proxy_get_property", s("__proto__\0constructor"), out),
      note("proxy_get_property", bad, out),
      note("proxy_get_property", s("request\0path"), i32(BAD, OUT)),
    ].join("\n"),
    {},
    env,
  );
  assert.equal(notes, [0, 3, 1, 3, 1, 1, 6, 6]);
  assert.is(host.result(), "/p");
});

test("a plugin knows itself as soon as its context is made", async () => {
  const places = [0x200, 0x208, 0x210];
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_context_create: ["plugin_name", "plugin_root_id", "plugin_vm_id"].map((name, index) =>
          note("proxy_get_property", s(name), i32(places[index]!, places[index]! + 4))
        ).join("\n"),
      },
    }),
    { name: "näme" },
  );
  assert.equal(host.notes(), [0, 0, 0]);
  assert.equal(places.map((at) => new TextDecoder().decode(host.resultBytes(at))), ["näme", "root", "vm"]);
});

test("properties that guests set: any path, not outside streams, not over read-only ones", async () => {
  const env = new FakeEnvironment();
  env.readOnlyStates.add("wasm.fixed");
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_configure: `${note("proxy_set_property", s("a"), s("1"))} (i32.const 1)`,
        proxy_on_request_headers: [
          note("proxy_set_property", s("a\0b"), s("value")),
          note("proxy_get_property", s("a\0b"), out),
          note("proxy_set_property", s("fixed"), s("v")),
          note("proxy_set_property", bad, s("v")),
          note("proxy_set_property", s("k"), bad),
          "(i32.const 0)",
        ].join("\n"),
      },
    }),
    {},
    env,
  );
  assert.equal(host.notes(), [1]);
  const { stream } = host.request();
  assert.equal(host.notes(), [0, 0, 2, 6, 6]);
  assert.is(host.result(), "value");
  assert.equal([...env.states.get(stream)!.keys()], ["wasm.a\0b"]);
});

// --- Shared data and queues ---

test("shared data: set, get, compare and swap, empty values, bad pointers", async () => {
  const cas = OUT + 8;
  const get = (key: string): string => note("proxy_get_shared_data", s(key), out, i32(cas));
  const { host, notes } = await run([
    get("k"),
    note("proxy_set_shared_data", s("k"), s("one"), i32(5)),
    get("k"),
    note("proxy_set_shared_data", s("k"), s("two"), `(i32.add (i32.load (i32.const ${cas})) (i32.const 1))`),
    note("proxy_set_shared_data", s("k"), s("two"), `(i32.load (i32.const ${cas}))`),
    note("proxy_set_shared_data", s("k"), s("three"), i32(0)),
    note("proxy_set_shared_data", s("e"), s(""), i32(0)),
    get("k"),
    note("proxy_get_shared_data", s("e"), i32(0x200, 0x204), i32(0x208)),
    note("proxy_get_shared_data", bad, out, i32(cas)),
    note("proxy_get_shared_data", s("k"), out, i32(BAD)),
    note("proxy_get_shared_data", s("k"), i32(BAD, OUT), i32(cas)),
    note("proxy_set_shared_data", bad, s("x"), i32(0)),
    note("proxy_set_shared_data", s("x"), bad, i32(0)),
  ].join("\n"));
  assert.equal(notes, [1, 0, 0, 8, 0, 0, 0, 0, 0, 6, 6, 6, 6, 6]);
  assert.is(host.result(), "three");
  assert.is(host.u32(0x200), 0);
  assert.is(host.u32(0x204), 0);
  assert.ok(host.u32(0x208) > host.u32(cas));
});

test("shared data beyond the limit is refused and explained", async () => {
  const env = new FakeEnvironment();
  env.shared = SharedStore.create(env.clock, { maxScopeBytes: 100 });
  const { host, notes } = await run(note("proxy_set_shared_data", s("k"), i32(0, 200), i32(0)), {}, env);
  assert.equal(notes, [8]);
  assert.match(host.env.texts(3)[0]!, /limit of shared memory/);
});

test("shared queues: register, resolve, enqueue, dequeue, tell the consumer once a message", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_configure: `${note("proxy_register_shared_queue", s("q"), i32(OUT))}
          ${note("proxy_register_shared_queue", s("q"), i32(OUT + 4))}
          ${note("proxy_register_shared_queue", bad, i32(OUT))} ${
          note("proxy_register_shared_queue", s("q"), i32(BAD))
        } (i32.const 1)`,
        proxy_on_request_headers: [
          note("proxy_resolve_shared_queue", s(""), s("q"), i32(OUT + 8)),
          note("proxy_resolve_shared_queue", s("vm"), s("q"), i32(OUT + 12)),
          note("proxy_resolve_shared_queue", s("other"), s("q"), i32(OUT + 16)),
          note("proxy_resolve_shared_queue", s("vm"), bad, i32(OUT + 16)),
          note("proxy_dequeue_shared_queue", `(i32.load (i32.const ${OUT}))`, out),
          note("proxy_enqueue_shared_queue", `(i32.load (i32.const ${OUT + 8}))`, s("first")),
          note("proxy_enqueue_shared_queue", `(i32.load (i32.const ${OUT + 8}))`, s("")),
          note("proxy_enqueue_shared_queue", i32(99), s("x")),
          note("proxy_enqueue_shared_queue", `(i32.load (i32.const ${OUT + 8}))`, bad),
          note("proxy_dequeue_shared_queue", i32(99), out),
          note("proxy_dequeue_shared_queue", `(i32.load (i32.const ${OUT + 8}))`, i32(BAD, OUT)),
          "(i32.const 0)",
        ].join("\n"),
        proxy_on_queue_ready: `(call $note (i32.const 55)) ${
          note("proxy_dequeue_shared_queue", "(local.get $a)", i32(0x200, 0x204))
        }
          (call $note (i32.load (i32.const 0x204)))`,
      },
    }),
  );
  assert.equal(host.notes(), [0, 0, 6, 6]);
  assert.is(host.u32(OUT), host.u32(OUT + 4));
  assert.is.not(host.u32(OUT), 0);
  host.request();
  assert.equal(host.notes(), [0, 0, 1, 6, 7, 0, 0, 1, 6, 1, 6]);
  assert.is(host.u32(OUT + 8), host.u32(OUT + 12));
  host.env.clock.advance(0);
  assert.equal(host.notes(), [55, 0, 5, 55, 0, 0]);
  host.env.clock.advance(10);
  assert.equal(host.notes(), []);
});

// --- Metrics ---

test("metrics: define, count, read; ids are stable", async () => {
  const i64 = (value: number | string): string => `(i64.const ${value})`;
  const { host, notes } = await run([
    note("proxy_define_metric", i32(0), s("c"), i32(0x200)),
    note("proxy_define_metric", i32(1), s("g"), i32(0x204)),
    note("proxy_define_metric", i32(2), s("h"), i32(0x208)),
    note("proxy_define_metric", i32(0), s("c"), i32(0x20c)),
    note("proxy_define_metric", i32(3), s("x"), i32(0x210)),
    note("proxy_define_metric", i32(-1), s("x"), i32(0x210)),
    note("proxy_define_metric", i32(0), bad, i32(0x210)),
    note("proxy_define_metric", i32(0), s("x"), i32(BAD)),
    note("proxy_increment_metric", i32(4), i64(3)),
    note("proxy_increment_metric", i32(4), i64(0)),
    note("proxy_increment_metric", i32(4), i64(-1)),
    note("proxy_increment_metric", i32(5), i64(-5)),
    note("proxy_increment_metric", i32(6), i64(1)),
    note("proxy_increment_metric", i32(8), i64(1)),
    note("proxy_increment_metric", i32(7), i64(1)),
    note("proxy_record_metric", i32(4), i64(4)),
    note("proxy_record_metric", i32(6), i64(9)),
    note("proxy_record_metric", i32(6), i64(-1)),
    note("proxy_record_metric", i32(12), i64(9)),
    note("proxy_get_metric", i32(4), i32(0x220)),
    note("proxy_get_metric", i32(5), i32(0x228)),
    note("proxy_get_metric", i32(6), i32(0x230)),
    note("proxy_get_metric", i32(13), i32(0x230)),
    note("proxy_get_metric", i32(10), i32(0x230)),
    note("proxy_get_metric", i32(7), i32(0x230)),
    note("proxy_get_metric", i32(4), i32(BAD)),
    note("proxy_record_metric", i32(5), i64("0x10000000000")),
    note("proxy_get_metric", i32(5), i32(0x230)),
  ].join("\n"));
  assert.equal(notes, [0, 0, 0, 0, 2, 2, 6, 6, 0, 2, 2, 0, 2, 1, 2, 0, 0, 0, 1, 0, 0, 2, 1, 2, 2, 6, 0, 0]);
  assert.equal([0x200, 0x204, 0x208, 0x20c].map((at) => host.u32(at)), [4, 5, 6, 4]);
  assert.is(host.u64(0x220), 7n);
  assert.is(BigInt.asIntN(64, host.u64(0x228)), -5n);
  assert.is(host.u64(0x230), 1n << 40n);
  assert.equal([...host.env.stats.keys()], ["counter c", "gauge g", "histogram h"]);
  assert.equal(host.env.stats.get("histogram h")!.samples, [9, 2 ** 64]);
});

test("a VM may not have endlessly many metrics", async () => {
  const { host, notes } = await run(
    note("proxy_define_metric", i32(0), s("a"), i32(OUT)) + note("proxy_define_metric", i32(0), s("b"), i32(OUT)) +
      note("proxy_define_metric", i32(0), s("a"), i32(OUT)),
    { maxMetrics: 1 },
  );
  assert.equal(notes, [0, 0, 0]);
  assert.is(host.env.stats.size, 1);
});

// --- Contexts ---

test("the effective context lasts until the callback returns", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `
          (if (i32.eqz (global.get $first)) (then (global.set $first (local.get $id)) (return (i32.const 0))))
          ${note("proxy_set_effective_context", "(global.get $first)")}
          ${note("proxy_set_effective_context", i32(12345))}
          ${note("proxy_get_header_map_value", i32(0), s("x-a"), out)} (i32.const 0)`,
        proxy_on_request_body: `${
          note("proxy_get_header_map_value", i32(0), s("x-a"), i32(0x200, 0x204))
        } (i32.const 0)`,
      },
      fields: "(global $first (mut i32) (i32.const 0))",
    }),
  );
  host.request({ ...GET, "x-a": "of the first" });
  const second = host.request({ ...GET, "x-a": "of the second" }, false);
  assert.equal(host.notes(), [0, 2, 0]);
  assert.is(host.result(), "of the first");
  second.filter.onRequestBody!((await import("./guest.ts")).queueOf("x"), true);
  assert.is(host.result(0x200), "of the second");
});

test("proxy_done without a pending end is NotFound", async () => {
  assert.equal((await run(note("proxy_done"))).notes, [1]);
});

// --- Streams of ABI 0.1.0 and unknown types ---

test("continue and clear_route_cache of 0.1.0, with and without a result", async () => {
  const host = new Host(
    await guest({
      marker: "proxy_abi_version_0_1_0",
      callbacks: {
        proxy_on_request_headers: `${note("proxy_clear_route_cache")} ${note("proxy_continue_request")} ${
          note("proxy_continue_response")
        } (i32.const 1)`,
      },
    }),
  );
  assert.is(host.request().stream.events.join(), "clearRouteCache");
  assert.equal(host.notes(), [0, 0, 0]);
});

test("continue_stream: unknown types, the upstream in Envoy", async () => {
  const body = [-1, 4, 2, 3].map((type) => note("proxy_continue_stream", i32(type))).join("\n");
  assert.equal((await run(body)).notes, [2, 2, 0, 0]);
  assert.equal((await run(body, { compat: "envoy" })).notes, [2, 2, 0, 12]);
});

// --- Foreign functions ---

test("foreign functions: results, statuses, unwanted results, bad pointers", async () => {
  const env = new FakeEnvironment();
  env.foreignFunctions.set("echo", (_call, args) => args);
  env.foreignFunctions.set("refuse", () => Status.BadArgument);
  env.foreignFunctions.set("nothing", () => Status.Ok);
  const { host, notes, stream } = await run(
    [
      note("proxy_call_foreign_function", s("echo"), s("abc"), out),
      note("proxy_call_foreign_function", s("echo"), s("abcd"), i32(0, 0x200)),
      note("proxy_call_foreign_function", s("echo"), s("abc"), i32(0, 0)),
      note("proxy_call_foreign_function", s("refuse"), s(""), i32(0x204, 0x208)),
      note("proxy_call_foreign_function", s("nothing"), s(""), i32(0x204, 0x208)),
      note("proxy_call_foreign_function", s("nope"), s(""), i32(0x204, 0x208)),
      note("proxy_call_foreign_function", bad, s(""), i32(0x204, 0x208)),
      note("proxy_call_foreign_function", s("echo"), bad, i32(0x204, 0x208)),
      note("proxy_call_foreign_function", s("echo"), s("abc"), i32(BAD, OUT)),
      note("proxy_call_foreign_function", s("clear_route_cache"), s(""), i32(0, 0)),
    ].join("\n"),
    {},
    env,
  );
  assert.equal(notes, [0, 0, 0, 2, 0, 1, 6, 6, 6, 0]);
  assert.is(host.result(), "abc");
  assert.is(host.u32(0x200), 4);
  assert.equal(stream.events, ["clearRouteCache"]);
});

test("the embedder calls the guest's foreign function", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_foreign_function: `(call $note (local.get $a)) (call $note (local.get $b))
          ${note("proxy_get_buffer_bytes", i32(8, 0, 99), out)}`,
      },
    }),
  );
  host.plugin.root.callForeign(7, new TextEncoder().encode("args"));
  assert.equal(host.notes(), [7, 4, 0]);
  assert.is(host.result(), "args");
});

test("header maps as properties decode as pairs", async () => {
  const env = new FakeEnvironment();
  env.attributes.set("request.headers", { kind: "headers", value: HeaderMap.of({ a: "1", b: "2" }) });
  const { host } = await run(note("proxy_get_property", s("request\0headers"), out), {}, env);
  assert.equal(decodePairs(host.resultBytes()), [["a", "1"], ["b", "2"]]);
});

test.run();
