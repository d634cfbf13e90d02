// test/host/server/wasm_trial.test.ts: modules are tried in a thread that can do no harm and goes away.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { WasmPluginPlan } from "../../../host/extensions/common/wasm/plugin_plan.ts";
import { detectPlatform } from "../../../host/platform/detect.ts";
import type { Platform } from "../../../host/platform/mod.ts";
import { LogRegistry } from "../../../host/observe/log.ts";
import { sha256Hex } from "../../../host/server/wasm_code/digest.ts";
import { ValidComponents } from "../../../host/server/wasm_code/mod.ts";
import { WasmTrial } from "../../../host/server/wasm_trial.ts";
import { textComponent } from "../../conformance/component/text_guest.ts";
import { componentFile } from "../../guests/component/build.ts";
import { type FilterOptions, watFilter } from "../../support/wat_filter.ts";

const NODE = { id: "", cluster: "", region: "", zone: "", subZone: "", metadata: {} };
const PLAN: WasmPluginPlan = {
  name: "guard",
  rootId: "guard",
  vmId: "",
  code: { kind: "inline", bytes: new Uint8Array(0) },
  vmConfiguration: new Uint8Array(0),
  pluginConfiguration: new Uint8Array(0),
  environment: [],
  failurePolicy: "FAIL_CLOSED",
  reloadBackoffMs: 1000,
  allowOnHeadersStopIteration: false,
  allowedCapabilities: null,
  limits: {},
  direction: "UNSPECIFIED",
};

/** The runtime's platform, counting threads that run. */
function countingPlatform(): { readonly platform: Platform; readonly threads: { started: number; running: number } } {
  const threads = { started: 0, running: 0 };
  const real = detectPlatform();
  const platform = Object.create(real, {
    clock: { value: real.clock },
    spawnWorker: {
      value: (entry: URL, options: { name: string }) => {
        const handle = real.spawnWorker(entry, options);
        threads.started++;
        threads.running++;
        handle.onExit(() => threads.running--);
        return handle;
      },
    },
  }) as Platform;
  return { platform, threads };
}

function request(options: FilterOptions): Parameters<WasmTrial["try"]>[0] {
  return { bytes: watFilter(options), plan: PLAN, node: NODE, clusterNames: [] };
}

async function gone(threads: { readonly running: number }): Promise<void> {
  while (threads.running > 0) await new Promise((resolve) => setTimeout(resolve, 1));
}

test("a module that starts and accepts its configuration comes back compiled", async () => {
  const { platform, threads } = countingPlatform();
  const { result } = await new WasmTrial(platform, { idleMs: 0 }).try(request({}));
  assert.ok(result.ok);
  if (result.ok) assert.ok(result.module.code instanceof WebAssembly.Module);
  await gone(threads);
});

test("several at once share a thread, one after the other, and each gets its own answer", async () => {
  const { platform, threads } = countingPlatform();
  const trial = new WasmTrial(platform, { idleMs: 0 });
  const replies = await Promise.all([
    trial.try(request({ version: "1" })),
    trial.try(request({ version: "2", configures: false })),
    trial.try(request({ version: "3", onConfigure: "(unreachable)" })),
    trial.try(request({ version: "4" })),
  ]);
  assert.equal(replies.map((reply) => reply.result.ok), [true, false, false, true]);
  assert.is(threads.started, 1);
  await gone(threads);
});

test("what follows soon has the same thread; closing ends it, although nothing is tried", async () => {
  const { platform, threads } = countingPlatform();
  const trial = new WasmTrial(platform);
  assert.ok((await trial.try(request({ version: "1" }))).result.ok);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.ok((await trial.try(request({ version: "2" }))).result.ok);
  assert.is(threads.started, 1);
  trial.close();
  await gone(threads);
});

test("a module that does not come to an end is broken off; the next one is tried all the same", async () => {
  const { platform, threads } = countingPlatform();
  const trial = new WasmTrial(platform, { limitMs: 300, idleMs: 0 });
  const endless = trial.try(request({ onConfigure: "(loop $for_ever (br $for_ever))" }));
  const next = trial.try(request({}));
  const { result } = await endless;
  assert.not.ok(result.ok);
  if (!result.ok) {
    assert.is(result.diagnostics[0]!.message, "it did not start and accept its configuration within 0.3 s");
  }
  assert.ok((await next).result.ok);
  await gone(threads);
});

test("closing answers those who wait", async () => {
  const { platform, threads } = countingPlatform();
  const trial = new WasmTrial(platform, { idleMs: 0 });
  const waiting = trial.try(request({}));
  trial.close();
  const { result } = await waiting;
  assert.not.ok(result.ok);
  if (!result.ok) assert.is(result.diagnostics[0]!.message, "the proxy is ending");
  await gone(threads);
});

test("a component is validated once: what was valid is known to later trials, and to later processes", async () => {
  const { platform, threads } = countingPlatform();
  const folder = mkdtempSync(join(tmpdir(), "nuncio-trial-"));
  const logs = new LogRegistry({ clock: platform.clock, format: "json", destination: { write() {} } });
  const open = () => new ValidComponents({ folder, platform, logger: logs.logger("wasm") });
  const fine = readFileSync(componentFile("rust_tcp"));
  // jco fails on it, so if it is found valid it was not asked.
  const unknown = await textComponent({ encoding: "compact-utf16" });
  const valid = open();
  const trial = new WasmTrial(platform, { validComponents: valid, idleMs: 0 });
  const outcomes = (await Promise.all([fine, unknown].map((bytes) => trial.try({ ...request({}), bytes })))).map(
    ({ result, validComponent }) => [result.ok, validComponent],
  );
  assert.equal(outcomes, [[true, await sha256Hex(fine)], [false, null]]);
  assert.equal(valid.digests, [await sha256Hex(fine)]);
  await valid.add(await sha256Hex(unknown));
  const later = new WasmTrial(platform, { validComponents: open(), idleMs: 0 });
  assert.ok((await later.try({ ...request({}), bytes: unknown })).result.ok);
  await gone(threads);
  rmSync(folder, { recursive: true });
});

test.run();
