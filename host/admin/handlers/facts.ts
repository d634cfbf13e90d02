// host/admin/handlers/facts.ts: small pages of facts: memory, certificates, runtime, what is not ready.
/**
 * @see Envoy: source/server/admin/runtime_handler.cc, init_dump_handler.cc, server_info_handler.cc
 * @module
 */
import { type AdminCommand, json, text } from "../command.ts";

export const memory: AdminCommand = {
  path: "/memory",
  help: "print current allocation/heap usage",
  mutates: false,
  parameters: [],
  handle(_request, view) {
    const { heapUsedBytes, heapTotalBytes, residentBytes, externalBytes } = view.memory();
    // The names are those of Envoy's allocator; V8 has no thread caches and unmaps by itself.
    return json({
      allocated: String(heapUsedBytes + externalBytes),
      heap_size: String(heapTotalBytes + externalBytes),
      pageheap_unmapped: "0",
      pageheap_free: String(Math.max(0, heapTotalBytes - heapUsedBytes)),
      total_thread_cache: "0",
      total_physical_bytes: String(residentBytes),
    });
  },
};

export const certs: AdminCommand = {
  path: "/certs",
  help: "print certs on machine",
  mutates: false,
  parameters: [],
  handle: (_request, view) => json({ certificates: view.certificates() }),
};

export const initDump: AdminCommand = {
  path: "/init_dump",
  help: "dump current Envoy init manager information (experimental)",
  mutates: false,
  parameters: [{
    name: "mask",
    help: "The desired component to dump unready targets. For example, get the unready targets of all listeners with " +
      "/init_dump?mask=listener",
    kind: "text",
  }],
  handle({ query }, view) {
    const mask = query.get("mask") ?? "";
    const targets = view.unreadyTargets().filter(({ name }) => mask === "" || name.startsWith(mask));
    if (targets.length === 0) return json({});
    return json({
      unready_targets_dumps: targets.map(({ name, targetNames }) => ({ name, target_names: targetNames })),
    });
  },
};

export const runtime: AdminCommand = {
  path: "/runtime",
  help: "print runtime values",
  mutates: false,
  parameters: [],
  handle(_request, view) {
    const layers = view.runtimeLayers();
    const keys = new Set(layers.flatMap(({ values }) => [...values.keys()]).sort());
    const entries = Object.fromEntries([...keys].map((key) => {
      const layerValues = layers.map(({ values }) => values.get(key)?.text ?? "");
      const final = layers.findLast(({ values }) => values.has(key))!;
      return [key, { final_value: final.values.get(key)!.text, layer_values: layerValues }];
    }));
    return json({ entries, layers: layers.map(({ name }) => name) });
  },
};

export const runtimeModify: AdminCommand = {
  path: "/runtime_modify",
  help:
    "Adds or modifies runtime values as passed in query parameters. To delete a previously added key, use an empty " +
    "string as the value. Note that deletion only applies to overrides added via this endpoint; values loaded from disk " +
    "can be modified via override but not deleted. E.g. ?key1=value1&key2=value2...",
  mutates: true,
  parameters: [],
  async handle({ query }, view) {
    if (query.entries.length > 0) {
      const problem = await view.actions.modifyRuntime(query.entries);
      return problem === null ? text("OK\n") : text(problem, 503);
    }
    return text(
      "usage: /runtime_modify?key1=value1&key2=value2&keyN=valueN\n" +
        "       or send the parameters as form values\n" +
        "use an empty value to remove a previously added override",
      400,
    );
  },
};
