// test/e2e/sandbox.test.ts: hostile filters in a running proxy: what they do to everybody else.
/**
 * `CYCLES=10000 node test/run.ts test/e2e/sandbox.test.ts --timeout 600` is the full figure of traps and
 * reloads; `node bench/sandbox.ts` measures the latency beside a filter that loops.
 *
 * @module
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { assemble, type GuestText, guestText, i32, OUT, s } from "../host/wasm/guest.ts";
import { type Embedded, startEmbedded } from "../support/embedded.ts";
import { type Footprint, footprint, mebibytes } from "./load.ts";
import { RawClient, wasmFilter, webConfig } from "./support.ts";

const CYCLES = Number(process.env["CYCLES"] ?? 200);

const folder = mkdtempSync(join(tmpdir(), "nuncio-sandbox-"));
test.after(() => rmSync(folder, { recursive: true }));

function install(name: string, parts: Partial<GuestText>): string {
  const file = join(folder, `${name}.wasm`);
  writeFileSync(file, assemble(guestText({ callbacks: {}, ...parts })));
  return file;
}

interface Listener {
  readonly name: string;
}

/** A proxy with the listener `web`, which has no filter, and `hostile`, which has one; both on one worker. */
function besideHostile(
  filter: unknown,
  options: { readonly runtime?: Record<string, unknown>; readonly http?: object; readonly listener?: object } = {},
): Promise<Embedded> {
  const hostile = JSON.parse(webConfig({
    port: 0,
    filters: [filter],
    ...(options.http !== undefined && { http: { ...options.http, stat_prefix: "hostile" } }),
    ...(options.listener !== undefined && { listener: { ...options.listener } }),
  })) as { static_resources: { listeners: Listener[] } };
  const [listener] = hostile.static_resources.listeners;
  return startEmbedded(webConfig({
    port: 0,
    listeners: [{ ...listener, name: "hostile" }],
    ...(options.runtime !== undefined && { runtime: options.runtime }),
  }));
}

const RELOAD = {
  failure_policy: "FAIL_RELOAD",
  reload_config: { backoff: { base_interval: "0.001s" } },
};

function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
}

test("a filter that loops on every request, five times a second: all others on its worker are answered", async () => {
  const file = install("loop", { callbacks: { proxy_on_request_headers: "(loop (br 0)) (unreachable)" } });
  const proxy = await besideHostile(wasmFilter("loop", file, "", RELOAD), {
    runtime: { nuncio: { wasm: { cpu_budget: 5_000_000 } } },
  });
  try {
    const port = proxy.port("web");
    const clients = await Promise.all(Array.from({ length: 4 }, () => RawClient.connect(port)));
    const latencies: number[] = [];
    let isOver = false;
    const others = clients.map(async (client) => {
      while (!isOver) {
        const begin = performance.now();
        const { status } = await client.get("/direct");
        assert.is(status, 200);
        latencies.push(performance.now() - begin);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      client.close();
    });
    const looping = await RawClient.connect(proxy.port("hostile"));
    for (let i = 0; i < 10; i++) {
      const { status } = await looping.get("/direct");
      assert.is(status, 503);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    isOver = true;
    await Promise.all(others);
    looping.close();
    latencies.sort((a, b) => a - b);
    console.log(
      `${latencies.length} answers beside 10 loops: p50 ${percentile(latencies, 0.5).toFixed(1)} ms, ` +
        `p99 ${percentile(latencies, 0.99).toFixed(1)} ms, worst ${latencies.at(-1)!.toFixed(1)} ms`,
    );
    assert.is(proxy.stat("wasm.loop.traps"), 10);
    assert.is(proxy.stat("wasm.loop.vm_reload_success"), 9);
    assert.is(proxy.stat("http.web.downstream_rq_2xx"), latencies.length);
    assert.match(proxy.log, "cpu budget exhausted");
  } finally {
    await proxy.stop();
  }
});

test(`${CYCLES} traps and reloads leave as many VMs, contexts and timers as before, and 20 MiB at most`, async () => {
  const file = install("trap", {
    callbacks: {
      proxy_on_vm_start: `(drop (call $proxy_set_tick_period_milliseconds (i32.const 10000)))
        (drop (call $proxy_register_shared_queue ${s("queue")} ${i32(OUT)}))
        (drop (call $proxy_define_metric ${i32(0)} ${s("metric")} ${i32(OUT)})) (i32.const 1)`,
      proxy_on_request_headers: `
        (drop (call $proxy_set_shared_data ${s("key")} ${s("value")} ${i32(0)}))
        (drop (call $proxy_set_property ${s("key")} ${s("value")}))
        (if (i32.eqz (call $proxy_get_header_map_value ${i32(0)} ${s("poison")} ${
        i32(OUT, OUT + 4)
      })) (then unreachable))
        (i32.const 0)`,
    },
  });
  const proxy = await besideHostile(wasmFilter("trap", file, "", RELOAD));
  try {
    const client = await RawClient.connect(proxy.port("hostile"));
    const cycle = async (): Promise<void> => {
      assert.is((await client.get("/direct", "poison: 1\r\n")).status, 503);
      // Until the back-off is over.
      for (let tries = 0; (await client.get("/direct")).status !== 200; tries++) {
        assert.ok(tries < 1000);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    };
    const warmUp = Math.min(100, CYCLES);
    for (let i = 0; i < warmUp; i++) await cycle();
    const before = await footprint(proxy);
    for (let i = 0; i < CYCLES; i++) await cycle();
    let after: Footprint = await footprint(proxy);
    for (let i = 0; i < 10 && after.memoryBytes - before.memoryBytes > 20 * 1024 * 1024; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      after = await footprint(proxy);
    }
    const memory = after.memoryBytes - before.memoryBytes;
    console.log(
      `${CYCLES} traps and reloads: memory ${mebibytes(memory)}, heap ${
        mebibytes(after.heapBytes - before.heapBytes)
      }; ${after.vms} VMs, ${after.timers} timers`,
    );
    assert.is(proxy.stat("wasm.trap.traps"), warmUp + CYCLES);
    assert.is(proxy.stat("wasm.trap.vm_reload_success"), warmUp + CYCLES);
    assert.is(after.vms, before.vms);
    assert.is(after.vms, 1);
    // One that runs for a moment may be among those before.
    assert.ok(after.timers <= before.timers, `${after.timers} timers after ${before.timers}`);
    assert.is(after.streams, before.streams);
    const [plugins] = await proxy.server.callAll("plugins", undefined);
    assert.equal(plugins!.map((plugin) => plugin.streams), [0]);
    assert.ok(memory <= 20 * 1024 * 1024, `memory grew by ${mebibytes(memory)}`);
    client.close();
  } finally {
    await proxy.stop();
  }
});

const HOSTILE: Readonly<Record<string, readonly [parts: Partial<GuestText>, status: number, told: RegExp]>> = {
  "a memory hog": [
    {
      callbacks: {
        proxy_on_request_headers: `(block $full (loop $more
          (br_if $full (i32.eq (memory.grow (i32.const 64)) (i32.const -1))) (br $more)))
          (if (i32.gt_u (memory.size) (i32.const 4096)) (then unreachable)) (i32.const 0)`,
      },
    },
    200,
    /^/,
  ],
  "a stack overflow": [
    { callbacks: { proxy_on_request_headers: "(call $f) (i32.const 0)" }, fields: "(func $f (call $f) (call $f))" },
    503,
    /call stack is exhausted/,
  ],
  "a log flood": [
    {
      callbacks: {
        proxy_on_request_headers: `(loop $more (drop (call $proxy_log ${i32(4)} ${s("flood")}))
          (br_if $more (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (i32.const 50000))))
          (i32.const 0)`,
      },
    },
    200,
    /\d{5,} log lines \(\d+ bytes\) of this plugin were dropped/,
  ],
  "a metric flood": [
    {
      callbacks: {
        proxy_on_request_headers: `(loop $more
          (i32.store (i32.const 0x700) (i32.add (i32.const 0x20202020) (local.get $x)))
          (i32.store16 (i32.const 0x704) (i32.add (i32.const 0x2020) (local.get $x)))
          (drop (call $proxy_define_metric ${i32(0, 0x700, 6, OUT)}))
          (br_if $more (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (i32.const 60000))))
          (i32.const 0)`,
      },
    },
    200,
    /there are 10000 metrics, the most that there may be/,
  ],
};

for (const [what, [parts, status, told]] of Object.entries(HOSTILE)) {
  test(`${what} is contained`, async () => {
    const name = what.replaceAll(" ", "_");
    const proxy = await besideHostile(wasmFilter(name, install(name, parts)));
    try {
      const hostile = await RawClient.connect(proxy.port("hostile"));
      const other = await RawClient.connect(proxy.port("web"));
      for (let i = 0; i < 3; i++) {
        assert.is((await hostile.get("/direct")).status, status);
        assert.is((await other.get("/direct")).status, 200);
      }
      // Floods are summed up when their second is over.
      if (what === "a log flood") await proxy.logged("of this plugin were dropped");
      assert.match(proxy.log, told);
      if (what === "a metric flood") {
        const metrics = proxy.server.stats.values().filter((each) => each.name.startsWith("wasmcustom."));
        assert.is(metrics.length, 10_000);
      }
      const [plugins] = await proxy.server.callAll("plugins", undefined);
      assert.ok(plugins![0]!.memoryBytes <= 256 * 1024 * 1024);
      hostile.close();
      other.close();
    } finally {
      await proxy.stop();
    }
  });
}

test("a filter that holds requests and never lets them go: 413 beyond the buffer, 504 after the idle time-out", async () => {
  const file = install("holding", {
    callbacks: { proxy_on_request_headers: "(i32.const 1)", proxy_on_request_body: "(i32.const 1)" },
  });
  const proxy = await besideHostile(wasmFilter("holding", file, "", { allow_on_headers_stop_iteration: true }), {
    http: { stream_idle_timeout: "0.3s" },
    listener: { per_connection_buffer_limit_bytes: 1024 },
  });
  try {
    const port = proxy.port("hostile");
    const large = await RawClient.connect(port);
    large.write(`POST /direct HTTP/1.1\r\nhost: a\r\ncontent-length: 10000\r\n\r\n${"x".repeat(10_000)}`);
    assert.is((await large.read()).status, 413);
    const small = await RawClient.connect(port);
    small.write(`POST /direct HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n0123456789`);
    assert.is((await small.read()).status, 504);
    await proxy.statIs("http.hostile.downstream_rq_active", 0);
    const [plugins] = await proxy.server.callAll("plugins", undefined);
    assert.equal(plugins!.map((plugin) => plugin.streams), [0]);
    large.close();
    small.close();
  } finally {
    await proxy.stop();
  }
});

test.run();
