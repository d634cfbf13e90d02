// host/admin/handlers/config_dump.ts: /config_dump: the configuration that is in force.
/**
 * @see Envoy: source/server/admin/config_dump_handler.cc
 * @module
 */
import { type AdminCommand, type AdminResponse, json } from "../command.ts";
import { isObject } from "../config_sections.ts";
import { nameFilter } from "../query.ts";
import { redacted } from "../redact.ts";
import type { ConfigSection, Json, JsonObject } from "../view.ts";

/** Messages of the repeated fields of sections: what `?resource` can name. */
const RESOURCES: Readonly<Record<string, string>> = {
  static_clusters: "ClustersConfigDump.StaticCluster",
  dynamic_active_clusters: "ClustersConfigDump.DynamicCluster",
  dynamic_warming_clusters: "ClustersConfigDump.DynamicCluster",
  static_listeners: "ListenersConfigDump.StaticListener",
  dynamic_listeners: "ListenersConfigDump.DynamicListener",
  static_route_configs: "RoutesConfigDump.StaticRouteConfig",
  dynamic_route_configs: "RoutesConfigDump.DynamicRouteConfig",
  inline_scoped_route_configs: "ScopedRoutesConfigDump.InlineScopedRouteConfigs",
  dynamic_scoped_route_configs: "ScopedRoutesConfigDump.DynamicScopedRouteConfigs",
  static_secrets: "SecretsConfigDump.StaticSecret",
  dynamic_active_secrets: "SecretsConfigDump.DynamicSecret",
  dynamic_warming_secrets: "SecretsConfigDump.DynamicSecret",
  static_endpoint_configs: "EndpointsConfigDump.StaticEndpointConfig",
  dynamic_endpoint_configs: "EndpointsConfigDump.DynamicEndpointConfig",
  ecds_filters: "EcdsConfigDump.EcdsFilterConfig",
};
const ADMIN = "type.googleapis.com/envoy.admin.v3.";
/** Fields of sections that are one message. */
const SINGLE_FIELDS = new Set(["bootstrap", "last_updated", "version_info"]);
/** Where a row of a section holds what it is about. */
const INNER_FIELDS = ["cluster", "listener", "route_config", "scoped_route_configs", "endpoint_config", "ecds_filter"];

export const configDump: AdminCommand = {
  path: "/config_dump",
  help: "dump current Envoy configs",
  mutates: false,
  parameters: [
    { name: "resource", help: "The resource to dump", kind: "text" },
    {
      name: "mask",
      help:
        "The mask to apply. When both resource and mask are specified, the mask is applied to every element in the " +
        "desired repeated field so that only a subset of fields are returned. The mask is parsed as a Protobuf::FieldMask",
      kind: "text",
    },
    {
      name: "name_regex",
      help:
        "Dump only the currently loaded configurations whose names match the specified regex. Can be used with both " +
        "resource and mask query parameters.",
      kind: "text",
    },
    {
      name: "include_eds",
      help: "Dump currently loaded configuration including EDS. See the response definition for more information",
      kind: "flag",
    },
  ],
  handle({ query }, view) {
    const matches = nameFilter(query, "name_regex");
    if (typeof matches !== "function") return matches;
    const filtered = (query.get("name_regex") ?? "") !== "";
    const sections = view.config()
      .filter((section) => query.has("include_eds") || section["@type"] !== ADMIN + "EndpointsConfigDump")
      .map((section) => redacted(filtered ? onlyNamed(section, matches) : section) as ConfigSection);
    const resource = query.get("resource") ?? "";
    const mask = query.get("mask") ?? "";
    if (resource === "") return masked(sections, mask, false);
    const rows = rowsOf(sections, resource);
    return "status" in rows ? rows : masked(rows.rows, mask, true);
  },
};

/** The rows of a repeated field, each with its type. */
function rowsOf(sections: readonly ConfigSection[], resource: string): { readonly rows: JsonObject[] } | AdminResponse {
  if (SINGLE_FIELDS.has(resource)) {
    return plain(400, `${resource} is not a repeated field. Use ?mask=${resource} to get only this field`);
  }
  const type = RESOURCES[resource];
  if (type === undefined || !Object.hasOwn(RESOURCES, resource)) {
    return plain(404, `${resource} not found in config dump`);
  }
  const rows = sections.flatMap((section) => {
    const list = section[resource];
    return Array.isArray(list) ? (list as readonly Json[]).filter(isObject) : [];
  });
  return { rows: rows.map((row) => ({ "@type": ADMIN + type, ...row })) };
}

/** Only what a FieldMask names. Sections that have nothing of it are left out; rows of a resource stay. */
function masked(values: readonly JsonObject[], mask: string, keepEmpty: boolean): AdminResponse {
  if (mask === "") return json({ configs: values });
  const paths = mask.split(",").map((path) => path.trim().split("."));
  const kept = values.map((value) => applyMask(value, paths));
  if (values.length > 0 && kept.every((value) => value === null)) {
    const lines = paths.map((path) => `paths: "${path.join(".")}"\n`).join("");
    return plain(400, `FieldMask ${lines} could not be successfully used.`);
  }
  return json({
    configs: values.map((value, i) => kept[i] ?? (keepEmpty ? { "@type": value["@type"]! } : null)).filter((each) =>
      each !== null
    ),
  });
}

/** What the paths lead to, with types; null when they lead nowhere. */
function applyMask(value: JsonObject, paths: readonly (readonly string[])[]): JsonObject | null {
  const result: Record<string, Json> = {};
  let found = false;
  if (value["@type"] !== undefined) result["@type"] = value["@type"];
  for (const [name, field] of Object.entries(value)) {
    const rests = paths.filter((path) => path[0] === name).map((path) => path.slice(1));
    if (rests.length === 0) continue;
    if (rests.some((rest) => rest.length === 0)) result[name] = field;
    else if (isObject(field)) {
      const inner = applyMask(field, rests);
      if (inner === null) continue;
      result[name] = inner;
    } else continue;
    found = true;
  }
  return found ? result : null;
}

/** A section whose lists hold only rows of matching names. */
function onlyNamed(section: ConfigSection, matches: (name: string) => boolean): ConfigSection {
  const fields = Object.entries(section).map(([name, value]) => {
    if (!Object.hasOwn(RESOURCES, name) || !Array.isArray(value)) return [name, value];
    return [name, (value as readonly Json[]).filter((row) => isObject(row) && matches(rowName(row)))];
  });
  return Object.fromEntries(fields) as ConfigSection;
}

function rowName(row: JsonObject): string {
  const inner = INNER_FIELDS.map((field) => row[field]).find((value) => value !== undefined && isObject(value));
  const holder = inner === undefined ? row : inner as JsonObject;
  const name = holder["name"] ?? holder["cluster_name"];
  return typeof name === "string" ? name : "";
}

/** Envoy's errors here have another content type than its other pages. */
function plain(status: number, body: string): AdminResponse {
  return { status, contentType: "text/plain", body };
}
