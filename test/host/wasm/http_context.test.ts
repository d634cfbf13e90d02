// test/host/wasm/http_context.test.ts: the callbacks of an HTTP stream: order, statuses, pause, resume.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { FakeHttpStream, GET, guest, Host, i32, note, out, queueOf, s } from "./guest.ts";

/** Notes a number for each callback and answers 0. */
const ORDER = {
  proxy_on_context_create: "(call $note (i32.add (i32.const 100) (local.get $a)))",
  proxy_on_request_headers:
    "(call $note (i32.const 1)) (call $note (local.get $a)) (call $note (local.get $b)) (i32.const 0)",
  proxy_on_request_body:
    "(call $note (i32.const 2)) (call $note (local.get $a)) (call $note (local.get $b)) (i32.const 0)",
  proxy_on_request_trailers: "(call $note (i32.const 3)) (call $note (local.get $a)) (i32.const 0)",
  proxy_on_response_headers:
    "(call $note (i32.const 4)) (call $note (local.get $a)) (call $note (local.get $b)) (i32.const 0)",
  proxy_on_response_body: "(call $note (i32.const 5)) (i32.const 0)",
  proxy_on_response_trailers: "(call $note (i32.const 6)) (i32.const 0)",
  proxy_on_done: "(call $note (i32.const 7)) (i32.const 1)",
  proxy_on_log: "(call $note (i32.const 8))",
  proxy_on_delete: "(call $note (i32.const 9))",
};

test("a whole stream, in the specification's order", async () => {
  const host = new Host(await guest({ callbacks: ORDER }));
  assert.equal(host.notes(), [100]);
  const { stream, filter, status } = host.request(GET, false);
  assert.is(status, 0);
  assert.equal(host.notes(), [101, 1, 4, 0]);
  assert.is(filter.onRequestBody!(queueOf("abc"), false), 0);
  assert.is(filter.onRequestTrailers!(HeaderMap.of({ t: "1" })), 0);
  stream.responseHeaders = HeaderMap.of({ ":status": "200" });
  assert.is(filter.onResponseHeaders!(stream.responseHeaders, false), 0);
  assert.is(filter.onResponseBody!(queueOf("x"), false), 0);
  assert.is(filter.onResponseTrailers!(new HeaderMap()), 0);
  assert.equal(host.notes(), [2, 3, 0, 3, 1, 4, 1, 0, 5, 6]);
  filter.onDone!();
  filter.onLog!();
  filter.onDestroy!();
  filter.onDestroy!();
  assert.equal(host.notes(), [7, 8, 9]);
  assert.is(host.plugin.root.streamCount, 0);
});

test("Envoy logs before it ends the stream", async () => {
  const host = new Host(await guest({ callbacks: ORDER }), { compat: "envoy" });
  const { filter } = host.request();
  host.notes();
  filter.onDone!();
  filter.onLog!();
  filter.onDestroy!();
  assert.equal(host.notes(), [8, 7, 9]);
});

test("destroying alone ends, logs and deletes", async () => {
  const host = new Host(await guest({ callbacks: ORDER }));
  const { filter } = host.request();
  host.notes();
  filter.onDestroy!();
  assert.equal(host.notes(), [7, 8, 9]);
});

test("a stream that never reached the guest gets the callbacks of its end only", async () => {
  const host = new Host(await guest({ callbacks: ORDER }));
  const { filter } = host.stream();
  host.notes();
  assert.is(filter.onResponseHeaders!(HeaderMap.of({ ":status": "404" }), true), 0);
  filter.onDone!();
  filter.onLog!();
  filter.onDestroy!();
  assert.equal(host.notes(), [101, 7, 8, 9]);
});

test("methods without a callback are absent", async () => {
  const host = new Host(await guest({ callbacks: { proxy_on_response_headers: "(i32.const 0)" } }));
  const { filter } = host.request();
  for (
    const name of [
      "onRequestBody",
      "onRequestTrailers",
      "onResponseBody",
      "onResponseTrailers",
      "onDone",
      "onLog",
    ] as const
  ) {
    assert.is(filter[name], undefined, name);
  }
  assert.type(filter.onResponseHeaders, "function");
  assert.type(filter.onDestroy, "function");
});

test("header callbacks of 0.1.0 take no end of stream", async () => {
  const host = new Host(
    await guest({
      marker: "proxy_abi_version_0_1_0",
      callbacks: {},
      fields: `(func (export "proxy_on_request_headers") (param i32 i32) (result i32)
        (call $note (local.get 1)) (i32.const 0))`,
    }),
  );
  assert.is(host.request().status, 0);
  assert.equal(host.notes(), [4]);
});

for (
  const [returned, expected, allowed] of [
    [0, 0, 0],
    [1, 4, 1],
    [2, 0, 0],
    [3, 3, 3],
    [4, 4, 4],
    [77, 4, 4],
  ] as const
) {
  test(`a header callback that answers ${returned}`, async () => {
    const module = await guest({ callbacks: { proxy_on_request_headers: `(i32.const ${returned})` } });
    assert.is(new Host(module).request().status, expected);
    assert.is(new Host(module, { allowOnHeadersStopIteration: true }).request().status, allowed);
  });
}

for (const [returned, expected] of [[0, 0], [1, 1], [2, 2], [3, 3], [9, 3]] as const) {
  test(`a body callback that answers ${returned}`, async () => {
    const host = new Host(await guest({ callbacks: { proxy_on_request_body: `(i32.const ${returned})` } }));
    const { filter } = host.request(GET, false);
    assert.is(filter.onRequestBody!(queueOf("x"), true), expected);
  });
}

test("a trailer callback stops with anything but 0", async () => {
  const host = new Host(await guest({ callbacks: { proxy_on_request_trailers: "(i32.const 3)" } }));
  const { filter } = host.request(GET, false);
  assert.is(filter.onRequestTrailers!(new HeaderMap()), 1);
});

test("going on from within the callback that pauses means not to pause", async () => {
  const host = new Host(
    await guest({ callbacks: { proxy_on_request_headers: `${note("proxy_continue_stream", i32(0))} (i32.const 1)` } }),
  );
  const { stream, status } = host.request();
  assert.is(status, 0);
  assert.equal(stream.events, []);
  assert.equal(host.notes(), [0]);
});

test("going on after a pause, from a tick, once", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_vm_start: `${note("proxy_set_tick_period_milliseconds", i32(10))} (i32.const 1)`,
        proxy_on_request_headers: "(global.set $stream (local.get $id)) (i32.const 1)",
        proxy_on_tick: `${note("proxy_set_effective_context", "(global.get $stream)")}
          ${note("proxy_continue_stream", i32(0))} ${note("proxy_continue_stream", i32(0))}`,
      },
      fields: "(global $stream (mut i32) (i32.const 0))",
    }),
  );
  const { stream, status } = host.request();
  assert.is(status, 4);
  assert.equal(stream.events, []);
  host.env.clock.advance(10);
  assert.equal(stream.events, ["continueRequest"]);
  host.env.clock.advance(10);
  assert.equal(stream.events, ["continueRequest"]);
});

test("a response is resumed on its own", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_response_headers: "(i32.const 1)",
        proxy_on_request_trailers: `${note("proxy_continue_stream", i32(1))} (i32.const 0)`,
      },
    }),
  );
  const { stream, filter } = host.request(GET, false);
  assert.is(filter.onResponseHeaders!(HeaderMap.of({ ":status": "200" }), true), 4);
  filter.onRequestTrailers!(new HeaderMap());
  assert.equal(stream.events, ["continueResponse"]);
});

test("a local reply waits for the guest's return and stops the callback whatever it answers", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `
          ${
          note(
            "proxy_send_local_response",
            i32(403),
            s("a b"),
            s("no"),
            s("\x01\0\0\0\x03\0\0\0\x01\0\0\0X-y\0z\0"),
            i32(-1),
          )
        }
          ${note("proxy_send_local_response", i32(500), s(""), s(""), s(""), i32(-1))}
          (i32.const 0)`,
      },
    }),
  );
  const stream = new FakeHttpStream();
  const filter = host.plugin.createHttpFilter(stream)!;
  let wasInGuest = true;
  stream.onEvent = () => wasInGuest = host.plugin.root.vm.inGuest;
  stream.requestHeaders = HeaderMap.of(GET);
  assert.is(filter.onRequestHeaders!(stream.requestHeaders, true), 4);
  assert.equal(host.notes(), [0, 0]);
  assert.is(wasInGuest, false);
  assert.is(stream.replies.length, 1);
  const [reply] = stream.replies;
  assert.is(reply!.status, 403);
  assert.is(reply!.details, "a_b");
  assert.equal(reply!.body, new TextEncoder().encode("no"));
  assert.equal(reply!.headers, [["x-y", "z"]]);
  assert.is(reply!.grpcStatus, undefined);
});

test("the response of one's own local reply is not stopped by it", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `${
          note("proxy_send_local_response", i32(403), s(""), s(""), s(""), i32(7))
        } (i32.const 0)`,
        proxy_on_response_headers: "(call $note (i32.const 42)) (i32.const 0)",
      },
    }),
  );
  const { stream, filter } = host.stream();
  let status = -1;
  stream.onEvent = () => status = filter.onResponseHeaders!(HeaderMap.of({ ":status": "403" }), true);
  stream.requestHeaders = HeaderMap.of(GET);
  assert.is(filter.onRequestHeaders!(stream.requestHeaders, true), 4);
  assert.is(status, 0);
  assert.equal(host.notes(), [0, 42]);
  assert.is(stream.replies[0]!.grpcStatus, 7);
});

test("a status that cannot be sent becomes 500, malformed headers are left out, both are explained", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `${
          note("proxy_send_local_response", i32(7), s(""), s(""), s("bad"), i32(-1))
        } (i32.const 0)`,
      },
    }),
  );
  const { stream } = host.request();
  assert.is(stream.replies[0]!.status, 500);
  assert.equal(stream.replies[0]!.headers, []);
  assert.is(host.env.texts(3).length, 2);
});

test("closing resets the stream after the call", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `${note("proxy_close_stream", i32(0))} ${
          note("proxy_close_stream", i32(9))
        } (i32.const 1)`,
      },
    }),
  );
  const { stream } = host.request();
  assert.equal(stream.events, ["reset wasm_close_stream"]);
  assert.equal(host.notes(), [0, 2]);
});

test("nothing that comes after the end reaches the stream", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_log: `${note("proxy_send_local_response", i32(500), s(""), s(""), s(""), i32(-1))}
          ${note("proxy_continue_stream", i32(0))} ${note("proxy_close_stream", i32(0))}`,
      },
    }),
  );
  const { stream, filter } = host.request();
  filter.onLog!();
  filter.onDestroy!();
  assert.equal(stream.events, []);
  assert.equal(host.notes(), [0, 0, 0]);
});

test("a hundred thousand streams leave nothing behind", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `(drop (call $proxy_get_header_map_value (i32.const 0) ${s(":path")} ${out}))
          (global.set $heap (i32.const 0xa000)) (i32.const 0)`,
      },
    }),
  );
  for (let i = 0; i < 100_000; i++) host.request().filter.onDestroy!();
  assert.is(host.plugin.root.vm.contexts.size, 1);
  assert.is(host.plugin.root.streamCount, 0);
  assert.is(host.plugin.root.vm.memoryBytes, 65536);
});

test.run();
