// host/admin/handlers/clusters.ts: /clusters: every host with its counters.
/**
 * @see Envoy: source/server/admin/clusters_handler.cc
 * @module
 */
import type { CircuitBreakerSettings, HostStatus } from "../../upstream/view.ts";
import { addressJson } from "../address_json.ts";
import { type AdminCommand, json, text } from "../command.ts";
import { nameFilter } from "../query.ts";
import type { ClusterView, JsonObject } from "../view.ts";

export const clusters: AdminCommand = {
  path: "/clusters",
  help: "upstream cluster status",
  mutates: false,
  parameters: [
    { name: "filter", help: "Regular expression (Google re2) for filtering clusters by name", kind: "text" },
    { name: "format", help: "File format to use", kind: ["text", "json"] },
  ],
  async handle({ query }, view) {
    const matches = nameFilter(query, "filter");
    if (typeof matches !== "function") return matches;
    const all = (await view.clusters()).filter((cluster) => matches(cluster.name));
    if (query.get("format") === "json") return json({ cluster_statuses: all.map(clusterJson) });
    return text(all.map(clusterText).join(""));
  },
};

function clusterText(cluster: ClusterView): string {
  const { name, outlier } = cluster;
  const lines = [`observability_name::${cluster.observabilityName}`];
  if (outlier !== undefined) {
    lines.push(
      `outlier::success_rate_average::${outlier.successRateAverage}`,
      `outlier::success_rate_ejection_threshold::${outlier.successRateEjectionThreshold}`,
      `outlier::local_origin_success_rate_average::${outlier.localOriginSuccessRateAverage}`,
      `outlier::local_origin_success_rate_ejection_threshold::${outlier.localOriginSuccessRateEjectionThreshold}`,
    );
  }
  lines.push(...settingsText("default_priority", cluster.defaultPriority));
  lines.push(...settingsText("high_priority", cluster.highPriority));
  lines.push(`added_via_api::${cluster.addedViaApi}`);
  for (const host of cluster.hosts) lines.push(...hostText(host));
  return lines.map((line) => `${name}::${line}\n`).join("");
}

function settingsText(priority: string, settings: CircuitBreakerSettings): string[] {
  return [
    `${priority}::max_connections::${settings.maxConnections}`,
    `${priority}::max_pending_requests::${settings.maxPendingRequests}`,
    `${priority}::max_requests::${settings.maxRequests}`,
    `${priority}::max_retries::${settings.maxRetries}`,
  ];
}

function hostText({ address, stats, locality, ...host }: HostStatus): string[] {
  return [
    `cx_active::${stats.cxActive}`,
    `cx_connect_fail::${stats.cxConnectFail}`,
    `cx_total::${stats.cxTotal}`,
    `rq_active::${stats.rqActive}`,
    `rq_error::${stats.rqError}`,
    `rq_pending_active::${stats.rqPendingActive}`,
    `rq_success::${stats.rqSuccess}`,
    `rq_timeout::${stats.rqTimeout}`,
    `rq_total::${stats.rqTotal}`,
    `hostname::${host.hostname}`,
    `health_flags::${host.healthFlags}`,
    `weight::${host.weight}`,
    `region::${locality.region}`,
    `zone::${locality.zone}`,
    `sub_zone::${locality.subZone}`,
    `canary::${host.canary}`,
    `priority::${host.priority}`,
    `success_rate::${host.successRate}`,
    `local_origin_success_rate::${host.localOriginSuccessRate}`,
  ].map((line) => `${address}::${line}`);
}

/** Fields that have their default are left out, as in Envoy's JSON. */
function clusterJson(cluster: ClusterView): JsonObject {
  return {
    name: cluster.name,
    ...(cluster.addedViaApi ? { added_via_api: true } : {}),
    ...(cluster.hosts.length === 0 ? {} : { host_statuses: cluster.hosts.map(hostJson) }),
    circuit_breakers: {
      thresholds: [settingsJson(cluster.defaultPriority), { priority: "HIGH", ...settingsJson(cluster.highPriority) }],
    },
    observability_name: cluster.observabilityName,
  };
}

function settingsJson(settings: CircuitBreakerSettings): JsonObject {
  return {
    max_connections: settings.maxConnections,
    max_pending_requests: settings.maxPendingRequests,
    max_requests: settings.maxRequests,
    max_retries: settings.maxRetries,
  };
}

function hostJson(host: HostStatus): JsonObject {
  const { stats, locality } = host;
  const stat = (name: string, value: number, type?: "GAUGE"): JsonObject => ({
    ...(type === undefined ? {} : { type }),
    ...(value === 0 ? {} : { value: String(value) }),
    name,
  });
  return {
    address: addressJson(host.address),
    stats: [
      stat("cx_connect_fail", stats.cxConnectFail),
      stat("cx_total", stats.cxTotal),
      stat("rq_error", stats.rqError),
      stat("rq_success", stats.rqSuccess),
      stat("rq_timeout", stats.rqTimeout),
      stat("rq_total", stats.rqTotal),
      stat("cx_active", stats.cxActive, "GAUGE"),
      stat("rq_active", stats.rqActive, "GAUGE"),
      stat("rq_pending_active", stats.rqPendingActive, "GAUGE"),
    ],
    health_status: healthJson(host.healthFlags),
    ...(host.successRate < 0 ? {} : { success_rate: { value: host.successRate } }),
    weight: host.weight,
    ...(host.hostname === "" ? {} : { hostname: host.hostname }),
    ...(host.priority === 0 ? {} : { priority: host.priority }),
    ...(host.localOriginSuccessRate < 0 ? {} : { local_origin_success_rate: { value: host.localOriginSuccessRate } }),
    locality: {
      ...(locality.region === "" ? {} : { region: locality.region }),
      ...(locality.zone === "" ? {} : { zone: locality.zone }),
      ...(locality.subZone === "" ? {} : { sub_zone: locality.subZone }),
    },
  };
}

/** Flags of the text form by the fields of envoy.admin.v3.HostHealthStatus. */
const HEALTH_FIELDS: Readonly<Record<string, string>> = {
  "/failed_active_hc": "failed_active_health_check",
  "/failed_outlier_check": "failed_outlier_check",
  "/degraded_active_hc": "failed_active_degraded_check",
  "/pending_dynamic_removal": "pending_dynamic_removal",
  "/pending_active_hc": "pending_active_hc",
  "/excluded_via_immediate_hc_fail": "excluded_via_immediate_hc_fail",
  "/active_hc_timeout": "active_hc_timeout",
};

function healthJson(flags: string): JsonObject {
  const health: Record<string, boolean | string> = {};
  for (const flag of flags.match(/\/[a-z_]+/g) ?? []) {
    const field = HEALTH_FIELDS[flag];
    if (field !== undefined) health[field] = true;
  }
  health["eds_health_status"] = flags.includes("/failed_eds_health")
    ? "UNHEALTHY"
    : flags.includes("/degraded_eds_health")
    ? "DEGRADED"
    : "HEALTHY";
  return health;
}
