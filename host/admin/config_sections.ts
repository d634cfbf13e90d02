// host/admin/config_sections.ts: the sections of /config_dump from a bootstrap as JSON.
// pure: no I/O, no clock, no runtime globals
/**
 * Everything that a static configuration holds is in its bootstrap: clusters, listeners, secrets, and the
 * routes inside listeners. What a control plane adds, its sections add.
 *
 * @see Envoy: api/envoy/admin/v3/config_dump.proto
 * @module
 */
import type { ConfigSection, Json, JsonObject } from "./view.ts";

const ADMIN = "type.googleapis.com/envoy.admin.v3.";
const HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/** Sections in Envoy's order. `lastUpdated` is ISO 8601. */
export function staticConfigSections(bootstrap: JsonObject, lastUpdated: string): ConfigSection[] {
  const resources = objectIn(bootstrap, "static_resources");
  const clusters = objectsIn(resources, "clusters").toSorted((a, b) => compare(nameOf(a), nameOf(b)));
  const listeners = objectsIn(resources, "listeners");
  const secrets = objectsIn(resources, "secrets");
  const last = { last_updated: lastUpdated };
  const listed = (field: string, rows: readonly JsonObject[]): JsonObject => rows.length === 0 ? {} : { [field]: rows };
  return [
    { "@type": ADMIN + "BootstrapConfigDump", bootstrap, ...last },
    {
      "@type": ADMIN + "ClustersConfigDump",
      ...listed(
        "static_clusters",
        clusters.map((cluster) => ({ cluster: typed("cluster.v3.Cluster", cluster), ...last })),
      ),
    },
    {
      "@type": ADMIN + "ListenersConfigDump",
      ...listed(
        "static_listeners",
        listeners.map((listener) => ({ listener: typed("listener.v3.Listener", listener), ...last })),
      ),
    },
    { "@type": ADMIN + "ScopedRoutesConfigDump" },
    {
      "@type": ADMIN + "RoutesConfigDump",
      ...listed(
        "static_route_configs",
        routeConfigs(listeners).map((config) => ({
          route_config: typed("route.v3.RouteConfiguration", config),
          ...last,
        })),
      ),
    },
    {
      "@type": ADMIN + "SecretsConfigDump",
      ...listed(
        "static_secrets",
        secrets.map((secret) => ({
          name: nameOf(secret),
          ...last,
          secret: { "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret", ...secret },
        })),
      ),
    },
    // Shown with ?include_eds only.
    { "@type": ADMIN + "EndpointsConfigDump", ...listed("static_endpoint_configs", endpointConfigs(clusters, last)) },
  ];
}

function typed(type: string, value: JsonObject): JsonObject {
  return { "@type": `type.googleapis.com/envoy.config.${type}`, ...value };
}

/** `route_config` of every HTTP connection manager, wherever in a listener it is. */
function routeConfigs(value: Json): JsonObject[] {
  if (Array.isArray(value)) return (value as readonly Json[]).flatMap(routeConfigs);
  if (typeof value !== "object" || value === null) return [];
  const fields = value as JsonObject;
  const config = fields["route_config"];
  if (fields["@type"] === HCM && isObject(config)) return [config];
  return Object.values(fields).flatMap(routeConfigs);
}

function endpointConfigs(clusters: readonly JsonObject[], last: JsonObject): JsonObject[] {
  return clusters.map((cluster) => cluster["load_assignment"]).filter((each) => each !== undefined && isObject(each))
    .map((assignment) => ({
      endpoint_config: typed("endpoint.v3.ClusterLoadAssignment", assignment as JsonObject),
      ...last,
    }));
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function objectIn(value: JsonObject, field: string): JsonObject {
  const inner = value[field];
  return isObject(inner) ? inner : {};
}

function objectsIn(value: JsonObject, field: string): JsonObject[] {
  const inner = value[field];
  return Array.isArray(inner) ? (inner as readonly Json[]).filter(isObject) : [];
}

function nameOf(value: JsonObject): string {
  return typeof value["name"] === "string" ? value["name"] : "";
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
