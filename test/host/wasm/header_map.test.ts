// test/host/wasm/header_map.test.ts: host functions on headers and trailers.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodePairs, encodePairs } from "../../../abi/mod.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { BAD, GET, guest, Host, i32, note, OUT, out, queueOf, run, s } from "./guest.ts";

const bad = i32(BAD, 4);

test("the first value of a key, whatever the case", async () => {
  const { host, notes } = await run(note("proxy_get_header_map_value", i32(0), s(":PATH"), out));
  assert.equal(notes, [0]);
  assert.is(host.result(), "/p");
});

test("long names too, and bytes above 0x7f survive", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `${
          note("proxy_get_header_map_value", i32(0), s("X-Rather-Long-Name"), out)
        } (i32.const 0)`,
      },
    }),
  );
  host.request({ ...GET, "x-rather-long-name": "\xc3\xa9 caf\xe9" });
  assert.equal(host.notes(), [0]);
  assert.is(host.result(), "\xc3\xa9 caf\xe9");
});

test("an empty value is Ok without an allocation", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `(i32.store (i32.const ${OUT}) (i32.const 9)) (i32.store (i32.const ${
          OUT + 4
        }) (i32.const 9))
          ${note("proxy_get_header_map_value", i32(0), s("e"), out)} (call $note (global.get $heap)) (i32.const 0)`,
      },
    }),
  );
  host.request({ ...GET, e: "" });
  assert.equal(host.notes(), [0, 0xa000]);
  assert.is(host.u32(OUT), 0);
  assert.is(host.u32(OUT + 4), 0);
});

test("absent keys, names that are none, unknown maps, bad pointers", async () => {
  const { notes } = await run([
    note("proxy_get_header_map_value", i32(0), s("nope"), out),
    note("proxy_get_header_map_value", i32(0), s(""), out),
    note("proxy_get_header_map_value", i32(0), s("a b"), out),
    note("proxy_get_header_map_value", i32(8), s("x-a"), out),
    note("proxy_get_header_map_value", i32(-1), s("x-a"), out),
    note("proxy_get_header_map_value", i32(0), bad, out),
    note("proxy_get_header_map_value", i32(0), i32(0, -1), out),
    note("proxy_get_header_map_value", i32(0), s("x-a"), i32(BAD, OUT)),
    note("proxy_get_header_map_value", i32(0), s("x-a"), i32(OUT, BAD)),
    note("proxy_get_header_map_value", i32(0), s("x-a"), i32(0xfffe, OUT)),
  ].join("\n"));
  assert.equal(notes, [1, 1, 1, 2, 2, 6, 6, 6, 6, 6]);
});

test("an absent key in 0.1.0 is an empty value", async () => {
  const host = new Host(
    await guest({
      marker: "proxy_abi_version_0_1_0",
      callbacks: {
        proxy_on_request_headers: `${note("proxy_get_header_map_value", i32(0), s("nope"), out)} (i32.const 0)`,
      },
    }),
  );
  host.request();
  assert.equal(host.notes(), [0]);
});

test("a map that is not there: NotFound, in Envoy BadArgument", async () => {
  const body = note("proxy_get_header_map_value", i32(2), s("x-a"), out) +
    note("proxy_get_header_map_value", i32(6), s("x-a"), out);
  assert.equal((await run(body)).notes, [1, 1]);
  assert.equal((await run(body, { compat: "envoy" })).notes, [2, 2]);
});

test("request headers stay readable after they went on, but cannot be changed", async () => {
  const module = await guest({
    callbacks: {
      proxy_on_request_headers: "(i32.const 0)",
      proxy_on_request_body: `${note("proxy_get_header_map_value", i32(0), s("x-a"), out)}
        ${note("proxy_add_header_map_value", i32(0), s("x-b"), s("1"))}
        ${note("proxy_set_header_map_pairs", i32(0), s("\0"))}
        ${note("proxy_remove_header_map_value", i32(0), s("x-a"))} (i32.const 0)`,
    },
  });
  const host = new Host(module);
  const { filter, stream } = host.request(GET, false);
  filter.onRequestBody!(queueOf("x"), true);
  assert.equal(host.notes(), [0, 2, 2, 2]);
  assert.is(stream.requestHeaders!.size, 4);
  assert.match(
    host.env.texts(3)[0]!,
    /proxy_add_header_map_value: map HttpRequestHeaders cannot be changed now.*proxy_on_request_body/,
  );
  const envoy = new Host(module, { compat: "envoy" });
  envoy.request(GET, false).filter.onRequestBody!(queueOf("x"), true);
  assert.equal(envoy.notes(), [2, 2, 2, 2]);
});

test("changes while the headers are held by a pause", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_vm_start: `${note("proxy_set_tick_period_milliseconds", i32(1))} (i32.const 1)`,
        proxy_on_request_headers: "(global.set $stream (local.get $id)) (i32.const 1)",
        proxy_on_tick: `(drop (call $proxy_set_effective_context (global.get $stream)))
          ${note("proxy_replace_header_map_value", i32(0), s("X-A"), s("2"))}
          (drop (call $proxy_continue_stream (i32.const 0)))`,
      },
      fields: "(global $stream (mut i32) (i32.const 0))",
    }),
  );
  const { stream } = host.request();
  host.notes();
  host.env.clock.advance(1);
  host.env.clock.advance(1);
  assert.equal(host.notes(), [0, 2]);
  assert.is(stream.requestHeaders!.get("x-a"), "2");
  assert.equal(stream.events, ["clearRouteCache", "continueRequest"]);
});

test("add, replace and remove, with the route forgotten each time", async () => {
  const { notes, stream } = await run([
    note("proxy_add_header_map_value", i32(0), s("X-A"), s("2")),
    note("proxy_add_header_map_value", i32(0), s("a-name-above-eight-bytes"), s("v")),
    note("proxy_replace_header_map_value", i32(0), s(":path"), s("/q")),
    note("proxy_replace_header_map_value", i32(0), s("new"), s("n")),
    note("proxy_remove_header_map_value", i32(0), s("Absent")),
  ].join("\n"));
  assert.equal(notes, [0, 0, 0, 0, 0]);
  const headers = stream.requestHeaders!;
  assert.equal(headers.getAll("x-a"), ["1", "2"]);
  assert.is(headers.get("a-name-above-eight-bytes"), "v");
  assert.is(headers.path, "/q");
  assert.is(headers.get("new"), "n");
  assert.is(stream.events.length, 5);
});

test("replace overwrites all, remove removes all", async () => {
  const { stream } = await run([
    note("proxy_add_header_map_value", i32(0), s("x-a"), s("2")),
    note("proxy_add_header_map_value", i32(0), s("x-b"), s("1")),
    note("proxy_add_header_map_value", i32(0), s("x-b"), s("2")),
    note("proxy_replace_header_map_value", i32(0), s("x-a"), s("3")),
    note("proxy_remove_header_map_value", i32(0), s("X-B")),
  ].join("\n"));
  assert.equal(stream.requestHeaders!.getAll("x-a"), ["3"]);
  assert.equal(stream.requestHeaders!.getAll("x-b"), []);
});

test("names and values cannot smuggle lines", async () => {
  const { notes, stream } = await run([
    note("proxy_add_header_map_value", i32(0), s("x-n"), s("a\r\nevil: 1\0")),
    note("proxy_add_header_map_value", i32(0), s("x\r\ny"), s("1")),
    note("proxy_add_header_map_value", i32(0), s("x:y"), s("1")),
    note("proxy_add_header_map_value", i32(0), s(""), s("1")),
    note("proxy_replace_header_map_value", i32(0), s("with space in it"), s("1")),
    note("proxy_remove_header_map_value", i32(0), s("x\r\ny")),
    note("proxy_set_header_map_pairs", i32(0), s("\x01\0\0\0\x01\0\0\0\x03\0\0\0k\0a\nb\0")),
  ].join("\n"));
  assert.equal(notes, [0, 2, 2, 2, 2, 0, 0]);
  assert.equal(stream.requestHeaders!.entries(), [["k", "a b"]]);
});

test("bad pointers of the mutators", async () => {
  const { notes, stream } = await run([
    note("proxy_add_header_map_value", i32(0), bad, s("1")),
    note("proxy_add_header_map_value", i32(0), s("a"), bad),
    note("proxy_replace_header_map_value", i32(0), bad, s("1")),
    note("proxy_replace_header_map_value", i32(0), s("a"), i32(65535, 2)),
    note("proxy_remove_header_map_value", i32(0), bad),
    note("proxy_set_header_map_pairs", i32(0), bad),
    note("proxy_add_header_map_value", i32(9), s("a"), s("1")),
    note("proxy_add_header_map_value", i32(6), s("a"), s("1")),
  ].join("\n"));
  assert.equal(notes, [6, 6, 6, 6, 6, 6, 2, 2]);
  assert.is(stream.requestHeaders!.size, 4);
});

test("all pairs, pseudo-headers first", async () => {
  const { host, notes } = await run(
    note("proxy_get_header_map_pairs", i32(0), out) + note("proxy_get_header_map_size", i32(0), i32(OUT + 8)),
  );
  assert.equal(notes, [0, 0]);
  assert.equal(decodePairs(host.resultBytes()), [[":authority", "a.test"], [":path", "/p"], [":method", "GET"], [
    "x-a",
    "1",
  ]]);
  assert.is(host.u32(OUT + 8), host.resultBytes().length);
});

test("pairs of maps that are not there or unknown", async () => {
  const { host, notes } = await run([
    `(i32.store (i32.const ${OUT + 4}) (i32.const 9))`,
    note("proxy_get_header_map_pairs", i32(2), out),
    note("proxy_get_header_map_pairs", i32(8), out),
    note("proxy_get_header_map_pairs", i32(0), i32(BAD, OUT)),
    note("proxy_get_header_map_size", i32(3), i32(OUT + 8)),
    note("proxy_get_header_map_size", i32(-1), i32(OUT + 8)),
    note("proxy_get_header_map_size", i32(0), i32(BAD)),
  ].join("\n"));
  assert.equal(notes, [0, 2, 6, 0, 2, 6]);
  assert.is(host.u32(OUT + 4), 0);
});

test("setting all pairs; malformed ones change nothing", async () => {
  const wire = (pairs: [string, string][]): string => String.fromCharCode(...encodePairs(pairs));
  const { notes, stream, host } = await run([
    note("proxy_set_header_map_pairs", i32(0), s("\x05\0\0\0")),
    note("proxy_set_header_map_pairs", i32(0), s(wire([[":path", "/n"], ["A", "1"], ["a", "2"]]))),
  ].join("\n"));
  assert.equal(notes, [2, 0]);
  assert.equal(stream.requestHeaders!.entries(), [[":path", "/n"], ["a", "1"], ["a", "2"]]);
  assert.match(host.env.texts(3)[0]!, /malformed/);
});

test("trailers: readable in their callback, made in the last body callback", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_body: `${note("proxy_add_header_map_value", i32(1), s("t"), s("1"))} (i32.const 0)`,
        proxy_on_response_trailers: `${note("proxy_get_header_map_value", i32(3), s("rt"), out)}
          ${note("proxy_replace_header_map_value", i32(3), s("rt"), s("2"))}
          ${note("proxy_add_header_map_value", i32(1), s("t"), s("1"))} (i32.const 0)`,
      },
    }),
  );
  const { stream, filter } = host.request(GET, false);
  filter.onRequestBody!(queueOf("x"), false);
  assert.is(stream.requestTrailers, null);
  filter.onRequestBody!(queueOf("x"), true);
  assert.is(stream.requestTrailers!.get("t"), "1");
  stream.responseTrailers = HeaderMap.of({ rt: "1" });
  filter.onResponseTrailers!(stream.responseTrailers);
  assert.equal(host.notes(), [2, 0, 0, 0, 2]);
  assert.is(stream.responseTrailers.get("rt"), "2");
});

test("in the log phase everything is readable and nothing changeable", async () => {
  const module = await guest({
    callbacks: {
      proxy_on_log: [0, 1, 2, 3].map((map) => note("proxy_get_header_map_value", i32(map), s("k"), out)).join("\n") +
        note("proxy_add_header_map_value", i32(0), s("k"), s("1")),
    },
  });
  for (const [compat, expected] of [["nuncio", [0, 0, 0, 0, 2]], ["envoy", [0, 1, 0, 0, 2]]] as const) {
    const host = new Host(module, { compat });
    const { stream, filter } = host.request({ ...GET, k: "1" });
    stream.requestTrailers = stream.responseHeaders = stream.responseTrailers = HeaderMap.of({ k: "1" });
    filter.onDone?.();
    filter.onLog!();
    assert.equal(host.notes(), expected, compat);
  }
});

test.run();
