// bench/micro/route.bench.ts: what finding a route and finalizing a request costs.
import { bench, do_not_optimize, group, run } from "mitata";
import { HeaderMap } from "../../host/http/header_map.ts";
import { StreamInfo } from "../../host/observe/stream_info.ts";
import type { RouteTable } from "../../host/router/routes/route_table.ts";
import { routeTable } from "./route_table.ts";

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

/** A table of one virtual host with these matches, all to one cluster. */
function table(matches: readonly object[], domains: readonly string[] = ["*"], more: object = {}): RouteTable {
  const routes = matches.map((match) => ({ match, route: { cluster: "c" } }));
  return routeTable({ ...more, virtual_hosts: [{ name: "v", domains, routes }] });
}

const matches = (count: number, one: (i: number) => object): object[] =>
  Array.from({ length: count }, (_, i) => one(i));
const prefixes = (count: number): object[] => matches(count, (i) => ({ prefix: `/api/service${i}/` }));
/** Prefixes and paths, some of which ask for more. */
const mixed = (count: number): object[] =>
  matches(count, (i) => {
    switch (i % 4) {
      case 0:
        return { prefix: `/api/service${i}/` };
      case 1:
        return { path: `/api/exact${i}` };
      case 2:
        return { path_separated_prefix: `/api/separated${i}`, case_sensitive: false };
      default:
        return { prefix: `/api/guarded${i}/`, headers: [{ name: "user-agent", string_match: { exact: "bench/1" } }] };
    }
  });

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
  if (routes.route(headers, info, 7) === null) throw new Error(`${name}: no route`);
  bench(name, () => do_not_optimize(routes.route(headers, info, 7)));
}

group("route()", () => {
  measure("1 prefix", table([{ prefix: "/" }]), request("/a/b"));
  measure("10 prefixes", table(prefixes(10)), request("/api/service9/x?q=1"));
  measure("5,000 prefixes", table(prefixes(5000)), request("/api/service4999/x?q=1"));
  measure("10 mixed", table(mixed(10)), request("/api/guarded7/x?q=1"));
  measure("5,000 mixed", table(mixed(5000)), request("/api/guarded4999/x?q=1"));
  measure("10 prefixes, host by suffix", table(prefixes(10), ["*.example.com"]), request("/api/service9/x?q=1"));
  const guarded = matches(10, (i) => ({
    prefix: "/",
    headers: [{ name: "user-agent", string_match: { exact: `bench/${i - 8}` } }],
  }));
  measure("10 header matchers", table(guarded), request("/x"));
  const regexes = matches(10, (i) => ({ safe_regex: { regex: `/svc${i}/[0-9]+/.*` } }));
  measure("10 regexes", table(regexes), request("/svc9/123/x"));
});

group("finalizeRequestHeaders", () => {
  const plain = table(prefixes(1));
  const adding = table(prefixes(1), ["*"], {
    request_headers_to_remove: ["x-remove"],
    request_headers_to_add: ["x-a", "x-b", "x-c"].map((key) => ({
      header: { key, value: "v" },
      append_action: "OVERWRITE_IF_EXISTS_OR_ADD",
    })),
  });
  for (const [name, routes] of [["nothing to do", plain], ["3 overwrites, 1 removal", adding]] as const) {
    const headers = request("/api/service0/x");
    const entry = routes.route(headers, info, 7)!;
    bench(name, () => entry.finalizeRequestHeaders(headers, info));
  }
});

await run();
