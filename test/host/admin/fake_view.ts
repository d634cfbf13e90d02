// test/host/admin/fake_view.ts: a server that is only data, and HTTP to ask about it.
import { request } from "node:http";
import { ManualClock } from "../../../host/base/clock.ts";
import { AdminServer } from "../../../host/admin/admin.ts";
import { staticConfigSections } from "../../../host/admin/config_sections.ts";
import type {
  AdminActions,
  AdminView,
  ClusterView,
  FilterSwap,
  FilterView,
  JsonObject,
  ServerState,
} from "../../../host/admin/view.ts";
import { type LogLevel, LogRegistry } from "../../../host/observe/log.ts";
import { StatsStore } from "../../../host/observe/stats.ts";
import { endpointStats } from "../../../host/upstream/endpoint_stats.ts";
import { TagExtractor } from "../../../host/observe/tags.ts";

const SETTINGS = { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3 };
const NO_STATS = {
  cxActive: 0,
  cxConnectFail: 0,
  cxTotal: 0,
  rqActive: 0,
  rqError: 0,
  rqPendingActive: 0,
  rqSuccess: 0,
  rqTimeout: 0,
  rqTotal: 0,
};

export const CLUSTERS: readonly ClusterView[] = [
  {
    name: "none",
    observabilityName: "none",
    type: "STATIC",
    defaultPriority: SETTINGS,
    highPriority: SETTINGS,
    addedViaApi: false,
    tracksEndpoints: false,
    outlier: {
      successRateAverage: -1,
      successRateEjectionThreshold: -1,
      localOriginSuccessRateAverage: -1,
      localOriginSuccessRateEjectionThreshold: -1,
    },
    hosts: [{
      address: "127.0.0.1:9",
      stats: { ...NO_STATS, cxConnectFail: 1, cxTotal: 1, rqError: 1 },
      hostname: "",
      healthFlags: "/failed_active_hc",
      isHealthy: false,
      weight: 1,
      locality: { region: "", zone: "", subZone: "" },
      canary: false,
      priority: 0,
      successRate: -1,
      localOriginSuccessRate: -1,
    }],
  },
  {
    name: "a",
    observabilityName: "a",
    type: "STATIC",
    defaultPriority: SETTINGS,
    highPriority: SETTINGS,
    addedViaApi: false,
    tracksEndpoints: false,
    hosts: [{
      address: "[::1]:18090",
      stats: { ...NO_STATS, cxTotal: 1, rqSuccess: 8, rqTotal: 8 },
      hostname: "one.example",
      healthFlags: "healthy",
      isHealthy: true,
      weight: 1,
      locality: { region: "r1", zone: "z1", subZone: "s1" },
      canary: true,
      priority: 0,
      successRate: -1,
      localOriginSuccessRate: -1,
    }],
  },
];

const HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

export const BOOTSTRAP: JsonObject = {
  node: { id: "n1", cluster: "c1" },
  static_resources: {
    listeners: [{
      name: "web",
      filter_chains: [{
        filters: [{ name: "hcm", typed_config: { "@type": HCM, route_config: { name: "local", virtual_hosts: [] } } }],
        transport_socket: { typed_config: { private_key: { inline_string: "-----BEGIN PRIVATE KEY-----" } } },
      }],
    }],
    clusters: [{ name: "none", type: "STATIC" }, {
      name: "a",
      type: "STATIC",
      load_assignment: { cluster_name: "a", endpoints: [] },
    }],
    secrets: [{ name: "token", generic_secret: { secret: { inline_string: "hunter2" } } }],
  },
};

/** A VM of the filter below, shared with another plugin. */
function vm(state: "serving" | "failed", streams: number): FilterView["workers"][number]["vms"][number] {
  const idle = { isDraining: false, streams: 0, tickPeriodMs: 0, httpCalls: 0, grpcCalls: 0, dnsLookups: 0 };
  return {
    state,
    digest: "bb",
    roots: [
      {
        ...idle,
        source: { pluginName: "guard", rootId: "", vmId: "vm" },
        streams,
        tickPeriodMs: 500,
        httpCalls: 3,
        grpcCalls: 2,
        dnsLookups: 1,
      },
      { ...idle, source: { pluginName: "other", rootId: "r", vmId: "vm" }, isDraining: true, httpCalls: 7 },
    ],
    contexts: streams + 2,
    memoryBytes: 65536,
    memoryLimitBytes: 268435456,
    calls: 1000,
    fuelSpent: 5000,
  };
}

export const FILTER: FilterView = {
  name: "guard",
  rootId: "",
  vmId: "vm",
  file: "/etc/guard.wasm",
  source: "/etc/guard.wasm",
  imageDigest: null,
  signedBy: null,
  abiVersion: "0.2.1",
  callTrace: "lengths",
  shared: { keys: 2, bytes: 128, queues: [{ name: "jobs", messages: 4 }] },
  version: 2,
  sha256: "bb",
  previousSha256: "aa",
  lastError: null,
  workers: [
    {
      worker: 0,
      version: 2,
      vms: [vm("serving", 3)],
      memoryBytes: 65536,
      streams: 3,
      failure: null,
      lastFailure: null,
    },
    {
      worker: 1,
      version: 2,
      vms: [vm("failed", 0)],
      memoryBytes: 131072,
      streams: 0,
      failure: "unreachable",
      lastFailure: {
        wallMs: Date.UTC(2026, 0, 2),
        message: "unreachable",
        notes: ["its last words: oh"],
        backtrace: ["work (filter.ts:8:5)"],
      },
    },
  ],
};

export class FakeServer implements AdminView, AdminActions {
  readonly stats: StatsStore = StatsStore.create();
  readonly tags: TagExtractor = new TagExtractor();
  readonly logs: LogRegistry;
  /** What was asked for, in order. */
  readonly calls: string[] = [];
  /** Lines of the admin's own log. */
  readonly lines: string[] = [];
  state: ServerState = "LIVE";
  broken = false;
  /** Clusters of which the hosts are among the statistics. */
  tracked: readonly ClusterView[] = [];
  hasAdminLayer = false;
  /** What is counted elsewhere between two questions. */
  lateCalls = 0;

  constructor() {
    const destination = { write: (line: string): void => void this.lines.push(line) };
    this.logs = new LogRegistry({ destination, clock: new ManualClock(), format: "json" });
  }

  get actions(): AdminActions {
    return this;
  }

  server(): ReturnType<AdminView["server"]> {
    return {
      version: "abc/0.1.0/Clean/RELEASE/OpenSSL",
      state: this.state,
      uptimeMs: 9876,
      hotRestartVersion: "11.104",
      commandLineOptions: { concurrency: 1 },
      node: { id: "n1" },
    };
  }

  logLevels(): ReturnType<AdminView["logLevels"]> {
    return this.logs.levels();
  }

  listeners(): ReturnType<AdminView["listeners"]> {
    return [
      { name: "web", address: "127.0.0.1:18080" },
      { name: "both", address: "0.0.0.0:80", additionalAddresses: ["[::]:80"] },
      { name: "sock", address: "/run/a.sock" },
    ];
  }

  clusters(): Promise<readonly ClusterView[]> {
    return this.broken ? Promise.reject(new Error("worker gone")) : Promise.resolve(CLUSTERS);
  }

  endpointStats(): ReturnType<AdminView["endpointStats"]> {
    return Promise.resolve(endpointStats(this.tracked));
  }

  config(): ReturnType<AdminView["config"]> {
    return staticConfigSections(BOOTSTRAP, "2026-11-21T14:05:34.547Z");
  }

  memory(): ReturnType<AdminView["memory"]> {
    return { heapUsedBytes: 100, heapTotalBytes: 300, residentBytes: 1000, externalBytes: 10 };
  }

  filters(): Promise<readonly FilterView[]> {
    return Promise.resolve([FILTER]);
  }

  traceFilters(name: string, mode: string): Promise<readonly FilterSwap[]> | null {
    if (name === "bad") return Promise.resolve([{ ok: false, name, error: "it does not start" }]);
    if (name !== "guard") return null;
    this.calls.push(`trace ${mode}`);
    return Promise.resolve([{ ok: true, name, oldSha256: "bb", newSha256: "bb", changed: mode !== "lengths" }]);
  }

  refreshStats(): Promise<void> {
    if (this.lateCalls > 0) this.stats.counter("late.calls").add(this.lateCalls);
    return Promise.resolve();
  }

  certificates(): readonly JsonObject[] {
    return [{ ca_cert: [], cert_chain: [{ path: "/a.pem", serial_number: "01" }] }];
  }

  runtimeLayers(): ReturnType<AdminView["runtimeLayers"]> {
    return [
      { name: "first", values: new Map([["a.b", { text: "1" }], ["d", { text: "true" }]]) },
      { name: "second", values: new Map([["a.b", { text: "2.5" }], ["f", { text: '{"numerator":5}' }]]) },
    ];
  }

  unreadyTargets(): ReturnType<AdminView["unreadyTargets"]> {
    return [{ name: "listener-init-target web", targetNames: ["rds"] }, { name: "cluster a", targetNames: ["eds"] }];
  }

  modifyRuntime(values: Iterable<readonly [string, string]>): Promise<string | null> {
    const pairs = [...values].map(([key, value]) => `${key}=${value}`);
    this.calls.push(`modify runtime ${pairs.join(" ")}`);
    return Promise.resolve(this.hasAdminLayer ? null : "No admin layer specified");
  }

  drainListeners(asked: { graceful: boolean; inboundOnly: boolean; skipExit: boolean }): Promise<void> {
    this.calls.push(`drain ${JSON.stringify(asked)}`);
    return Promise.resolve();
  }

  quit(): void {
    this.calls.push("quit");
  }

  failHealthChecks(fail: boolean): void {
    this.calls.push(`fail ${fail}`);
    this.state = fail ? "DRAINING" : "LIVE";
  }

  reopenLogs(): Promise<void> {
    this.calls.push("reopen");
    return Promise.resolve();
  }

  setLogLevels(levels: Readonly<Record<string, LogLevel>>): Promise<void> {
    this.logs.setLevels(levels);
    return Promise.resolve();
  }

  reloadFilters(name: string): Promise<readonly FilterSwap[]> | null {
    if (name === "bad") {
      return Promise.resolve([{ ok: false, name, error: "on_configure returned false" }]);
    }
    if (name !== "guard") return null;
    return Promise.resolve([{ ok: true, name, oldSha256: "bb", newSha256: "cc", changed: true }]);
  }

  rollbackFilters(name: string): Promise<readonly FilterSwap[]> | null {
    return name === "guard"
      ? Promise.resolve([{ ok: true, name, oldSha256: "bb", newSha256: "aa", changed: true }])
      : null;
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Admin {
  readonly server: FakeServer;
  readonly port: number;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, body?: string, headers?: Record<string, string>): Promise<Answer>;
  send(method: string, path: string, body?: string, headers?: Record<string, string>): Promise<Answer>;
}

/** Runs a test against a real admin port. */
export async function withAdmin(
  run: (admin: Admin) => Promise<void>,
  options: { host?: string; allowedHosts?: readonly string[] } = {},
): Promise<void> {
  const server = new FakeServer();
  const { allowedHosts = [] } = options;
  const admin = new AdminServer({ view: server, logger: server.logs.logger("admin"), allowedHosts });
  const listening = await admin.listen({ host: options.host ?? "127.0.0.1", port: 0 });
  if (!listening.ok) throw new Error(listening.message);
  const port = Number(listening.address.split(":").at(-1));
  const send: Admin["send"] = (method, path, body = "", headers = {}) =>
    new Promise((resolve, reject) => {
      const call = request({ host: "127.0.0.1", port, method, path, headers, agent: false }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => text += chunk);
        response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, body: text }));
      });
      call.on("error", reject);
      call.end(body);
    });
  try {
    await run({
      server,
      port,
      send,
      get: (path, headers) => send("GET", path, "", headers),
      post: (path, body, headers) => send("POST", path, body, headers),
    });
  } finally {
    await admin.close();
  }
}
