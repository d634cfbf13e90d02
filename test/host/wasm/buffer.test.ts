// test/host/wasm/buffer.test.ts: host functions on bodies, connection data and configuration.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ByteQueue } from "../../../host/base/byte_queue.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { BAD, GET, guest, Host, i32, note, OUT, out, queueOf, run, s, textOf } from "./guest.ts";

/** Runs `body` in the request's last body callback over "hello " and "world". */
async function inBody(
  body: string,
  compat: "nuncio" | "envoy" = "nuncio",
): Promise<{ host: Host; notes: number[]; queue: ByteQueue }> {
  const host = new Host(await guest({ callbacks: { proxy_on_request_body: `${body} (i32.const 0)` } }), { compat });
  const { filter } = host.request(GET, false);
  const queue = new ByteQueue();
  queue.push(new TextEncoder().encode("hello "));
  queue.push(new TextEncoder().encode("world"));
  filter.onRequestBody!(queue, true);
  return { host, notes: host.notes(), queue };
}

test("bytes of a body, clamped", async () => {
  for (
    const [start, max, expected] of [
      [0, 5, "hello"],
      [4, 4, "o wo"],
      [6, -1, "world"],
      [0, -1, "hello world"],
      [11, 5, ""],
      [-1, -1, ""],
    ] as const
  ) {
    const { host, notes } = await inBody(note("proxy_get_buffer_bytes", i32(0, start, max), out));
    assert.equal(notes, [0]);
    assert.is(host.result(), expected, `${start} ${max}`);
  }
});

test("bad types and pointers", async () => {
  const { notes } = await inBody([
    note("proxy_get_buffer_bytes", i32(9, 0, 1), out),
    note("proxy_get_buffer_bytes", i32(-1, 0, 1), out),
    note("proxy_get_buffer_bytes", i32(0, 0, 1), i32(BAD, OUT)),
    note("proxy_get_buffer_bytes", i32(0, 0, 1), i32(OUT, BAD)),
    note("proxy_set_buffer_bytes", i32(9, 0, 1), s("x")),
    note("proxy_set_buffer_bytes", i32(0, 0, 1), i32(BAD, 1)),
    note("proxy_get_buffer_status", i32(9), out),
    note("proxy_get_buffer_status", i32(0), i32(BAD, OUT)),
    note("proxy_get_buffer_status", i32(0), i32(OUT, BAD)),
  ].join("\n"));
  assert.equal(notes, [2, 2, 6, 6, 2, 6, 2, 6, 6]);
});

test("edits anywhere; Envoy refuses the middle", async () => {
  for (
    const [start, size, text, expected, envoy] of [
      [0, 0, "A ", "A hello world", 0],
      [0, 5, "HI", "HI world", 0],
      [0, -1, "new", "new", 0],
      [0, -1, "", "", 0],
      [11, 0, "!", "hello world!", 0],
      [99, 7, "!", "hello world!", 0],
      [5, 1, "--", "hello--world", 2],
      [6, 99, "x", "hello x", 2],
    ] as const
  ) {
    const body = note("proxy_set_buffer_bytes", i32(0, start, size), s(text));
    const { notes, queue } = await inBody(body);
    assert.equal(notes, [0]);
    assert.is(textOf(queue), expected);
    assert.equal((await inBody(body, "envoy")).notes, [envoy]);
  }
});

test("the status of a buffer", async () => {
  const { host, notes } = await inBody(
    `(i32.store (i32.const ${OUT + 4}) (i32.const 9)) ${note("proxy_get_buffer_status", i32(0), out)}`,
  );
  assert.equal(notes, [0]);
  assert.is(host.u32(OUT), 11);
  assert.is(host.u32(OUT + 4), 0);
});

test("outside their phase stream buffers are empty, callout bodies and configuration are not there", async () => {
  const { host, notes } = await run([
    ...[0, 1, 2, 3, 4, 5, 7, 8].map((type) => note("proxy_get_buffer_bytes", i32(type, 0, 9), out)),
    ...[0, 4, 7].map((type) => note("proxy_get_buffer_status", i32(type), out)),
    ...[0, 4, 6, 7].map((type) => note("proxy_set_buffer_bytes", i32(type, 0, 0), s("x"))),
  ].join("\n"));
  assert.equal(notes, [0, 0, 0, 0, 1, 0, 1, 0, 0, 1, 1, 2, 1, 2, 1]);
  assert.match(host.env.texts(3)[0]!, /buffer HttpRequestBody cannot be changed now/);
});

test("a body held by a pause can be read and edited from elsewhere", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_body: "(global.set $stream (local.get $id)) (i32.const 1)",
        proxy_on_response_headers: `(drop (call $proxy_set_effective_context (global.get $stream)))
          ${note("proxy_get_buffer_bytes", i32(0, 0, 99), out)}
          ${note("proxy_set_buffer_bytes", i32(0, 0, 99), s("edited"))} (i32.const 0)`,
      },
      fields: "(global $stream (mut i32) (i32.const 0))",
    }),
  );
  const { stream, filter } = host.request(GET, false);
  assert.is(filter.onRequestBody!(queueOf("abc"), false), 1);
  stream.bufferedRequestBody = queueOf("abc");
  filter.onResponseHeaders!(HeaderMap.of({ ":status": "200" }), true);
  assert.equal(host.notes(), [0, 0]);
  assert.is(host.result(), "abc");
  assert.is(textOf(stream.bufferedRequestBody), "edited");
});

test("the configurations: the VM's always, the plugin's while it is configured", async () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_vm_start: `(call $note (local.get $a)) ${
          note("proxy_get_buffer_bytes", i32(6, 0, 9), i32(OUT + 8, OUT + 12))
        }
          ${note("proxy_get_buffer_bytes", i32(7, 0, 9), out)} (i32.const 1)`,
        proxy_on_configure: `(call $note (local.get $a)) ${
          note("proxy_get_buffer_bytes", i32(7, 1, 2), out)
        } (i32.const 1)`,
      },
    }),
    { vmConfiguration: bytes("vm!"), pluginConfiguration: bytes("plugin") },
  );
  assert.equal(host.notes(), [3, 0, 1, 6, 0]);
  assert.is(host.result(OUT + 8), "vm!");
  assert.is(host.result(), "lu");
});

test("proxy_get_configuration of 0.1.0", async () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const call = note("proxy_get_configuration", out);
  const host = new Host(
    await guest({
      marker: "proxy_abi_version_0_1_0",
      callbacks: {
        proxy_on_configure: `${call} ${note("proxy_get_configuration", i32(BAD, OUT))} (i32.const 1)`,
        proxy_on_tick: call,
      },
    }),
    { vmConfiguration: bytes("vm!"), pluginConfiguration: bytes("plugin") },
  );
  assert.equal(host.notes(), [0, 6]);
  assert.is(host.result(), "plugin");
});

test("an edited body that is still behind its headers gets a true content-length", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: "(i32.const 1)",
        proxy_on_request_body: `(drop (call $proxy_set_buffer_bytes ${i32(0, 0, 99)} ${s("four")})) (i32.const 0)`,
        proxy_on_response_headers: "(i32.const 0)",
        proxy_on_response_body: `(drop (call $proxy_set_buffer_bytes ${i32(1, 0, 99)} ${s("four")})) (i32.const 0)`,
      },
    }),
    { allowOnHeadersStopIteration: true },
  );
  const { stream, filter } = host.request({ ...GET, "content-length": "6" }, false);
  filter.onRequestBody!(queueOf("sixsix"), true);
  assert.is(stream.requestHeaders!.get("content-length"), "4");
  stream.responseHeaders = HeaderMap.of({ ":status": "200", "content-length": "6" });
  filter.onResponseHeaders!(stream.responseHeaders, false);
  filter.onResponseBody!(queueOf("sixsix"), true);
  assert.is(stream.responseHeaders.get("content-length"), "6");
  assert.match(host.env.texts(3)[0]!, /content-length/);
});

test("memory that grows in the allocator is found again", async () => {
  const host = new Host(
    await guest({
      callbacks: { proxy_on_request_body: `${note("proxy_get_buffer_bytes", i32(0, 0, -1), out)} (i32.const 0)` },
      allocator: `(func (export "malloc") (param i32) (result i32)
        (i32.mul (memory.grow (i32.add (i32.shr_u (local.get 0) (i32.const 16)) (i32.const 1))) (i32.const 65536)))`,
    }),
  );
  const { filter } = host.request(GET, false);
  const queue = new ByteQueue();
  const big = new Uint8Array(200_000).fill(120);
  queue.push(big);
  filter.onRequestBody!(queue, false);
  assert.equal(host.notes(), [0]);
  assert.is(host.result(), "x".repeat(200_000));
});

for (
  const [what, body] of [["0", "(i32.const 0)"], ["too high an address", "(i32.const 0xffffff00)"], [
    "a range past the end",
    "(i32.const 65530)",
  ]]
) {
  test(`an allocator that gives ${what}`, async () => {
    const host = new Host(
      await guest({
        callbacks: { proxy_on_request_body: `${note("proxy_get_buffer_bytes", i32(0, 0, -1), out)} (i32.const 0)` },
        allocator: `(func (export "malloc") (param i32) (result i32) ${body})`,
      }),
    );
    const { filter } = host.request(GET, false);
    filter.onRequestBody!(queueOf("some bytes"), false);
    assert.equal(host.notes(), [6]);
  });
}

test("proxy_on_memory_allocate comes before malloc", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `${note("proxy_get_header_map_value", i32(0), s("x-a"), out)} (i32.const 0)`,
      },
      allocator: `(func (export "malloc") (param i32) (result i32) unreachable)
        (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 0x200))`,
    }),
  );
  host.request();
  assert.equal(host.notes(), [0]);
  assert.is(host.u32(OUT), 0x200);
});

test.run();
