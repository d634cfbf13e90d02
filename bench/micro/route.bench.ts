// bench/micro/route.bench.ts: what finding a route and finalizing a request costs.
import { bench, do_not_optimize, group, run } from "mitata";
import { HeaderMap } from "../../host/http/header_map.ts";
import { NO_HEADER_OPS } from "../../host/http/header_ops.ts";
import { StreamInfo } from "../../host/observe/stream_info.ts";
import { MATCH_ALL, type RouteConfigPlan, type RouteMatchPlan, type RoutePlan } from "../../host/router/plan.ts";
import { RouteTable } from "../../host/router/route_table.ts";

const address = { address: "127.0.0.1", port: 1, text: "127.0.0.1:1" };
const info = new StreamInfo(
  {
    id: 1,
    localAddress: address,
    directRemoteAddress: address,
    remoteAddress: address,
    requestedServerName: "",
    alpn: "",
    tls: null,
    terminationDetails: "",
    transportFailureReason: "",
  },
  0,
  0,
);

function route(path: RouteMatchPlan["path"], headers: RouteMatchPlan["headers"] = []): RoutePlan {
  return {
    name: "",
    match: { ...MATCH_ALL, path, headers },
    action: {
      kind: "cluster",
      cluster: { kind: "name", name: "c" },
      clusterNotFoundStatus: 503,
      pathRewrite: null,
      hostRewrite: null,
      appendXForwardedHost: false,
      timeoutMs: 15_000,
      idleTimeoutMs: null,
      maxStreamDurationMs: null,
      limitsStreamDuration: false,
      grpcTimeoutHeaderMaxMs: null,
      grpcTimeoutHeaderOffsetMs: 0,
      hashPolicies: [],
      upgrades: [],
      connect: null,
      retryPolicy: null,
    },
    requestHeaders: NO_HEADER_OPS,
    responseHeaders: NO_HEADER_OPS,
    filterConfigs: [],
    metadata: null,
  };
}

function table(
  routes: readonly RoutePlan[],
  domains: readonly string[] = ["*"],
  more: Partial<RouteConfigPlan> = {},
): RouteTable {
  return new RouteTable({
    name: "r",
    virtualHosts: [{
      name: "v",
      domains,
      routes,
      requireTls: "none",
      requestHeaders: NO_HEADER_OPS,
      responseHeaders: NO_HEADER_OPS,
      includeRequestAttemptCount: false,
      includeAttemptCountInResponse: false,
      filterConfigs: [],
      metadata: null,
    }],
    requestHeaders: NO_HEADER_OPS,
    responseHeaders: NO_HEADER_OPS,
    mostSpecificHeaderMutationsWins: false,
    ignorePortInHostMatching: false,
    ignorePathParametersInPathMatching: false,
    filterConfigs: [],
    metadata: null,
    ...more,
  }, { compileFormat: () => ({ format: () => "" }) });
}

const prefixes = (count: number): RoutePlan[] =>
  Array.from({ length: count }, (_, i) => route({ kind: "prefix", value: `/api/service${i}/`, caseSensitive: true }));
const request = (path: string): HeaderMap =>
  HeaderMap.of({
    ":authority": "www.example.com",
    ":path": path,
    ":method": "GET",
    ":scheme": "http",
    "user-agent": "bench/1",
    accept: "*/*",
    "x-forwarded-proto": "http",
    "x-request-id": "00000000-0000-4000-8000-000000000000",
  });

function measure(name: string, routes: RouteTable, headers: HeaderMap): void {
  bench(name, () => do_not_optimize(routes.route(headers, info, 7)));
}

group("route()", () => {
  measure("1 prefix", table([route({ kind: "prefix", value: "/", caseSensitive: true })]), request("/a/b"));
  measure("10 prefixes", table(prefixes(10)), request("/api/service9/x?q=1"));
  measure("5,000 prefixes", table(prefixes(5000)), request("/api/service4999/x?q=1"));
  measure("10 prefixes, host by suffix", table(prefixes(10), ["*.example.com"]), request("/api/service9/x?q=1"));
  const guarded = prefixes(10).map((plan, i) => ({
    ...plan,
    match: {
      ...plan.match,
      path: { kind: "prefix" as const, value: "/", caseSensitive: true },
      headers: [{
        name: "user-agent",
        test: {
          kind: "string" as const,
          matcher: { kind: "exact" as const, value: `bench/${i - 8}`, ignoreCase: false },
        },
        invert: false,
        treatMissingAsEmpty: false,
      }],
    },
  }));
  measure("10 header matchers", table(guarded), request("/x"));
  const regexes = Array.from({ length: 10 }, (_, i) => route({ kind: "regex", pattern: `/svc${i}/[0-9]+/.*` }));
  measure("10 regexes", table(regexes), request("/svc9/123/x"));
});

group("finalizeRequestHeaders", () => {
  const plain = table(prefixes(1));
  const adding = table(prefixes(1), ["*"], {
    requestHeaders: {
      remove: ["x-remove"],
      add: ["x-a", "x-b", "x-c"].map((name) => ({ name, format: "v", action: "overwrite", keepEmptyValue: false })),
    },
  });
  for (const [name, routes] of [["nothing to do", plain], ["3 overwrites, 1 removal", adding]] as const) {
    const headers = request("/api/service0/x");
    const entry = routes.route(headers, info, 7)!;
    bench(name, () => entry.finalizeRequestHeaders(headers, info));
  }
});

await run();
