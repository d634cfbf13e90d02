// host/extensions/common/wasm/code_plan.ts: where the code of a plugin comes from, as plain data.
/**
 * @see Envoy: api/envoy/config/core/v3/base.proto AsyncDataSource, source/extensions/common/wasm/remote_async_datasource.h
 * @module
 */
import { nearestName } from "../../../base/suggest.ts";
import type { ConfigNode } from "../../../config/node.ts";
import type { PlanContext } from "../../define.ts";
import { parseOciReference } from "./oci_reference.ts";
import type { CodeRetryPlan, RemoteCodePlan, WasmCodePlan } from "./plugin_plan.ts";

const BAD_CODE = "config/wasm-code";
const DEFAULT_BASE_MS = 1000;
/** Without `max_interval` it is this many times the base. */
const DEFAULT_GROWTH = 10;
/** What control planes write that fetch modules themselves: no cluster, no digest. */
const NO_CLUSTER = "_";
const NO_DIGEST = "nil";

/** Reads `VmConfig.code`; null after an error was reported. */
export function planCode(vm: ConfigNode, context: PlanContext): WasmCodePlan | null {
  const code = vm.message("code");
  if (code === null) {
    vm.error("config/missing-field", "VmConfig has no code");
    return null;
  }
  const remote = code.message("remote");
  if (remote !== null) return planRemote(remote, context);
  const local = code.message("local");
  if (local === null) {
    code.error("config/missing-field", "code is neither local nor remote");
    return null;
  }
  if (local.oneof("specifier") === "filename") {
    const path = local.string("filename");
    local.accept("watched_directory", "the folder of the file is always watched");
    return { kind: "file", path };
  }
  const bytes = context.readDataSource(local);
  return bytes === null ? null : { kind: "inline", bytes };
}

function planRemote(remote: ConfigNode, context: PlanContext): RemoteCodePlan | null {
  const target = remote.message("http_uri");
  if (target === null) {
    remote.error("config/missing-field", "remote code has no http_uri");
    return null;
  }
  const uri = target.string("uri");
  const kind = uriKind(target, uri);
  const cluster = planCluster(target, context);
  const sha256 = planDigest(remote, uri.startsWith("oci:"));
  const retry = planRetry(remote.message("retry_policy"));
  const timeoutMs = target.durationMs("timeout", 0);
  if (kind === null || cluster === undefined || sha256 === undefined || retry === null) return null;
  return { kind, uri, cluster, timeoutMs, sha256, retry };
}

function uriKind(node: ConfigNode, uri: string): RemoteCodePlan["kind"] | null {
  if (uri.startsWith("oci:")) {
    const reference = parseOciReference(uri);
    if (typeof reference !== "string") return "oci";
    node.error(BAD_CODE, `the image reference cannot be read: ${reference}`, {
      field: "uri",
      help: "write oci://registry/repository:tag or oci://registry/repository@sha256:…",
    });
    return null;
  }
  const url = URL.parse(uri);
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:") && url.hostname !== "") return "http";
  node.error(BAD_CODE, "the uri of a module is none of http://, https:// and oci://", { field: "uri" });
  return null;
}

/** Null: straight to the host; undefined after an error. */
function planCluster(node: ConfigNode, context: PlanContext): string | null | undefined {
  const name = node.string("cluster");
  if (name === NO_CLUSTER || name === "") return null;
  if (context.clusterNames.has(name)) return name;
  const near = nearestName(name, [...context.clusterNames]);
  node.error("config/unknown-cluster", `a wasm module is to be fetched through the unknown cluster '${name}'`, {
    field: "cluster",
    help: near === null
      ? `write ${NO_CLUSTER} to reach the host of the uri straight`
      : `a cluster with a similar name exists: ${near}`,
  });
  return undefined;
}

/** Null: images are taken as they are; undefined after an error. */
function planDigest(remote: ConfigNode, isImage: boolean): string | null | undefined {
  const text = remote.string("sha256");
  if (/^[0-9A-Fa-f]{64}$/.test(text)) return text.toLowerCase();
  if (isImage && (text === "" || text === NO_DIGEST)) return null;
  remote.error(BAD_CODE, `'${text}' is no SHA-256 digest: expected 64 hexadecimals`, {
    field: "sha256",
    help: isImage
      ? `write ${NO_DIGEST} to take whatever the reference names`
      : "take the first word of what sha256sum says of the module",
  });
  return undefined;
}

function planRetry(node: ConfigNode | null): CodeRetryPlan | null {
  if (node === null) return { retries: 1, baseMs: DEFAULT_BASE_MS, maxMs: DEFAULT_BASE_MS * DEFAULT_GROWTH };
  // Envoy's fetcher looks at the number and the back-off only.
  node.accept("retry_on", "every fetch that failed is tried again");
  node.accept("retry_priority", "the hosts of the cluster take turns");
  node.accept("retry_host_predicate", "the hosts of the cluster take turns");
  node.accept("host_selection_retry_max_attempts", "the hosts of the cluster take turns");
  const backOff = node.message("retry_back_off");
  const baseMs = backOff?.durationMs("base_interval", DEFAULT_BASE_MS) ?? DEFAULT_BASE_MS;
  const maxMs = backOff?.durationMs("max_interval", baseMs * DEFAULT_GROWTH) ?? baseMs * DEFAULT_GROWTH;
  if (maxMs < baseMs) {
    backOff!.error("config/out-of-range", `max_interval (${maxMs} ms) is below base_interval (${baseMs} ms)`, {
      field: "max_interval",
    });
    return null;
  }
  return { retries: node.number("num_retries", 1), baseMs, maxMs };
}
