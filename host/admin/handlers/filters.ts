// host/admin/handlers/filters.ts: /filters: WebAssembly plugins, their reload, rollback and tracing.
/**
 * Nuncio's own: Envoy has nothing of the kind. A reload answers when every worker has the new code, or none.
 *
 * @see docs/reference/admin_filters.md
 * @module
 */
import { nearestName } from "../../base/suggest.ts";
import { rootsOf } from "../../extensions/common/wasm/plugin_status.ts";
import type { CallTraceMode } from "../../wasm/mod.ts";
import { type AdminCommand, type AdminResponse, json } from "../command.ts";
import type { AdminView, FilterSwap, FilterView, JsonObject } from "../view.ts";

export const filters: AdminCommand = {
  path: "/filters",
  help: "list WebAssembly filters: code, version, VMs with what they do and use, last errors",
  mutates: false,
  parameters: [],
  handle: async (_request, view) => json({ filters: (await view.filters()).map(filterJson) }),
};

function filterJson(filter: FilterView): JsonObject {
  const source = { pluginName: filter.name, rootId: filter.rootId, vmId: filter.vmId };
  const roots = filter.workers.flatMap((worker) => worker.vms.flatMap((vm) => rootsOf(source, vm)));
  const vms = filter.workers.flatMap((worker) => worker.vms);
  const sum = (pick: (worker: FilterView["workers"][number]) => number): number =>
    filter.workers.reduce((total, worker) => total + pick(worker), 0);
  return {
    name: filter.name,
    root_id: filter.rootId,
    vm_id: filter.vmId,
    file: filter.file,
    source: filter.source,
    image_digest: filter.imageDigest,
    signed_by: filter.signedBy,
    abi_version: filter.abiVersion,
    version: filter.version,
    sha256: filter.sha256,
    previous_sha256: filter.previousSha256,
    last_error: filter.lastError,
    trace: filter.callTrace,
    vms: vms.length,
    memory_bytes: sum((worker) => worker.memoryBytes),
    streams: sum((worker) => worker.streams),
    timers: roots.filter((root) => root.tickPeriodMs > 0).length,
    http_calls: roots.reduce((total, root) => total + root.httpCalls, 0),
    grpc_calls: roots.reduce((total, root) => total + root.grpcCalls, 0),
    dns_lookups: roots.reduce((total, root) => total + root.dnsLookups, 0),
    calls: vms.reduce((total, vm) => total + vm.calls, 0),
    fuel_spent: vms.reduce((total, vm) => total + vm.fuelSpent, 0),
    shared_data: { keys: filter.shared.keys, bytes: filter.shared.bytes },
    queues: filter.shared.queues.map(({ name, messages }) => ({ name, messages })),
    workers: filter.workers.map(workerJson),
  };
}

function workerJson(worker: FilterView["workers"][number]): JsonObject {
  return {
    worker: worker.worker,
    version: worker.version,
    vms: worker.vms.length,
    memory_bytes: worker.memoryBytes,
    streams: worker.streams,
    failure: worker.failure,
    last_failure: worker.lastFailure === null ? null : {
      time: new Date(worker.lastFailure.wallMs).toISOString(),
      message: worker.lastFailure.message,
      notes: worker.lastFailure.notes,
      backtrace: worker.lastFailure.backtrace,
    },
    instances: worker.vms.map((vm) => ({
      state: vm.state,
      sha256: vm.digest,
      contexts: vm.contexts,
      memory_bytes: vm.memoryBytes,
      memory_limit_bytes: vm.memoryLimitBytes,
      calls: vm.calls,
      fuel_spent: vm.fuelSpent,
      roots: vm.roots.map((root) => ({
        name: root.source.pluginName,
        root_id: root.source.rootId,
        draining: root.isDraining,
        streams: root.streams,
        tick_period_ms: root.tickPeriodMs,
        http_calls: root.httpCalls,
        grpc_calls: root.grpcCalls,
        dns_lookups: root.dnsLookups,
      })),
    })),
  };
}

const name = {
  name: "name",
  help: "The name of the plugin; every plugin of that name is meant",
  kind: "text",
} as const;

export const reloadFilters: AdminCommand = {
  path: "/filters/reload",
  help: "load the code of a WebAssembly filter again, on all workers",
  mutates: true,
  parameters: [name],
  handle: ({ query }, view) => swap(query.get("name"), "reload", view, (wanted) => view.actions.reloadFilters(wanted)),
};

export const rollbackFilters: AdminCommand = {
  path: "/filters/rollback",
  help: "go back to the previous code of a WebAssembly filter, on all workers",
  mutates: true,
  parameters: [name],
  handle: ({ query }, view) =>
    swap(query.get("name"), "rollback", view, (wanted) => view.actions.rollbackFilters(wanted)),
};

const TRACE_MODES: Readonly<Record<string, CallTraceMode>> = {
  true: "lengths",
  lengths: "lengths",
  values: "values",
  false: "off",
  off: "off",
};

export const traceFilters: AdminCommand = {
  path: "/filters/trace",
  help: "write the calls of a WebAssembly filter to the log, for streams to come",
  mutates: true,
  parameters: [name, {
    name: "enable",
    help: "true: with lengths in place of values; values: with header values, bodies and the like; false: not any more",
    kind: ["true", "values", "false"],
  }],
  async handle({ query }, view) {
    const enable = query.get("enable") ?? "";
    const mode = Object.hasOwn(TRACE_MODES, enable) ? TRACE_MODES[enable]! : null;
    if (mode === null) {
      return json({ error: "say whether: /filters/trace?name=NAME&enable=true, values or false" }, 400);
    }
    const answer = await swap(query.get("name"), "trace", view, (wanted) => view.actions.traceFilters(wanted, mode));
    const level = view.logLevels()["wasm"] ?? "info";
    if (answer.status !== 200 || mode === "off" || ["trace", "debug", "info"].includes(level)) return answer;
    const help = `the log shows the lines once its level is low enough: POST /logging?wasm=info (it is ${level})`;
    return json({ ...JSON.parse(answer.body) as JsonObject, help });
  },
};

async function swap(
  wanted: string | null,
  verb: string,
  view: AdminView,
  act: (name: string) => Promise<readonly FilterSwap[]> | null,
): Promise<AdminResponse> {
  if (wanted === null) return json({ error: `name the filter: /filters/${verb}?name=NAME` }, 400);
  const swaps = await act(wanted);
  if (swaps === null) {
    const known = [...new Set((await view.filters()).map((filter) => filter.name))];
    const near = nearestName(wanted, known);
    return json({
      error: `there is no filter named "${wanted}"`,
      ...(near === null ? {} : { help: `a filter with a similar name exists: ${near}` }),
      known,
    }, 404);
  }
  // The old code serves on where the new one was refused.
  const failed = swaps.some((each) => !each.ok);
  return json({
    filters: swaps.map((each) =>
      each.ok
        ? { name: each.name, changed: each.changed, old_sha256: each.oldSha256, new_sha256: each.newSha256 }
        : { name: each.name, error: each.error }
    ),
  }, failed ? 422 : 200);
}
