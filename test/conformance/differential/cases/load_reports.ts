// test/conformance/differential/cases/load_reports.ts: hosts that say in responses how busy they are.
/**
 * Each host gets one of two requests. Then the weights are updated, and what follows goes to the host that is not
 * busy, in whatever form it said so.
 *
 * @module
 */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { ClientStep, Exchange, Group } from "../exchange.ts";

const POLICIES = "type.googleapis.com/envoy.extensions.load_balancing_policies";
const OPTIONS = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const WITH_TRAILERS =
  `  typed_extension_protocol_options: { envoy.extensions.upstreams.http.v3.HttpProtocolOptions: { "@type": ${OPTIONS}, explicit_http_config: { http_protocol_options: { enable_trailers: true } } } }\n`;
const CLIENT_SIDE = `${POLICIES}.client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin`;
const UPDATE_MS = 250;

function policy(type: string, fields: string): string {
  return `policies: [ { typed_extension_config: { name: x, typed_config: { "@type": ${type}, ${fields} } } } ]`;
}

/** Two hosts, of localities of their own. */
function pair(name: string, fields: string, wrap = (below: string) => below): string {
  const host = (port: string) =>
    `{ locality: { zone: ${port} }, load_balancing_weight: 1, lb_endpoints: [ { endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: @${port}@ } } } } ] }`;
  const below = policy(CLIENT_SIDE, `blackout_period: 0s, weight_update_period: 0.1s${fields}`);
  return cluster(name, `${WITH_TRAILERS}  load_balancing_policy: { ${wrap(below)} }`)
    .replace(/endpoints: \[.*/, `endpoints: [ ${host("u")}, ${host("v")} ]`);
}

function answer(headers: string, trailers = ""): string {
  return `HTTP/1.1 200 OK\r\n${headers}transfer-encoding: chunked\r\n\r\n0\r\n${trailers}\r\n`;
}

function report(value: string): string {
  return `endpoint-load-metrics: ${value}\r\n`;
}

/** `u` and `v` are what the hosts answer; four more requests come after them. */
function asks(name: string, path: string, u: string, v: string): Exchange {
  const request = `GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`;
  const ask: ClientStep[] = [request, "response"];
  return {
    name,
    client: [...ask, ...ask, { pause: UPDATE_MS }, ...ask, ...ask, ...ask, ...ask],
    upstreams: { u: { http: [u] }, v: { http: [v] } },
    unordered: true,
  };
}

const FREE = "TEXT rps_fractional:1000,cpu_utilization:0.01";
const BUSY = "TEXT rps_fractional:1,cpu_utilization:0.99";

export const loadReports: Group = {
  name: "load_reports",
  listeners: ["main"],
  upstreams: ["u", "v"],
  yaml: bootstrap([
    httpListener("main", {
      routes: ["text", "json", "binary", "trailers", "named", "errors", "localities"]
        .map((name) => `- { match: { prefix: /${name} }, route: { cluster: ${name} } }`).join("\n"),
    }),
  ], [
    pair("text", ""),
    pair("json", ""),
    pair("binary", ""),
    pair("trailers", ""),
    pair("named", ", metric_names_for_computing_utilization: [ named_metrics.queue ]"),
    pair("errors", ", error_utilization_penalty: 100"),
    pair(
      "localities",
      "",
      (below) => policy(`${POLICIES}.wrr_locality.v3.WrrLocality`, `endpoint_picking_policy: { ${below} }`),
    ),
  ]),
  exchanges: [
    asks("text", "/text", answer(report(BUSY)), answer(report(FREE))),
    asks(
      "JSON",
      "/json",
      answer(report('JSON {"rpsFractional": 1000, "cpu_utilization": "0.01", "named_metrics": {"a": 1}}')),
      answer(report('JSON {"rps_fractional":1,"cpuUtilization":0.99}')),
    ),
    asks(
      "messages",
      "/binary",
      answer(report("BIN Ca5H4XoUru8/MQAAAAAAAPA/")),
      answer("endpoint-load-metrics-bin: CXsUrkfheoQ/MQAAAAAAQI9A\r\n"),
    ),
    asks("trailers", "/trailers", answer("", report(FREE)), answer("", report(BUSY))),
    asks(
      "named metrics come first",
      "/named",
      answer(report("TEXT rps_fractional:1000,application_utilization:0.01,named_metrics.queue:900")),
      answer(report("TEXT rps_fractional:1000,application_utilization:0.99,named_metrics.queue:1")),
    ),
    asks(
      "errors count",
      "/errors",
      answer(report("TEXT rps_fractional:1000,cpu_utilization:0.1")),
      answer(report("TEXT rps_fractional:1000,cpu_utilization:0.01,eps:900")),
    ),
    asks("localities have weights of their own", "/localities", answer(report(BUSY)), answer(report(FREE))),
  ],
};
