// host/server/plan/bootstrap.ts: a Bootstrap message as one generation's plans.
/**
 * Reads everything, reports everything: problems of listeners do not keep those of clusters from being
 * found. Cross references (routes to clusters, duplicate names) are checked here.
 *
 * @see Envoy: source/server/server.cc, source/server/configuration_impl.cc
 * @module
 */
import { formatIp } from "../../base/ip.ts";
import type { ConfigNode } from "../../config/node.ts";
import { whyNotWritable } from "../../extensions/access_loggers/common/writable_path.ts";
import { WasmLimitsPlan } from "../../extensions/common/wasm/limits.ts";
import { planUpstreamFilters, UPSTREAM_SCOPE } from "../../extensions/common/upstream_filters.ts";
import type { NativeFilterModule } from "../../extensions/common/native/filter.ts";
import type { ListenerScope } from "../../extensions/define.ts";
import { planIp, planListener } from "../../net/plan/listener.ts";
import { isPipe, listenAddressText } from "../../net/address.ts";
import type { ListenerPlan } from "../../net/plan.ts";
import type { ClusterPlan } from "../../upstream/plan.ts";
import { planResolver } from "../../upstream/plan/dns_resolver.ts";
import { planCluster } from "../../upstream/plan/cluster.ts";
import type { AdminPlan, NodeIdentity, UsedExtensions } from "../snapshot.ts";
import type { Planners, WasmPluginUse } from "./planners.ts";
import type { OverloadPlan } from "../overload/plan.ts";
import { planOverload } from "./overload.ts";
import { planRuntime, type RuntimeLayerPlan } from "./runtime.ts";

/** What a bootstrap asks for. Plugins still need their code. */
export interface BootstrapPlan {
  readonly node: NodeIdentity;
  /** `cluster_manager.local_cluster_name`; "" when none is named. */
  readonly localClusterName: string;
  readonly admin: AdminPlan | null;
  readonly listeners: readonly ListenerPlan[];
  readonly clusters: readonly ClusterPlan[];
  readonly plugins: readonly WasmPluginUse[];
  readonly extensions: UsedExtensions;
  readonly nativeModules: readonly NativeFilterModule[];
  readonly runtimeLayers: readonly RuntimeLayerPlan[];
  /** The file that ejections are written to; null for none. */
  readonly outlierEventLog: string | null;
  /** Most connections of clients that are open at once; null where no monitor limits them. */
  readonly globalConnectionLimit: number | null;
  /** Null when nothing is measured. */
  readonly overload: OverloadPlan | null;
  readonly statsFlushIntervalMs: number;
}

/** What bootstrap extensions get in the place of a listener. */
const PROCESS_SCOPE: ListenerScope = { name: "", statPrefix: "", trafficDirection: "UNSPECIFIED" };

/** What the command line says of the node; empty strings leave the configuration's. */
export interface NodeFlags {
  readonly serviceNode: string;
  readonly serviceCluster: string;
  readonly serviceZone: string;
}

export function planBootstrap(root: ConfigNode, planners: Planners, flags: NodeFlags): BootstrapPlan {
  const resources = root.message("static_resources");
  const runtime = planRuntime(root, (path) => planners.environment.isFolder(path));
  planners.dnsResolver = planResolver(root);
  planners.wasmLimits = planWasmLimits(root, runtime.values);
  const clusterNodes = resources?.messages("clusters") ?? [];
  const clusterNames = new Set(clusterNodes.map((node) => node.string("name")));
  const clusters: ClusterPlan[] = [];
  const seenClusters = new Set<string>();
  const clusterContext = planners.context(UPSTREAM_SCOPE, clusterNames);
  for (const node of clusterNodes) {
    const plan = planCluster(node, {
      planFilters: (nodes) => planUpstreamFilters(nodes, clusterContext),
      addDnsCache: planners.addDnsCache,
      readEndpoints: (source, path, serviceName) => planners.readEndpoints(source, path, serviceName),
      dnsResolver: planners.dnsResolver,
      bindConfig: root.message("cluster_manager")?.message("upstream_bind_config") ?? null,
      formats: clusterContext,
    });
    const name = node.string("name");
    if (seenClusters.has(name)) node.error("config/duplicate", `cluster '${name}' is there twice`, { field: "name" });
    seenClusters.add(name);
    if (plan !== null) clusters.push(plan);
  }
  const listeners: ListenerPlan[] = [];
  const seenListeners = new Set<string>();
  /** Who has an address. With reusePort the system would spread connections over both. */
  const addresses = new Map<string, string>();
  for (const node of resources?.messages("listeners") ?? []) {
    const plan = planOneListener(node, planners, clusterNames);
    const name = node.string("name");
    if (name !== "" && seenListeners.has(name)) {
      node.error("config/duplicate", `listener '${name}' is there twice`, { field: "name" });
    }
    seenListeners.add(name);
    if (plan === null) continue;
    for (const address of plan.bindToPort ? plan.addresses : []) {
      if (address.port === 0 && !isPipe(address)) continue;
      const text = listenAddressText(address);
      const owner = addresses.get(text);
      if (owner !== undefined) {
        node.error(
          "config/duplicate",
          `listener '${name}' has duplicate address '${text}' as existing listener '${owner}'`,
          {
            field: "address",
          },
        );
      } else addresses.set(text, name);
    }
    listeners.push(plan);
  }
  const processContext = planners.context(PROCESS_SCOPE, clusterNames);
  for (const node of root.messages("bootstrap_extensions")) planners.planBootstrapExtension(node, processContext);
  const outlierEventLog = planOutlierEventLog(root);
  const overloadNode = root.message("overload_manager");
  const overload = overloadNode === null ? null : planOverload(overloadNode);
  acceptWithoutEffect(root);
  runtime.reportUnused();
  return {
    node: planNode(root.message("node"), flags),
    localClusterName: planLocalCluster(root.message("cluster_manager"), clusterNames),
    admin: planAdmin(root.message("admin")),
    listeners,
    clusters,
    plugins: planners.plugins,
    extensions: planners.usedExtensions,
    runtimeLayers: runtime.layers,
    outlierEventLog,
    nativeModules: planners.nativeModules,
    overload,
    globalConnectionLimit: planGlobalLimit(overload),
    statsFlushIntervalMs: root.durationMs("stats_flush_interval", 5000),
  };
}

function planGlobalLimit(overload: OverloadPlan | null): number | null {
  return overload?.monitors.find((each) => each.kind === "downstream_connections")?.max ?? null;
}

function planWasmLimits(root: ConfigNode, values: ReadonlyMap<string, unknown>): WasmLimitsPlan {
  const limits = new WasmLimitsPlan(values);
  for (const { key, message, help } of limits.problems) {
    root.error("config/runtime", `runtime key ${key} ${message}`, {
      field: "layered_runtime",
      ...(help !== null && { help }),
    });
  }
  return limits;
}

function planOutlierEventLog(root: ConfigNode): string | null {
  const node = root.message("cluster_manager")?.message("outlier_detection") ?? null;
  if (node === null) return null;
  node.accept("event_service", "Envoy sends no events there either; they go to event_log_path");
  const path = node.string("event_log_path");
  if (path === "") return null;
  const reason = whyNotWritable(path);
  if (reason !== null) {
    node.error("access_log/cannot-open", `cannot open "${path}" for writing: ${reason}`, { field: "event_log_path" });
  }
  return path;
}

function planOneListener(
  node: ConfigNode,
  planners: Planners,
  clusterNames: ReadonlySet<string>,
): ListenerPlan | null {
  return planListener(node, {
    planFilters(filterNodes, scope) {
      const listener: ListenerScope = scope;
      const context = planners.context(listener, clusterNames);
      return filterNodes.flatMap((filterNode, index) => {
        const plan = planners.planNetworkFilter(filterNode, context);
        if (plan === null) return [];
        const last = index === filterNodes.length - 1;
        if (plan.terminal !== last) {
          filterNode.error(
            "config/filter-order",
            plan.terminal
              ? `terminal filter '${plan.name}' is not the last one of the chain`
              : `non-terminal filter '${plan.name}' is the last one of the chain`,
          );
        }
        return [{ name: plan.name, extension: plan.extension, plan: plan.plan }];
      });
    },
    planAccessLog: (logNode, scope) => planners.context(scope, clusterNames).planAccessLog(logNode),
  });
}

function planLocalCluster(manager: ConfigNode | null, clusterNames: ReadonlySet<string>): string {
  const name = manager?.string("local_cluster_name") ?? "";
  if (name !== "" && !clusterNames.has(name)) {
    manager!.error("config/unknown-cluster", `local cluster '${name}' must be defined`, {
      field: "local_cluster_name",
      help: "add the cluster to static_resources.clusters",
    });
  }
  return name;
}

function planNode(node: ConfigNode | null, flags: NodeFlags): NodeIdentity {
  const locality = node?.message("locality") ?? null;
  node?.accept("user_agent_name", "a control plane would see it; there is none");
  node?.accept("user_agent_version", "a control plane would see it; there is none");
  return {
    id: flags.serviceNode || (node?.string("id") ?? ""),
    cluster: flags.serviceCluster || (node?.string("cluster") ?? ""),
    region: locality?.string("region") ?? "",
    zone: flags.serviceZone || (locality?.string("zone") ?? ""),
    subZone: locality?.string("sub_zone") ?? "",
    metadata: (node?.json("metadata") ?? {}) as Record<string, unknown>,
  };
}

function planAdmin(node: ConfigNode | null): AdminPlan | null {
  if (node === null) return null;
  node.accept("profile_path", "profiles are taken with the runtime's own tools");
  node.accept("ignore_global_conn_limit", "admin connections are never counted against a limit");
  node.accept("access_log_path", "admin requests are logged by the admin component at debug level");
  const socket = node.message("address")?.message("socket_address") ?? null;
  if (socket === null) {
    if (node.message("address") !== null) {
      node.error("config/unsupported", "the admin interface listens on a socket_address", { field: "address" });
    }
    return null;
  }
  socket.accept("protocol", "the admin interface speaks HTTP over TCP");
  const ip = planIp(socket);
  return ip === null ? null : { address: formatIp(ip), port: socket.number("port_value") };
}

/** Fields of the bootstrap that mean nothing here, each with its reason. */
function acceptWithoutEffect(root: ConfigNode): void {
  root.accept("enable_dispatcher_stats", "there is no dispatcher to measure; see /server_info for the event loop");
  root.accept("perf_tracing_file_path", "the runtime's own tracing takes its place");
  root.accept("default_socket_interface", "sockets are the runtime's");
  root.accept("memory_allocator_manager", "memory is the runtime's");
  root.accept("enable_worker_cpu_affinity", "threads are the runtime's");
}
