// host/admin/handlers/filters.ts: /filters: WebAssembly plugins, their reload and rollback.
/**
 * Nuncio's own: Envoy has nothing of the kind. A reload answers when every worker has the new code, or none.
 *
 * @module
 */
import { nearestName } from "../../base/suggest.ts";
import { type AdminCommand, type AdminResponse, json } from "../command.ts";
import type { AdminView, FilterSwap, FilterView, JsonObject } from "../view.ts";

export const filters: AdminCommand = {
  path: "/filters",
  help: "list WebAssembly filters: code, version, VMs, memory and last error",
  mutates: false,
  parameters: [],
  handle: async (_request, view) => json({ filters: (await view.filters()).map(filterJson) }),
};

function filterJson(filter: FilterView): JsonObject {
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
    vms: sum((worker) => worker.vms),
    memory_bytes: sum((worker) => worker.memoryBytes),
    streams: sum((worker) => worker.streams),
    workers: filter.workers.map((worker) => ({
      worker: worker.worker,
      version: worker.version,
      vms: worker.vms,
      memory_bytes: worker.memoryBytes,
      streams: worker.streams,
      failure: worker.failure,
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
