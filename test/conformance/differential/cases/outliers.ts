// test/conformance/differential/cases/outliers.ts: hosts that are ejected, and those that are not.
/** @module */
import { bootstrap, cluster, httpListener, indent, tcpProxyListener } from "../bootstrap.ts";
import type { ClientStep, Exchange, Group, UpstreamScript } from "../exchange.ts";

const OPTIONS = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
/** An ejected host is not used any more, even if there is no other. */
const NO_PANIC = "common_lb_config: { healthy_panic_threshold: { value: 0 } }";
/** Nothing happens between requests. */
const SLOW = "interval: 100s, max_ejection_percent: 100";

function watched(name: string, detection: string, more = NO_PANIC, port = "u"): string {
  return cluster(name, `${indent(`outlier_detection: { ${detection} }`, 2)}${indent(more, 2)}`, port);
}

function get(target: string, more = ""): string {
  return `GET ${target} HTTP/1.1\r\nHost: a.example\r\n${more}\r\n`;
}

/** Requests one after the other. */
function requests(target: string, count: number, more = ""): ClientStep[] {
  return Array.from({ length: count }, () => [get(target, more), "response" as const]).flat();
}

function status(code: number, headers = ""): string {
  return `HTTP/1.1 ${code} Status\r\n${headers}content-length: 0\r\n\r\n`;
}

/** The upstream answers with these statuses, and then with the last one. */
function statuses(...codes: number[]): Record<string, UpstreamScript> {
  return { u: { http: codes.map((code) => status(code)) } };
}

function exchange(name: string, target: string, count: number, upstreams: Exchange["upstreams"] = {}): Exchange {
  return { name, client: requests(target, count), upstreams };
}

const GRPC = "content-type: application/grpc\r\n";

export const outliers: Group = {
  name: "outliers",
  listeners: ["main", "tcp", "admin"],
  upstreams: ["u", "v"],
  yaml: `layered_runtime:
  layers:
  - name: static
    static_layer: { outlier_detection: { consecutive_local_origin_failure: 2 } }
` + bootstrap([
    httpListener("main", {
      routes: [
        "row",
        "patient",
        "gateway",
        "refused",
        "silent",
        "panic",
        "few",
        "one",
        "back",
        "split",
        "split_refused",
        "matched",
        "grpc",
        "degraded",
        "next",
        "percentage",
        "never",
      ].map((name) =>
        `- { match: { prefix: "/${name}/" }, route: { cluster: ${name}${name === "silent" ? ", timeout: 0.1s" : ""} } }`
      ).join("\n"),
    }),
    tcpProxyListener(
      "tcp",
      "cluster: tcp_refused",
      "flags=%RESPONSE_FLAGS% host=%UPSTREAM_HOST% closed=%CONNECTION_TERMINATION_DETAILS%",
    ),
  ], [
    watched("row", `${SLOW}, consecutive_5xx: 2`),
    watched("patient", SLOW),
    watched("gateway", `${SLOW}, consecutive_gateway_failure: 2, enforcing_consecutive_gateway_failure: 100`),
    watched("refused", `${SLOW}, consecutive_5xx: 2`, NO_PANIC, "nobody"),
    watched("silent", `${SLOW}, consecutive_5xx: 2`),
    watched("panic", `${SLOW}, consecutive_5xx: 1`, ""),
    watched("few", "interval: 100s, consecutive_5xx: 1"),
    watched("one", "interval: 100s, consecutive_5xx: 1, always_eject_one_host: true"),
    watched("back", "interval: 0.2s, base_ejection_time: 0.2s, max_ejection_percent: 100, consecutive_5xx: 1"),
    watched("split", `${SLOW}, consecutive_5xx: 2, split_external_local_origin_errors: true`),
    watched(
      "split_refused",
      `${SLOW}, consecutive_5xx: 1, consecutive_local_origin_failure: 9, split_external_local_origin_errors: true`,
      NO_PANIC,
      "nobody",
    ),
    watched(
      "matched",
      `${SLOW}, consecutive_5xx: 2`,
      `${NO_PANIC}
typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    "@type": ${OPTIONS}
    explicit_http_config: { http_protocol_options: {} }
    outlier_detection: { error_matcher: { http_response_headers_match: { headers: [ { name: x-error, present_match: true } ] } } }`,
    ),
    watched("grpc", `${SLOW}, consecutive_5xx: 2`),
    watched("degraded", "interval: 100s, detect_degraded_hosts: true"),
    watched("next", `${SLOW}, consecutive_5xx: 1`).replace(
      "endpoints: [ ",
      "endpoints: [ { priority: 1, lb_endpoints: [ { endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: @v@ } } } } ] }, ",
    ),
    watched(
      "percentage",
      "interval: 0.4s, base_ejection_time: 60s, max_ejection_percent: 100, failure_percentage_minimum_hosts: 1, " +
        "failure_percentage_request_volume: 2, failure_percentage_threshold: 50, enforcing_failure_percentage: 100",
    ),
    watched("never", `${SLOW}, consecutive_5xx: 1, enforcing_consecutive_5xx: 0`),
    watched("tcp_refused", `${SLOW}, consecutive_5xx: 2`, NO_PANIC, "nobody"),
  ]),
  exchanges: [
    exchange("two errors in a row", "/row/", 4, statuses(500, 200, 500, 500)),
    exchange("it stays out", "/row/", 1),
    exchange("four errors are not five", "/patient/", 5, statuses(500, 501, 503, 599, 200)),
    exchange("any 5xx is no gateway failure", "/gateway/", 4, statuses(502, 500, 503, 504)),
    exchange("502, 503 and 504 are", "/gateway/", 1),
    exchange("connections that are refused", "/refused/", 3),
    exchange("responses that do not come", "/silent/", 3, { u: { http: [{ steps: ["hang"] }] } }),
    exchange("without another host it is used all the same", "/panic/", 3, statuses(500, 500, 200)),
    exchange("more than so many percent are not ejected", "/few/", 3, statuses(500, 500, 200)),
    exchange("one may always be", "/one/", 2, statuses(500)),
    {
      name: "a host comes back",
      // Envoy gathers changes of health for a second before it balances load by them.
      client: [...requests("/back/", 2), { pause: 1600 }, ...requests("/back/", 1)],
      upstreams: statuses(500, 200),
    },
    exchange("errors of the host count apart from others", "/split/", 3, {
      u: { http: [status(500), { steps: ["close"] }, status(500)] },
    }),
    exchange("and errors of the proxy's own, as the runtime says", "/split_refused/", 3),
    exchange("a header makes an error", "/matched/", 4, {
      u: { http: [status(200, "x-error: 1\r\n"), status(500), status(404, "x-error: 1\r\n")] },
    }),
    exchange("two such in a row", "/matched/", 2, { u: { http: [status(503, "x-error: 1\r\n")] } }),
    {
      name: "a status of gRPC",
      client: requests("/grpc/", 4, GRPC),
      upstreams: {
        u: { http: [13, 5, 13, 14].map((code) => status(200, `${GRPC}grpc-status: ${code}\r\n`)) },
      },
    },
    exchange("a host that is degraded", "/degraded/", 2, {
      u: { http: [status(500, "x-envoy-degraded: 1\r\n"), status(200, "x-envoy-degraded: 1\r\n")] },
    }),
    exchange("the next priority takes over", "/next/", 3, {
      u: { http: [status(500)] },
      v: { http: [status(201)] },
    }),
    {
      name: "half of the responses of an interval",
      client: [...requests("/percentage/", 4), { pause: 1000 }, ...requests("/percentage/", 1)],
      upstreams: statuses(500, 200, 500, 200),
    },
    exchange("found out, and not ejected", "/never/", 3, statuses(500, 500, 200)),
    { name: "connections of bytes that are refused", listener: "tcp", client: ["closed"] },
    { name: "twice", listener: "tcp", client: ["closed"] },
    { name: "a third one is not tried", listener: "tcp", client: ["closed"] },
    ...["row", "back", "degraded", "next", "percentage"].map((name): Exchange => ({
      name: `/clusters of ${name}`,
      listener: "admin",
      wholeBodies: true,
      withoutHeaders: true,
      client: `GET /clusters?filter=^${name}$ HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    })),
  ],
};
