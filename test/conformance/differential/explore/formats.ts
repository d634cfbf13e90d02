// test/conformance/differential/explore/formats.ts: random substitution formats, in logs, headers and bodies.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";
import type { Chance } from "./chance.ts";
import { type Fields, listLines } from "./fields.ts";

/** Commands whose text does not differ from run to run. */
const PLAIN = [
  "PROTOCOL",
  "UPSTREAM_PROTOCOL",
  "RESPONSE_CODE",
  "RESPONSE_CODE_DETAILS",
  "CONNECTION_TERMINATION_DETAILS",
  "RESPONSE_FLAGS",
  "RESPONSE_FLAGS_LONG",
  "BYTES_RECEIVED",
  "BYTES_SENT",
  "ROUTE_NAME",
  "UPSTREAM_REQUEST_ATTEMPT_COUNT",
  "UPSTREAM_CLUSTER",
  "UPSTREAM_CLUSTER_RAW",
  "UPSTREAM_HOST_NAME_WITHOUT_PORT",
  "UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT",
  "UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT",
  "UPSTREAM_TRANSPORT_FAILURE_REASON",
  "DOWNSTREAM_TRANSPORT_FAILURE_REASON",
  "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT",
  "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT",
  "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT",
  "REQUESTED_SERVER_NAME",
  "FILTER_CHAIN_NAME",
  "VIRTUAL_CLUSTER_NAME",
  "ACCESS_LOG_TYPE",
  "GRPC_STATUS",
  "GRPC_STATUS(CAMEL_STRING)",
  "GRPC_STATUS(SNAKE_STRING)",
  "GRPC_STATUS(NUMBER)",
  "GRPC_STATUS_NUMBER",
  "REQUEST_HEADERS_BYTES",
  "RESPONSE_TRAILERS_BYTES",
  "TRACE_ID",
  "DOWNSTREAM_PEER_SUBJECT",
  "DOWNSTREAM_TLS_VERSION",
  "UPSTREAM_TLS_CIPHER",
  "DYNAMIC_METADATA(a:b)",
  "METADATA(ROUTE:meta:k)",
  "METADATA(ROUTE:meta:deep:er)",
  "METADATA(ROUTE:meta)",
  "METADATA(VIRTUAL_HOST:meta:k)",
  "METADATA(CLUSTER:meta:k)",
  "METADATA(UPSTREAM_HOST:meta:k)",
  "CLUSTER_METADATA(meta:k)",
  "UPSTREAM_METADATA(meta:k)",
  "UPSTREAM_METADATA(x)",
  "FILTER_STATE(none:PLAIN)",
  "PATH",
  "PATH(NQ)",
  "PATH(WQ)",
  "PATH(NQ:PATH)",
  "PATH(WQ:ORIG)",
  "PATH(WQ:ORIG_OR_PATH)",
  "QUERY_PARAM(q)",
  "QUERY_PARAM(none)",
  "QUERY_PARAMS(ORIG)",
  "QUERY_PARAMS(DECODED)",
  "ENVIRONMENT(NUNCIO_UNSET)",
  "START_TIME(%%)",
  "LOCAL_REPLY_BODY",
];
/** Those that take a length. */
const SHORTENED = /^(?:PATH|QUERY_PARAM|DYNAMIC_METADATA)\b/;
const HEADERS = [
  "x-a",
  "X-B",
  ":method",
  ":path",
  ":authority",
  "x-none",
  "cookie",
  "x-up",
  "content-length",
  ":status",
  "server",
];

function command(chance: Chance): string {
  if (chance.oneIn(2)) {
    const plain = chance.of(PLAIN);
    const length = SHORTENED.test(plain) && chance.oneIn(3) ? `:${chance.of([0, 1, 3, 100])}` : "";
    return `%${plain}${length}%`;
  }
  const name = chance.of(["REQ", "REQ", "RESP", "TRAILER", "REQUEST_HEADER", "RESPONSE_HEADER"]);
  const header = chance.of(HEADERS);
  const other = chance.oneIn(3) ? `?${chance.of(HEADERS)}` : "";
  return `%${name}(${header}${other})${chance.oneIn(4) ? `:${chance.of([0, 1, 2, 5])}` : ""}%`;
}

function text(chance: Chance): string {
  return chance.list(
    1,
    6,
    () => chance.oneIn(4) ? chance.of(["-", "a b", "%%", '"', "\\", "é", "{}", ""]) : command(chance),
  ).join("");
}

function json(chance: Chance, depth: number): Fields {
  return Object.fromEntries(
    chance.list(1, 5, (index) => {
      const value = depth > 0 && chance.oneIn(5)
        ? json(chance, depth - 1)
        : depth > 0 && chance.oneIn(8)
        ? chance.list(0, 3, () => chance.oneIn(2) ? command(chance) : text(chance))
        : chance.oneIn(10)
        ? chance.of([1, 1.5, true, null, ""])
        : chance.oneIn(2)
        ? command(chance)
        : text(chance);
      return [`${chance.of(["k", "a", "Z", "é"])}${index}`, value];
    }),
  );
}

function logFormat(chance: Chance): string {
  const omits = chance.maybe(3, () => ({ omit_empty_values: true }));
  const format = chance.oneIn(2) ? { text_format_source: { inline_string: `${text(chance)}\n` }, ...omits } : {
    json_format: json(chance, 2),
    ...omits,
    ...chance.maybe(3, () => ({ json_format_options: { sort_properties: chance.oneIn(2) } })),
  };
  return `log_format: ${JSON.stringify(format)}`;
}

function route(chance: Chance, index: number): Fields {
  const header = (key: string) => ({
    header: { key, value: text(chance).replaceAll("é", "e") },
    ...chance.maybe(3, () => ({ keep_empty_value: true })),
  });
  return {
    name: `r${index}`,
    match: { prefix: `/${index}` },
    ...chance.of<Fields>([
      { route: { cluster: "u" } },
      { route: { cluster: "u", prefix_rewrite: "/new" } },
      {
        direct_response: {
          status: 200,
          body: { inline_string: "body" },
          body_format: chance.oneIn(2)
            ? { text_format_source: { inline_string: text(chance) } }
            : { json_format: json(chance, 1) },
        },
      },
    ]),
    request_headers_to_add: chance.list(0, 2, (i) => header(`x-q${i}`)),
    response_headers_to_add: chance.list(0, 2, (i) => header(`x-s${i}`)),
    ...chance.maybe(
      2,
      () => ({
        metadata: {
          filter_metadata: {
            meta: { k: chance.of<unknown>(["v", 1, true, [1, "a"], { b: null }]), deep: { er: "x" } },
          },
        },
      }),
    ),
  };
}

function request(chance: Chance, index: number): Exchange {
  const fields = [
    ...(chance.oneIn(2) ? [`x-a: ${chance.of(["1", "abc", "", 'a"b', "\xe9", "a\\b"])}`] : []),
    ...(chance.oneIn(4) ? ["x-a: again"] : []),
    ...(chance.oneIn(3) ? ["x-b: longer value"] : []),
    ...(chance.oneIn(4) ? ["cookie: c=1"] : []),
    ...(chance.oneIn(6) ? ["content-type: application/grpc"] : []),
  ].map((field) => `${field}\r\n`).join("");
  const target = `/${chance.below(5)}${chance.of(["", "?q=1", "/x?q=%41&r", "?q=", "?none"])}`;
  return {
    name: `request ${index}`,
    client: `GET ${target} HTTP/1.1\r\nHost: a.example\r\n${fields}\r\n`,
    upstreams: {
      u: {
        http: [
          `HTTP/1.1 ${chance.of([200, 404, 503])} X\r\nx-up: ${chance.of(["1", "", "long enough"])}\r\n` +
          `${chance.oneIn(4) ? "grpc-status: 5\r\n" : ""}content-length: 2\r\n\r\nok`,
        ],
      },
    },
    wholeBodies: true,
  };
}

/** Routes and a log with random formats. */
export function exploreFormats(chance: Chance, seed: number): Group {
  return {
    name: `formats_${seed}`,
    listeners: ["main"],
    upstreams: ["u"],
    yaml: bootstrap([
      httpListener("main", {
        log: logFormat(chance),
        virtualHost:
          `virtual_clusters: [ { name: vc, headers: [ { name: x-a } ] } ]\nmetadata: { filter_metadata: { meta: { k: host } } }\n`,
        routes: listLines(Array.from({ length: 4 }, (_, index) => route(chance, index))),
      }),
    ], [cluster("u", "  metadata: { filter_metadata: { meta: { k: cluster } } }")]),
    exchanges: chance.list(20, 20, (index) => request(chance, index)),
  };
}
