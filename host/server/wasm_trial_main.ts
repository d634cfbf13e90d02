// host/server/wasm_trial_main.ts: the entry of the thread in which modules are tried.
/** @module */
import type { Diagnostic } from "../base/diagnostic.ts";
import { ComponentTools } from "../extensions/common/wasm/component_tools.ts";
import { UnansweredGrpcCalls } from "../extensions/common/wasm/grpc_calls.ts";
import { UnansweredHttpCalls } from "../extensions/common/wasm/http_calls.ts";
import type { WasmCodePlan } from "../extensions/common/wasm/plugin_plan.ts";
import { meterOf, WasmPlugins } from "../extensions/common/wasm/plugins.ts";
import { LogRegistry } from "../observe/log.ts";
import { StatsStore } from "../observe/stats.ts";
import { detectPlatform } from "../platform/detect.ts";
import { compileModule, MAX_SOURCE_MAP_BYTES, type ReadBeside, SharedStore, withSourceMap } from "../wasm/mod.ts";
import type { TrialReply, TrialRequest, TrialResult } from "./wasm_trial.ts";

const platform = detectPlatform();
const channel = platform.workerChannel<TrialRequest, TrialReply>();
const components = new ComponentTools();

channel?.onMessage((request) => {
  const log: string[] = [];
  let validComponent: string | null = null;
  tryOut(request, log, (digest) => validComponent = digest).then(
    (result) => channel.post({ id: request.id, result, log, validComponent }),
    (error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      const diagnostics = [{ code: "wasm/trial-failed", severity: "error" as const, message }];
      channel.post({ id: request.id, result: { ok: false, diagnostics }, log });
    },
  );
});

/** Files beside a module that is one; nothing else is read for it. */
function readBeside(code: WasmCodePlan): ReadBeside | null {
  if (code.kind !== "file") return null;
  const folder = code.path.slice(0, code.path.lastIndexOf("/") + 1);
  return (name) => {
    const facts = platform.fileFacts(folder + name);
    if (facts === null || !facts.isFile) return { ok: false, message: "there is no such file" };
    if (facts.sizeBytes > MAX_SOURCE_MAP_BYTES) return { ok: false, message: `it has ${facts.sizeBytes} bytes` };
    return platform.readFile(folder + name);
  };
}

async function tryOut(
  request: TrialRequest,
  log: string[],
  onValidComponent: (digest: string) => void,
): Promise<TrialResult> {
  components.trust(request.validComponents);
  const compiled = await compileModule(request.bytes, meterOf(request.plan), undefined, components);
  if ("diagnostics" in compiled) return { ok: false, diagnostics: compiled.diagnostics };
  if (compiled.module.component !== undefined) onValidComponent(compiled.module.digest);
  const module = withSourceMap(compiled.module, readBeside(request.plan.code));
  const logs = new LogRegistry({
    clock: platform.clock,
    format: { pattern: "%v" },
    level: "warning",
    destination: { write: (line) => log.push(line.trimEnd()) },
  });
  // Stats, shared data and clusters of its own: nothing that the guest does here is seen anywhere.
  const plugins = new WasmPlugins({
    clock: platform.clock,
    random: platform.random,
    stats: StatsStore.create(1),
    httpCalls: new UnansweredHttpCalls(new Set(request.clusterNames)),
    grpc: new UnansweredGrpcCalls(new Set(request.clusterNames)),
    logger: logs.logger("wasm"),
    shared: SharedStore.create(platform.clock, { maxBytes: 4 * 1024 * 1024 }),
  });
  await plugins.prepare([module]);
  // Ending the thread would not do: not every runtime can end one that is inside a loop.
  let diagnostics: readonly Diagnostic[] = [];
  const inTime = platform.runWithin(request.limitMs, () => {
    diagnostics = plugins.tryOut(request.plan, module, request.node);
  });
  if (!inTime) {
    const message = `it did not start and accept its configuration within ${request.limitMs / 1000} s`;
    return { ok: false, diagnostics: [{ code: "wasm/trial-timeout", severity: "error", message }] };
  }
  plugins.close();
  return diagnostics.length === 0 ? { ok: true, module } : { ok: false, diagnostics };
}
