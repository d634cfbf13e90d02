// bench/sandbox.ts: what hostile filters cost everybody else, measured.
/**
 * `node bench/sandbox.ts [--seconds N] [--budget UNITS] [--period MS]`, or the same with `deno run -A`.
 *
 * 1. A filter loops on a request every PERIOD ms until its budget is spent, on a worker that answers another
 *    route as well: latencies of that route, as a client in another process sees them.
 * 2. What a unit of fuel buys: for the most expensive use of each host function that we know, the time of a
 *    call by the units that it is charged. The budget times the highest figure is how long a callback can
 *    last.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { fromUtf8 } from "../host/base/bytes.ts";
import { assemble, FakeEnvironment, guest, guestText, Host, i32, OUT, out, s } from "../test/host/wasm/guest.ts";
import { CALL_REQUEST } from "../test/conformance/sandbox/strike.ts";
import { RawClient, wasmFilter, webConfig } from "../test/e2e/support.ts";
import { startEmbedded } from "../test/support/embedded.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "10" },
    budget: { type: "string", default: "5000000" },
    period: { type: "string", default: "200" },
    client: { type: "string" },
    looping: { type: "string" },
  },
});

function percentile(sorted: readonly number[], part: number): string {
  return sorted.length === 0
    ? "-"
    : `${sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!.toFixed(2)} ms`;
}

// --- Neighbours ---

async function measureNeighbours(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "nuncio-bench-"));
  const file = join(folder, "loop.wasm");
  writeFileSync(
    file,
    assemble(guestText({ callbacks: { proxy_on_request_headers: "(loop (br 0)) (unreachable)" } })),
  );
  const filter = wasmFilter("loop", file, "", {
    failure_policy: "FAIL_RELOAD",
    reload_config: { backoff: { base_interval: "0.001s" } },
  });
  const hostile = JSON.parse(webConfig({ port: 0, filters: [filter] })) as {
    static_resources: { listeners: object[] };
  };
  const proxy = await startEmbedded(webConfig({
    port: 0,
    listeners: [{ ...hostile.static_resources.listeners[0], name: "hostile" }],
    runtime: { nuncio: { wasm: { cpu_budget: Number(values.budget) } } },
  }));
  for (const isLooping of [false, true]) {
    const script = fileURLToPath(import.meta.url);
    const args = "Deno" in globalThis ? ["run", "-A", "--quiet", "--no-check", script] : [script];
    const child = spawn(process.execPath, [
      ...args,
      `--client=${proxy.port("web")}`,
      `--looping=${isLooping ? proxy.port("hostile") : 0}`,
      `--seconds=${values.seconds}`,
      `--period=${values.period}`,
    ], { stdio: ["ignore", "inherit", "inherit"] });
    await new Promise((resolve) => child.once("close", resolve));
  }
  console.log(`traps: ${proxy.stat("wasm.loop.traps")}\n`);
  await proxy.stop();
  rmSync(folder, { recursive: true });
}

/** Runs in a process of its own. */
async function runClient(port: number, loopingPort: number): Promise<void> {
  const clients = await Promise.all(Array.from({ length: 8 }, () => RawClient.connect(port)));
  const latencies: number[] = [];
  const looped: number[] = [];
  const end = performance.now() + Number(values.seconds) * 1000;
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  const others = clients.map(async (client) => {
    while (performance.now() < end) {
      const begin = performance.now();
      const { status } = await client.get("/direct");
      if (status !== 200) throw new Error(`status ${status}`);
      latencies.push(performance.now() - begin);
      await pause(2);
    }
  });
  const loops = async (): Promise<void> => {
    if (loopingPort === 0) return;
    const client = await RawClient.connect(loopingPort);
    while (performance.now() < end) {
      const begin = performance.now();
      const { status } = await client.get("/direct");
      if (status !== 503) throw new Error(`status ${status}`);
      looped.push(performance.now() - begin);
      await pause(Number(values.period));
    }
  };
  await Promise.all([...others, loops()]);
  for (const all of [latencies, looped]) all.sort((a, b) => a - b);
  const row = (all: readonly number[]): string =>
    `${String(all.length).padStart(6)} answers: p50 ${percentile(all, 0.5)}, p99 ${percentile(all, 0.99)}, ` +
    `p99.9 ${percentile(all, 0.999)}, worst ${percentile(all, 1)}`;
  console.log(loopingPort === 0 ? "alone" : `beside a filter that loops every ${values.period} ms`);
  console.log(`  other route ${row(latencies)}`);
  if (loopingPort !== 0) console.log(`  looping     ${row(looped)}`);
  process.exit(0);
}

// --- Units ---

const KEY = 0x500;

/** The most expensive uses that we know; `prepare` runs once in the same callback. */
const USES: readonly { readonly name: string; readonly call: string; readonly prepare?: string }[] = [
  { name: "nothing: an empty loop", call: "(nop)" },
  { name: "proxy_log, 16 KiB below the level", call: `(drop (call $proxy_log ${i32(0, 0, 16384)}))` },
  { name: "proxy_log, 16 KiB, dropped", call: `(drop (call $proxy_log ${i32(2, 0, 16384)}))` },
  { name: "proxy_log, errors of 16 KiB, dropped", call: `(drop (call $proxy_log ${i32(4, 0, 16384)}))` },
  {
    name: "proxy_get_header_map_value",
    call: `(drop (call $proxy_get_header_map_value ${i32(0)} ${s("x-a")} ${out}))`,
  },
  {
    name: "proxy_get_header_map_value, last of 1000",
    call: `(drop (call $proxy_get_header_map_value ${i32(0)} ${s("x-last")} ${out}))`,
    prepare: many(),
  },
  {
    name: "proxy_get_header_map_pairs, of 1000",
    call: `(drop (call $proxy_get_header_map_pairs ${i32(0)} ${out}))`,
    prepare: many(),
  },
  {
    name: "proxy_replace_header_map_value, last of 1000",
    call: `(drop (call $proxy_replace_header_map_value ${i32(0)} ${s("x-last")} ${s("1")}))`,
    prepare: many(),
  },
  {
    name: "proxy_remove_header_map_value, none of 1000",
    call: `(drop (call $proxy_remove_header_map_value ${i32(0)} ${s("x-lost")}))`,
    prepare: many(),
  },
  {
    name: "proxy_add and remove_header_map_value",
    call: `(drop (call $proxy_add_header_map_value ${i32(0)} ${s("x-c")} ${s("1")}))
      (drop (call $proxy_remove_header_map_value ${i32(0)} ${s("x-c")}))`,
  },
  { name: "proxy_get_property, 4 KiB path", call: `(drop (call $proxy_get_property ${i32(0, 4096)} ${out}))` },
  { name: "proxy_set_property", call: `(drop (call $proxy_set_property ${s("k")} ${i32(0, 100)}))` },
  {
    name: "proxy_set_shared_data, 64 KiB key",
    call: `(drop (call $proxy_set_shared_data ${i32(0, 65536)} ${s("v")} ${i32(0)}))`,
  },
  {
    name: "proxy_set_shared_data, 1 MB value",
    call: `(drop (call $proxy_set_shared_data ${s("k")} ${i32(0, 1_000_000)} ${i32(0)}))`,
  },
  {
    name: "proxy_get_shared_data, 1 MB value",
    call: `(drop (call $proxy_get_shared_data ${s("k")} ${out} ${i32(OUT + 8)}))`,
    prepare: `(drop (call $proxy_set_shared_data ${s("k")} ${i32(0, 1_000_000)} ${i32(0)}))`,
  },
  {
    name: "proxy_get_shared_data, small",
    call: `(drop (call $proxy_get_shared_data ${s("k")} ${out} ${i32(OUT + 8)}))`,
    prepare: `(drop (call $proxy_set_shared_data ${s("k")} ${s("v")} ${i32(0)}))`,
  },
  {
    name: "proxy_resolve_shared_queue, of 128",
    call: `(drop (call $proxy_resolve_shared_queue ${s("")} ${s("nobody")} ${i32(OUT)}))`,
    prepare: `(loop $m (i32.store (i32.const ${KEY}) (local.get $y))
      (drop (call $proxy_register_shared_queue ${i32(KEY, 4, OUT)}))
      (br_if $m (i32.lt_u (local.tee $y (i32.add (local.get $y) (i32.const 1))) (i32.const 128))))`,
  },
  {
    name: "proxy_enqueue and dequeue, 1 MB",
    call: `(drop (call $proxy_enqueue_shared_queue (i32.load (i32.const ${KEY})) ${i32(0, 1_000_000)}))
      (drop (call $proxy_dequeue_shared_queue (i32.load (i32.const ${KEY})) ${out}))`,
    prepare: `(drop (call $proxy_register_shared_queue ${s("q")} ${i32(KEY)}))`,
  },
  { name: "proxy_define_metric, known", call: `(drop (call $proxy_define_metric ${i32(0)} ${s("m")} ${i32(OUT)}))` },
  {
    name: "proxy_define_metric, 1 KiB names beyond the limit",
    call: `(i32.store (i32.const ${KEY}) (local.get $x))
      (drop (call $proxy_define_metric ${i32(0, KEY, 1024, OUT)}))`,
  },
  {
    name: "proxy_http_call, refused",
    call: `(drop (call $proxy_http_call ${s("c")} ${s("")} ${i32(0, 0, 0, 0, 0, OUT)}))`,
  },
  { name: "fd_write, 64 KiB of line ends", call: `(drop (call $fd_write ${i32(1, KEY, 1, OUT)}))`, prepare: vector() },
  {
    name: "fd_write to standard error, 64 KiB of line ends",
    call: `(drop (call $fd_write ${i32(2, KEY, 1, OUT)}))`,
    prepare: vector(),
  },
  { name: "random_get, 64 KiB", call: `(drop (call $random_get ${i32(0x20000, 65536)}))` },
  { name: "random_get, 16 bytes", call: `(drop (call $random_get ${i32(0x20000, 16)}))` },
  {
    name: "proxy_set_header_map_pairs, 1000 pairs",
    call: `(drop (call $proxy_set_header_map_pairs ${i32(0)} (i32.load (i32.const ${OUT})) (i32.load (i32.const ${
      OUT + 4
    }))))`,
    prepare: many() + `(drop (call $proxy_get_header_map_pairs ${i32(0)} ${out}))`,
  },
  {
    name: "proxy_call_foreign_function, 4 KiB, unknown",
    call: `(drop (call $proxy_call_foreign_function ${i32(0, 4096, 0, 0, 0, 0)}))`,
  },
  {
    name: "proxy_http_call, 4 KiB cluster, unknown",
    call: `(drop (call $proxy_http_call ${i32(0, 4096)} ${s(CALL_REQUEST)} ${i32(0, 0, 0, 0, 0, OUT)}))`,
  },
  {
    name: "proxy_grpc_call, no client",
    call: `(drop (call $proxy_grpc_call ${s("c")} ${s("s")} ${s("m")} ${i32(0, 0, 0, 0, 0, OUT)}))`,
  },
  { name: "envoy_resolve_dns, refused", call: `(drop (call $envoy_resolve_dns ${s("a")} ${i32(OUT)}))` },
  {
    name: "proxy_register_shared_queue, refused",
    call: `(i32.store (i32.const ${KEY}) (local.get $x)) (drop (call $proxy_register_shared_queue ${
      i32(KEY, 4, OUT)
    }))`,
  },
  {
    name: "proxy_send_local_response, 1 MB",
    call: `(drop (call $proxy_send_local_response ${i32(403)} ${i32(0, 1000, 0, 1_000_000, 0, 0, 0)}))`,
  },
  {
    name: "proxy_get_buffer_bytes, configuration",
    call: `(drop (call $proxy_get_buffer_bytes ${i32(6, 0, 100)} ${out}))`,
  },
  { name: "proxy_set_effective_context", call: "(drop (call $proxy_set_effective_context (local.get $id)))" },
  { name: "proxy_continue_stream", call: "(drop (call $proxy_continue_stream (i32.const 0)))" },
  { name: "proxy_close_stream", call: "(drop (call $proxy_close_stream (i32.const 0)))" },
  { name: "proxy_set_tick_period", call: "(drop (call $proxy_set_tick_period_milliseconds (local.get $x)))" },
  { name: "console.log", call: `(call $console.log (i32.const ${KEY + 4}))` },
  { name: "clock_time_get", call: `(drop (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const ${OUT})))` },
  { name: "memory.fill, 1 MB", call: "(memory.fill (i32.const 0x20000) (i32.const 0) (i32.const 1000000))" },
];

function many(): string {
  return `(loop $m
      (i32.store (i32.const ${KEY}) (i32.add (i32.const 0x61616161)
        (i32.or (i32.and (local.get $y) (i32.const 15)) (i32.shl (i32.and (local.get $y) (i32.const 1008)) (i32.const 4)))))
      (i32.store16 (i32.const ${KEY + 4}) (i32.const 0x6161))
      (drop (call $proxy_add_header_map_value ${i32(0, KEY, 3, KEY, 3)}))
      (br_if $m (i32.lt_u (local.tee $y (i32.add (local.get $y) (i32.const 1))) (i32.const 1000))))
    (drop (call $proxy_add_header_map_value ${i32(0)} ${s("x-last")} ${s("1")}))`;
}

function vector(): string {
  return `(i32.store (i32.const ${KEY}) (i32.const 0x20000)) (i32.store (i32.const ${KEY + 4}) (i32.const 65536))
    (memory.fill (i32.const 0x20000) (i32.const 10) (i32.const 65536))`;
}

/** Spends about this much in each measurement. */
const SPEND = 20_000_000;

async function measureUnits(): Promise<void> {
  console.log("host function".padEnd(52), "ns/unit".padStart(9), "units/call".padStart(12), "50 M units".padStart(12));
  for (const { name, call, prepare } of USES) {
    const env = new FakeEnvironment();
    env.log.level = 1;
    env.callFailure = "unknown_cluster";
    const module = await guest({
      memory: '(memory (export "memory") 40)',
      // All results in one place.
      allocator: `(func (export "malloc") (param i32) (result i32) (i32.const 0x40000))`,
      fields: "(global $times (mut i32) (i32.const 0))",
      callbacks: {
        proxy_on_foreign_function: "(global.set $times (local.get $a))",
        proxy_on_request_headers: `${prepare ?? ""}
          (loop $more ${call}
            (br_if $more (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (global.get $times))))
          (i32.const 0)`,
      },
    });
    const host = new Host(module, { cpuBudget: 2 ** 31 - 1, maxMetrics: 1 }, env);
    const { vm } = host.plugin.root;
    const run = (times: number): readonly [ms: number, units: number] => {
      host.plugin.root.callForeign(times, fromUtf8(""));
      const before = vm.fuelSpent;
      const begin = performance.now();
      host.request().filter.onDestroy!();
      const ms = performance.now() - begin;
      if (vm.failure !== null) throw new Error(`${name}: ${vm.failure.diagnostic.message}`);
      return [ms, vm.fuelSpent - before];
    };
    run(1);
    const [, one] = run(1);
    const [, eleven] = run(11);
    const perCall = Math.max(1, (eleven - one) / 10);
    const times = Math.max(1, Math.min(10_000_000, Math.ceil(SPEND / perCall)));
    let best = Infinity;
    for (let round = 0; round < 3; round++) {
      const [ms, units] = run(times);
      best = Math.min(best, ms * 1e6 / units);
    }
    console.log(
      name.padEnd(52),
      best.toFixed(2).padStart(9),
      perCall.toFixed(0).padStart(12),
      `${(best * 50).toFixed(0)} ms`.padStart(12),
    );
  }
}

if (values.client !== undefined) await runClient(Number(values.client), Number(values.looping));
else {
  await measureNeighbours();
  await measureUnits();
}
process.exit(0);
