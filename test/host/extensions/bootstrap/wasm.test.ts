// test/host/extensions/bootstrap/wasm.test.ts: wasm services: they start, tick, call, and come again.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { journalGuest } from "../../../support/journal_guest.ts";
import {
  cluster,
  httpListener,
  indent,
  request,
  startUpstream,
  startWasmProxy,
  wasmPlugin,
  wasmService,
} from "../../../support/wasm_proxy.ts";

/** Counts what happens in metrics; calls the cluster `u` while it is configured and on its first tick. */
const service = (name: string, call = true) =>
  journalGuest((s) => {
    const count = (what: string) => `(call $count ${s(`${name}.${what}`)})`;
    const pairs = String.fromCharCode(
      3,
      0,
      0,
      0,
      7,
      0,
      0,
      0,
      3,
      0,
      0,
      0,
      5,
      0,
      0,
      0,
      2,
      0,
      0,
      0,
      10,
      0,
      0,
      0,
      1,
      0,
      0,
      0,
    ) + ":method\0GET\0:path\0/s\0:authority\0a\0";
    const send = call
      ? `(if (call $proxy_http_call ${s("u")} ${s(pairs)} (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
          (i32.const 1000) (i32.const 40)) (then ${count("not_sent")}))`
      : "";
    return {
      callbacks: {
        proxy_on_configure: {
          silent: true,
          do: `${count("configured")}
            (drop (call $proxy_register_shared_queue ${s(`work-${name}`)} (i32.const 40)))
            (drop (call $proxy_set_tick_period_milliseconds (i32.const 5)))
            ${send}`,
        },
        proxy_on_tick: {
          silent: true,
          do: `${count("ticks")} (drop (call $proxy_set_tick_period_milliseconds (i32.const 0))) ${send}`,
        },
        proxy_on_http_call_response: {
          silent: true,
          do: `(if (local.get $b) (then ${count("answers")}))`,
        },
        proxy_on_queue_ready: {
          silent: true,
          do: `(if (i32.eqz (call $proxy_dequeue_shared_queue (local.get $a) (i32.const 16) (i32.const 20)))
            (then ${count("messages")}))`,
        },
        proxy_on_context_create: { silent: true, do: `(if (local.get $a) (then ${count("streams")}))` },
      },
      fields: `(func $count (param $ptr i32) (param $size i32)
        (drop (call $proxy_define_metric (i32.const 0) (local.get $ptr) (local.get $size) (i32.const 44)))
        (drop (call $proxy_increment_metric (i32.load (i32.const 44)) (i64.const 1))))`,
    };
  });

/** Puts a message into both services' queues at every request. */
const sender = journalGuest((s) => ({
  callbacks: {
    proxy_on_request_headers: {
      silent: true,
      do: ["one", "each"].map((name) =>
        `(if (i32.eqz (call $proxy_resolve_shared_queue ${s("j")} ${s(`work-${name}`)} (i32.const 40))) (then
          (drop (call $proxy_enqueue_shared_queue (i32.load (i32.const 40)) ${s("message")}))))`
      ).join("\n"),
    },
  },
}));

function yaml(services: readonly string[]): string {
  return `bootstrap_extensions:\n${services.map((each) => indent(each, 0)).join("")}`;
}

test("a service ticks, calls and takes messages; a singleton does so once, and again where it moves to", async () => {
  const upstream = await startUpstream("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  const proxy = await startWasmProxy(
    [httpListener("web", { filters: wasmPlugin("http", "sender", sender) })],
    [cluster("u")],
    {
      ports: { u: upstream.port },
      concurrency: 2,
      more: yaml([wasmService("one", service("one"), true), wasmService("each", service("each", false), false)]),
    },
  );
  try {
    await proxy.statIs("wasmcustom.one.configured", 1);
    await proxy.statIs("wasmcustom.each.configured", 2);
    await proxy.statIs("wasmcustom.one.ticks", 1);
    await proxy.statIs("wasmcustom.each.ticks", 2);
    await proxy.statIs("wasmcustom.one.answers", 2);
    assert.is(proxy.stat("wasmcustom.one.not_sent"), 0);
    assert.equal(upstream.requests.map((text) => text.split("\r\n")[0]), ["GET /s HTTP/1.1", "GET /s HTTP/1.1"]);

    await request(proxy.port("web"), "/");
    await proxy.statIs("wasmcustom.one.messages", 1);
    await proxy.statIs("wasmcustom.each.messages", 1);

    // Another worker's end does not concern it.
    const worker = (name: string) => proxy.threads.findLast((thread) => thread.name === name)!;
    await worker("worker_1").handle.terminate();
    await proxy.statIs("wasmcustom.each.configured", 3);
    assert.is(proxy.stat("wasmcustom.one.configured"), 1);

    await worker("worker_0").handle.terminate();
    await proxy.statIs("wasmcustom.one.configured", 2);
    await proxy.statIs("wasmcustom.one.answers", 4);
    await request(proxy.port("web"), "/");
    await proxy.statIs("wasmcustom.one.messages", 2);
    assert.is(proxy.stat("wasmcustom.one.streams"), 0);
  } finally {
    await proxy.stop();
    upstream.close();
  }
});

test("new code of a singleton goes where it runs", async () => {
  const { mkdtempSync, writeFileSync } = await import("node:fs");
  const { tmpdir } = await import("node:os");
  const { join } = await import("node:path");
  const file = join(mkdtempSync(join(tmpdir(), "nuncio-service-")), "service.wasm");
  writeFileSync(file, service("first", false));
  const text = wasmService("one", service("first", false), true)
    .replace(/inline_bytes: \S+/, `filename: ${file}`);
  const proxy = await startWasmProxy([httpListener("web", { routes: NO_ROUTE })], [], {
    concurrency: 2,
    more: yaml([text]),
  });
  try {
    await proxy.statIs("wasmcustom.first.configured", 1);
    writeFileSync(file, service("second", false));
    const [report] = (await proxy.plugins.reload("one"))!;
    assert.is(report!.ok, true);
    await proxy.statIs("wasmcustom.second.configured", 1);
    await proxy.statIs("wasmcustom.second.ticks", 1);
    assert.is(proxy.stat("wasmcustom.second.configured"), 1);
  } finally {
    await proxy.stop();
  }
});

const NO_ROUTE = '- { match: { prefix: "/" }, direct_response: { status: 200 } }';

test("a service that refuses its configuration keeps the proxy from starting", async () => {
  const refusing = journalGuest(() => ({
    callbacks: { proxy_on_configure: { silent: true, result: "(i32.const 0)" } },
  }));
  let message = "";
  try {
    await startWasmProxy([httpListener("web", { routes: NO_ROUTE })], [], {
      more: yaml([wasmService("one", refusing, true)]),
    });
  } catch (error) {
    message = String(error);
  }
  assert.match(message, /wasm plugin 'one' from inline code cannot run/);
});

test("an extension that there is not is named", async () => {
  let message = "";
  try {
    const text =
      '- { name: x, typed_config: { "@type": type.googleapis.com/google.protobuf.StringValue, value: x } }\n';
    await startWasmProxy([httpListener("web", { routes: NO_ROUTE })], [], { more: yaml([text]) });
  } catch (error) {
    message = String(error);
  }
  assert.match(message, /nuncio has no bootstrap extension for google.protobuf.StringValue/);
});

test.run();
