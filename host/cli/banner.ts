// host/cli/banner.ts: what a terminal shows once the proxy serves.
/** @module */
import { listenAddressText } from "../net/address.ts";
import type { ListenerPlan } from "../net/plan.ts";
import type { Server } from "../server/server.ts";

/** Listeners with their chains, clusters, filters, the admin address, and how long the start took. */
export function startupBanner(server: Server, adminUrl: string | null, readyMs: number): string {
  const snapshot = server.snapshot;
  if (snapshot === null) return "";
  const lines = [""];
  for (const listener of snapshot.listeners) {
    const addresses = listener.addresses.map(listenAddressText);
    lines.push(`  listener ${listener.name || addresses[0]}  ${addresses.join(" ")}`);
    for (const chain of chainsOf(listener)) lines.push(`    ${chain}`);
  }
  if (snapshot.clusters.length > 0) {
    lines.push(`  clusters ${snapshot.clusters.map((each) => `${each.name} (${each.type.toLowerCase()})`).join(", ")}`);
  }
  for (const plugin of server.plugins.plugins) {
    lines.push(
      `  filter   ${plugin.name}  ${plugin.source}  sha256 ${plugin.sha256.slice(0, 12)}  abi ${plugin.abiVersion}`,
    );
  }
  if (adminUrl !== null) lines.push(`  admin    ${adminUrl}`);
  lines.push(
    `  ready in ${Math.round(readyMs)} ms, ${server.concurrency} worker${server.concurrency === 1 ? "" : "s"}`,
    "",
  );
  return lines.join("\n") + "\n";
}

/** `http_connection_manager → wasm → router`, one line a chain. */
function chainsOf(listener: ListenerPlan): string[] {
  const chains = [
    ...listener.filterChains,
    ...(listener.defaultFilterChain === null ? [] : [listener.defaultFilterChain]),
  ];
  return chains.map((chain) => {
    const names = chain.filters.flatMap((filter) => {
      const uses = (filter.plan as { httpFilters?: readonly { name: string }[] } | null)?.httpFilters;
      // Of wasm filters the interesting part is which one it is.
      const name = filter.extension.endsWith(".wasm") ? filter.name : shortName(filter.extension);
      return [name, ...(uses ?? []).map((use) => shortName(use.name))];
    });
    return names.join(" → ");
  });
}

function shortName(name: string): string {
  return name.replace(/^envoy\.filters\.(http|network)\./, "");
}
