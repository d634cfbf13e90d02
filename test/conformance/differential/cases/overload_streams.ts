// test/conformance/differential/cases/overload_streams.ts: streams that hold too much, and connections that are not made.
/** @module */
import { data, headers, request } from "../../../support/http2_frames.ts";
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { ClientStep, Exchange, FrameScript, Group } from "../exchange.ts";

const INJECTED = "type.googleapis.com/envoy.extensions.resource_monitors.injected_resource.v3.InjectedResourceConfig";
const TIMERS = "type.googleapis.com/envoy.config.overload.v3.ScaleTimersOverloadActionConfig";
const RESOURCES = ["memory", "timers", "connections"];

const MANAGER = `overload_manager:
  refresh_interval: 0.05s
  buffer_factory_config: { minimum_account_to_track_power_of_two: 18 }
  resource_monitors:
${
  RESOURCES.map((name) => `  - { name: ${name}, typed_config: { "@type": ${INJECTED}, filename: FOLDER/${name} } }`)
    .join("\n")
}
  actions:
  - name: envoy.overload_actions.reset_high_memory_stream
    triggers: [ { name: memory, scaled: { scaling_threshold: 0, saturation_threshold: 1 } } ]
  - name: envoy.overload_actions.reduce_timeouts
    triggers: [ { name: timers, threshold: { value: 0.9 } } ]
    typed_config:
      "@type": ${TIMERS}
      timer_scale_factors:
      - { timer: HTTP_DOWNSTREAM_STREAM_FLUSH, min_timeout: 0.1s }
  loadshed_points:
  - { name: envoy.load_shed_points.connection_pool_new_connection, triggers: [ { name: connections, threshold: { value: 0.9 } } ] }
`;

const HOST = "Host: a.example\r\n";
const GET = `GET / HTTP/1.1\r\n${HOST}\r\n`;
const RETRY = "retry_policy: { retry_on: 5xx }";

/** A response with so many bytes of a body of so many. */
function part(bytes: number, of: number): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: ${of}\r\n\r\n${"x".repeat(bytes)}`;
}

/** So many bytes of the body of stream 1; the windows have room for them. */
function upload(bytes: number): string {
  const chunk = "x".repeat(10_000);
  return data(1, chunk).repeat(bytes / chunk.length);
}

/** Another client, which raises a pressure for a while once the request is on its way and its bytes are there. */
function press(of: string, pressure: number): ClientStep[] {
  return [{ seen: 1 }, { pause: 100 }, { pressure, of }, { pressure: 0, of }];
}

/** A client that makes no room for a response of which so many bytes come, and what becomes of it under pressure. */
function holding(name: string, bytes: number, pressure: number, frames: FrameScript["frames"], of = 900_000): Exchange {
  return {
    name,
    client: { settings: [[4, 0]], frames: [headers(1, request()), { head: 1 }, ...frames] },
    others: [press("memory", pressure)],
    upstreams: { u: { http: [{ steps: bytes < of ? [part(bytes, of), "hang"] : [part(bytes, of)] }] } },
  };
}

const RESET = [{ stream: 1, reset: true }, "end", "closed"] as const;
const LEFT = [{ pause: 400 }, "reset"] as const;

export const overloadStreams: Group = {
  name: "overload_streams",
  listeners: ["main", "flush", "admin"],
  upstreams: ["u", "fresh"],
  yaml: MANAGER + bootstrap([
    httpListener("main", {
      routes: `- { match: { prefix: /retried }, route: { cluster: u, ${RETRY} } }
- { match: { prefix: /fresh }, route: { cluster: fresh } }
- { match: { prefix: / }, route: { cluster: u } }`,
    }),
    httpListener("flush", { manager: "stream_flush_timeout: 60s\nstream_idle_timeout: 0s" }),
  ], [cluster("u"), cluster("fresh")]),
  exchanges: [
    holding("a stream of the least class", 200_000, 1, RESET),
    holding("a class that the pressure does not reach", 200_000, 0.8, LEFT),
    holding("a larger one that it does", 600_000, 0.8, RESET),
    holding("a response of which only the end waits", 200_000, 1, RESET, 200_000),
    {
      name: "a request that is kept to be sent again",
      client: [
        `POST /retried HTTP/1.1\r\n${HOST}Content-Length: 300000\r\n\r\n${"x".repeat(200_000)}`,
        { seen: 1 },
        { pause: 150 },
        { pressure: 1, of: "memory" },
        { pressure: 0, of: "memory" },
        "reset",
      ],
      upstreams: { u: { http: [{ when: "head", steps: ["hang"] }] } },
    },
    {
      name: "one over HTTP/2",
      client: {
        frames: [
          headers(1, request("/retried", [["content-length", "300000"]], "POST"), false),
          { pause: 100 },
          upload(200_000),
          { stream: 1, reset: true },
          "end",
          "closed",
        ],
      },
      others: [press("memory", 1)],
      upstreams: { u: { http: [{ when: "head", steps: ["hang"] }] } },
    },
    {
      name: "the end of a response that the client makes no room for",
      listener: "flush",
      client: { settings: [[4, 0]], frames: [headers(1, request()), { stream: 1, reset: true }, "end", "closed"] },
      others: [press("timers", 1)],
    },
    {
      name: "no connection is made",
      client: [{ pressure: 1, of: "connections" }, GET.replace("/", "/fresh"), "response", {
        pressure: 0,
        of: "connections",
      }],
    },
    {
      name: "one that is there is used",
      client: [
        GET.replace("/", "/fresh"),
        "response",
        { pressure: 1, of: "connections" },
        GET.replace("/", "/fresh"),
        "response",
      ],
    },
    {
      name: "one that is there and busy",
      client: [GET.replace("/", "/fresh"), "response"],
      others: [[{ seen: 1 }, GET.replace("/", "/fresh?2"), "response"]],
      upstreams: { fresh: { http: [{ steps: [{ pause: 100 }, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"] }] } },
      unordered: true,
    },
    {
      name: "what is shown",
      listener: "admin",
      wholeBodies: true,
      withoutHeaders: true,
      client: "GET /stats?filter=overload_actions.*(count|active|scale_percent)$ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    },
  ],
};
