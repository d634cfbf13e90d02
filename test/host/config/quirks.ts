// test/host/config/quirks.ts: what the real Envoy 1.40 makes of odd YAML, as `--mode validate` answered.
/**
 * `accepted` is Envoy's verdict, recorded. `reads` is what the field then holds, where that is the point.
 * Where nuncio differs on purpose, `differs` says why.
 *
 * @module
 */

export interface Quirk {
  readonly name: string;
  readonly yaml: string;
  readonly accepted: boolean;
  /** Dotted path of the message, the field, and its value as JSON. */
  readonly reads?: readonly [path: string, field: string, value: unknown];
  readonly differs?: string;
  /** Envoy refuses it after decoding, when it looks for the extension. */
  readonly later?: boolean;
}

/** A static cluster with one more line. */
function cluster(line: string): string {
  return `static_resources:\n  clusters:\n  - name: c\n    ${line.replaceAll("\n", "\n    ")}\n`;
}

/** A listener with one virtual host. */
function virtualHost(fields: string): string {
  return `static_resources:
  listeners:
  - name: l
    address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: s
          http_filters: [{ name: r, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }]
          route_config:
            virtual_hosts:
            - name: v
              ${fields.replaceAll("\n", "\n              ")}
`;
}

/** A listener that answers with a text. */
function socket(address: string): string {
  return `static_resources:
  listeners:
  - name: l
    address: { socket_address: { address: 127.0.0.1, ${address} } }
    filter_chains: [{ filters: [{ name: e, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo } }] }]
`;
}

/** A listener whose filter has this type URL. */
function filter(url: string): string {
  return socket("port_value: 0").replace("type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo", url);
}

/** A listener whose filter is configured by a struct. */
function typedStruct(wrapper: string, type: string, value: string): string {
  return filter(`type.googleapis.com/${wrapper}, type_url: type.googleapis.com/${type}, value: ${value}`);
}

const STRUCT = "struct";
const CLUSTER = "static_resources.clusters.0";
const SOCKET = "static_resources.listeners.0.address.socket_address";
const ENDPOINT = "load_assignment: { cluster_name: c, endpoints: [{ lb_endpoints: [{ endpoint: { address: { " +
  "socket_address: { address: 127.0.0.1, port_value: 1 } } } }] }] }";

export const QUIRKS: readonly Quirk[] = [
  {
    name: "one object where a list is meant",
    yaml: "static_resources:\n  clusters: { name: c }\n",
    accepted: true,
    reads: ["static_resources.clusters.0", "name", "c"],
  },
  {
    name: "one scalar where a list is meant",
    yaml: virtualHost('domains: "*"\nroutes: [{ match: { prefix: / }, direct_response: { status: 200 } }]'),
    accepted: true,
  },
  { name: "a list where a message is meant", yaml: "static_resources: []", accepted: false },
  { name: "a list of one where a scalar is meant", yaml: cluster("alt_stat_name: [a]"), accepted: false },
  { name: "a list inside a list", yaml: virtualHost('domains: [["*"]]'), accepted: true },
  { name: "an empty list for a message", yaml: cluster("circuit_breakers: []"), accepted: false },
  { name: "unquoted number for a string", yaml: cluster("alt_stat_name: 123"), accepted: false },
  { name: "unquoted hex for a string", yaml: cluster("alt_stat_name: 0x10"), accepted: false },
  {
    name: "unquoted number beyond 32 bits for a string",
    yaml: cluster("alt_stat_name: 3000000000"),
    accepted: true,
    reads: [CLUSTER, "alt_stat_name", "3000000000"],
  },
  {
    name: "unquoted hex beyond 32 bits for a string",
    yaml: cluster("alt_stat_name: 0xFFFFFFFFFF"),
    accepted: true,
    reads: [CLUSTER, "alt_stat_name", "1099511627775"],
  },
  {
    name: "unquoted number beyond 64 bits for a string",
    yaml: cluster("alt_stat_name: 99999999999999999999"),
    accepted: true,
    reads: [CLUSTER, "alt_stat_name", "99999999999999999999"],
  },
  {
    name: "unquoted decimal for a string",
    yaml: cluster("alt_stat_name: 1.50"),
    accepted: true,
    reads: [CLUSTER, "alt_stat_name", "1.50"],
  },
  {
    name: "unquoted exponent for a string",
    yaml: cluster("alt_stat_name: 1e3"),
    accepted: true,
    reads: [CLUSTER, "alt_stat_name", "1e3"],
  },
  { name: "unquoted true for a string", yaml: cluster("alt_stat_name: true"), accepted: false },
  { name: "unquoted yes for a string", yaml: cluster("alt_stat_name: yes"), accepted: false },
  { name: "unquoted n for a string", yaml: cluster("alt_stat_name: n"), accepted: false },
  { name: "unquoted NO for a string", yaml: cluster("alt_stat_name: NO"), accepted: false },
  {
    name: "unquoted yEs for a string",
    yaml: cluster("alt_stat_name: yEs"),
    accepted: true,
    reads: [CLUSTER, "alt_stat_name", "yEs"],
  },
  {
    name: "unquoted date for a string",
    yaml: cluster("alt_stat_name: 2026-01-31"),
    accepted: true,
    reads: [CLUSTER, "alt_stat_name", "2026-01-31"],
  },
  {
    name: "unquoted time for a string",
    yaml: cluster("alt_stat_name: 12:30:45"),
    accepted: true,
    reads: [CLUSTER, "alt_stat_name", "12:30:45"],
  },
  {
    name: "unquoted underscore number for a string",
    yaml: cluster("alt_stat_name: 1_000"),
    accepted: true,
    reads: [CLUSTER, "alt_stat_name", "1_000"],
  },
  {
    name: "unquoted .inf for a string",
    yaml: cluster("alt_stat_name: .inf"),
    accepted: true,
    reads: [CLUSTER, "alt_stat_name", ".inf"],
  },
  {
    name: "unquoted tilde for a string",
    yaml: cluster("alt_stat_name: ~"),
    accepted: true,
    reads: [CLUSTER, "alt_stat_name", ""],
  },
  {
    name: "unquoted null for a string",
    yaml: cluster("alt_stat_name: null"),
    accepted: true,
    reads: [CLUSTER, "alt_stat_name", ""],
  },
  {
    name: "unquoted nUll for a string",
    yaml: cluster("alt_stat_name: nUll"),
    accepted: true,
    reads: [CLUSTER, "alt_stat_name", "nUll"],
  },
  {
    name: "nothing for a string",
    yaml: cluster("alt_stat_name:"),
    accepted: true,
    reads: [CLUSTER, "alt_stat_name", ""],
  },
  {
    name: "quoted number for a string",
    yaml: cluster('alt_stat_name: "123"'),
    accepted: true,
    reads: [CLUSTER, "alt_stat_name", "123"],
  },
  { name: "tagged number for a string", yaml: cluster("alt_stat_name: !!str 123"), accepted: false },
  {
    name: "non-specific tag for a string",
    yaml: cluster("alt_stat_name: ! 123"),
    accepted: true,
    reads: [CLUSTER, "alt_stat_name", "123"],
  },
  {
    name: "block text for a string",
    yaml: cluster("alt_stat_name: |-\n  123"),
    accepted: true,
    reads: [CLUSTER, "alt_stat_name", "123"],
  },
  { name: "a map for a string", yaml: cluster("alt_stat_name: { a: b }"), accepted: false },
  { name: "enum in lower case", yaml: cluster("lb_policy: round_robin"), accepted: true },
  { name: "enum in mixed case", yaml: cluster("lb_policy: Least_Request"), accepted: true },
  { name: "enum with dashes", yaml: cluster("lb_policy: least-request"), accepted: false },
  { name: "enum by number", yaml: cluster("lb_policy: 1"), accepted: true },
  { name: "enum by quoted number", yaml: cluster('lb_policy: "1"'), accepted: true },
  { name: "enum by unknown number", yaml: cluster("lb_policy: 99"), accepted: false },
  { name: "enum unknown", yaml: cluster("lb_policy: NOPE"), accepted: false },
  { name: "enum by bool", yaml: cluster("lb_policy: true"), accepted: false },
  {
    name: "bool yes",
    yaml: cluster("ignore_health_on_host_removal: yes"),
    accepted: true,
    reads: [CLUSTER, "ignore_health_on_host_removal", true],
  },
  {
    name: "bool on",
    yaml: cluster("ignore_health_on_host_removal: on"),
    accepted: true,
    reads: [CLUSTER, "ignore_health_on_host_removal", true],
  },
  {
    name: "bool y",
    yaml: cluster("ignore_health_on_host_removal: y"),
    accepted: true,
    reads: [CLUSTER, "ignore_health_on_host_removal", true],
  },
  {
    name: "bool quoted true",
    yaml: cluster('ignore_health_on_host_removal: "true"'),
    accepted: true,
    reads: [CLUSTER, "ignore_health_on_host_removal", true],
  },
  { name: "bool quoted yes", yaml: cluster('ignore_health_on_host_removal: "yes"'), accepted: true },
  { name: "bool quoted True", yaml: cluster('ignore_health_on_host_removal: "True"'), accepted: true },
  { name: "bool 1", yaml: cluster("ignore_health_on_host_removal: 1"), accepted: false },
  { name: "bool tRue", yaml: cluster("ignore_health_on_host_removal: tRue"), accepted: true },
  { name: "int quoted", yaml: socket('port_value: "18001"'), accepted: true, reads: [SOCKET, "port_value", 18001] },
  { name: "int exponent", yaml: socket("port_value: 1.8001e4"), accepted: true, reads: [SOCKET, "port_value", 18001] },
  {
    name: "int quoted exponent",
    yaml: socket('port_value: "1.8001e4"'),
    accepted: true,
    reads: [SOCKET, "port_value", 18001],
  },
  { name: "int hex", yaml: socket("port_value: 0x4651"), accepted: true, reads: [SOCKET, "port_value", 18001] },
  { name: "int quoted hex", yaml: socket('port_value: "0x4651"'), accepted: true },
  { name: "int octal", yaml: socket("port_value: 0777"), accepted: true, reads: [SOCKET, "port_value", 511] },
  {
    name: "int quoted leading zero",
    yaml: socket('port_value: "0777"'),
    accepted: true,
    reads: [SOCKET, "port_value", 777],
  },
  { name: "int 0o octal", yaml: socket("port_value: 0o777"), accepted: false },
  {
    name: "int leading zero with 8",
    yaml: socket("port_value: 018001"),
    accepted: true,
    reads: [SOCKET, "port_value", 18001],
  },
  { name: "int plus", yaml: socket("port_value: +18001"), accepted: true, reads: [SOCKET, "port_value", 18001] },
  { name: "int quoted plus", yaml: socket('port_value: "+18001"'), accepted: true },
  {
    name: "int with point zero",
    yaml: socket("port_value: 18001.0"),
    accepted: true,
    reads: [SOCKET, "port_value", 18001],
  },
  { name: "int underscore", yaml: socket("port_value: 18_001"), accepted: false },
  { name: "int binary", yaml: socket("port_value: 0b101"), accepted: false },
  { name: "int with space quoted", yaml: socket('port_value: " 18001"'), accepted: false },
  { name: "int float", yaml: socket("port_value: 18001.5"), accepted: false },
  { name: "int negative for unsigned", yaml: socket("port_value: -1"), accepted: false },
  { name: "int overflow", yaml: socket("port_value: 4294967296"), accepted: false },
  { name: "int above rule", yaml: socket("port_value: 65536"), accepted: false },
  { name: "int bool", yaml: socket("port_value: true"), accepted: false },
  { name: "int empty text", yaml: socket('port_value: ""'), accepted: false },
  {
    name: "double plain",
    yaml: cluster("common_lb_config: { healthy_panic_threshold: { value: 12.5 } }"),
    accepted: true,
    reads: [`${CLUSTER}.common_lb_config.healthy_panic_threshold`, "value", 12.5],
  },
  {
    name: "double exponent",
    yaml: cluster("common_lb_config: { healthy_panic_threshold: { value: 1e1 } }"),
    accepted: true,
    reads: [`${CLUSTER}.common_lb_config.healthy_panic_threshold`, "value", 10],
  },
  {
    name: "double leading point",
    yaml: cluster("common_lb_config: { healthy_panic_threshold: { value: .5 } }"),
    accepted: true,
  },
  {
    name: "double trailing point",
    yaml: cluster("common_lb_config: { healthy_panic_threshold: { value: 5. } }"),
    accepted: true,
  },
  {
    name: "double nan",
    yaml: cluster("common_lb_config: { healthy_panic_threshold: { value: NaN } }"),
    accepted: false,
  },
  {
    name: "double .nan",
    yaml: cluster("common_lb_config: { healthy_panic_threshold: { value: .nan } }"),
    accepted: false,
  },
  {
    name: "duration message",
    yaml: cluster("connect_timeout: { seconds: 1 }"),
    accepted: true,
    reads: [CLUSTER, "connect_timeout", 1000],
  },
  {
    name: "duration message with nanos",
    yaml: cluster("connect_timeout: { seconds: 1, nanos: 500000000 }"),
    accepted: true,
    reads: [CLUSTER, "connect_timeout", 1500],
  },
  {
    name: "duration message quoted seconds",
    yaml: cluster('connect_timeout: { seconds: "1" }'),
    accepted: true,
    reads: [CLUSTER, "connect_timeout", 1000],
  },
  { name: "duration unknown part", yaml: cluster("connect_timeout: { minutes: 1 }"), accepted: false },
  {
    name: "duration decimal",
    yaml: cluster("connect_timeout: 0.25s"),
    accepted: true,
    reads: [CLUSTER, "connect_timeout", 250],
  },
  {
    name: "duration nine digits",
    yaml: cluster("connect_timeout: 1.123456789s"),
    accepted: true,
    reads: [CLUSTER, "connect_timeout", 1123.456789],
  },
  { name: "duration ten digits", yaml: cluster("connect_timeout: 1.1234567891s"), accepted: false },
  { name: "duration bare number", yaml: cluster("connect_timeout: 1"), accepted: false },
  { name: "duration quoted number", yaml: cluster('connect_timeout: "1"'), accepted: false },
  { name: "duration ms", yaml: cluster("connect_timeout: 250ms"), accepted: false },
  { name: "duration minute", yaml: cluster("connect_timeout: 1m"), accepted: false },
  { name: "duration leading point", yaml: cluster("connect_timeout: .25s"), accepted: false },
  { name: "duration trailing point", yaml: cluster("connect_timeout: 1.s"), accepted: false },
  { name: "duration with space", yaml: cluster('connect_timeout: "1 s"'), accepted: false },
  { name: "duration plus", yaml: cluster("connect_timeout: +1s"), accepted: false },
  { name: "duration negative", yaml: cluster("connect_timeout: -1s"), accepted: false },
  { name: "duration zero", yaml: cluster("connect_timeout: 0s"), accepted: false },
  { name: "duration exponent", yaml: cluster("connect_timeout: 1e1s"), accepted: false },
  { name: "duration capital S", yaml: cluster("connect_timeout: 1S"), accepted: false },
  { name: "duration too long", yaml: cluster("connect_timeout: 999999999999s"), accepted: false },
  {
    name: "wrapper plain",
    yaml: cluster("per_connection_buffer_limit_bytes: 100"),
    accepted: true,
    reads: [CLUSTER, "per_connection_buffer_limit_bytes", 100],
  },
  {
    name: "wrapper as message",
    yaml: cluster("per_connection_buffer_limit_bytes: { value: 100 }"),
    accepted: true,
    reads: [CLUSTER, "per_connection_buffer_limit_bytes", 100],
  },
  {
    name: "wrapper as message with another key",
    yaml: cluster("per_connection_buffer_limit_bytes: { valu: 100 }"),
    accepted: false,
  },
  {
    name: "wrapper empty message",
    yaml: cluster("per_connection_buffer_limit_bytes: {}"),
    accepted: true,
    reads: [CLUSTER, "per_connection_buffer_limit_bytes", 0],
  },
  {
    name: "wrapper quoted",
    yaml: cluster('per_connection_buffer_limit_bytes: "100"'),
    accepted: true,
    reads: [CLUSTER, "per_connection_buffer_limit_bytes", 100],
  },
  {
    name: "bool wrapper yes",
    yaml: cluster(
      `${ENDPOINT}\n` + "common_lb_config: { update_merge_window: 1s }\nclose_connections_on_host_health_failure: yes",
    ),
    accepted: true,
  },
  {
    name: "null message",
    yaml: cluster("connect_timeout: null"),
    accepted: true,
    reads: [CLUSTER, "connect_timeout", 5000],
  },
  { name: "null list", yaml: "static_resources:\n  clusters: null\n", accepted: true },
  {
    name: "null item in a list",
    yaml: "static_resources:\n  clusters: [~, { name: c }, null]\n",
    accepted: false,
    reads: ["static_resources.clusters.0", "name", "c"],
  },
  { name: "null map", yaml: cluster("typed_extension_protocol_options: null"), accepted: true },
  {
    name: "null value in a map",
    yaml: cluster("typed_extension_protocol_options: { a: null }"),
    accepted: false,
    later: true,
  },
  { name: "null in a struct", yaml: cluster("metadata: { filter_metadata: { a: { b: null } } }"), accepted: true },
  { name: "null struct in a map", yaml: cluster("metadata: { filter_metadata: { a: null } }"), accepted: true },
  {
    name: "number in a struct",
    yaml: cluster("metadata: { filter_metadata: { a: { b: 1 } } }"),
    accepted: true,
    reads: [STRUCT, "b", 1],
  },
  {
    name: "decimal in a struct",
    yaml: cluster("metadata: { filter_metadata: { a: { b: 1.5 } } }"),
    accepted: true,
    reads: [STRUCT, "b", "1.5"],
  },
  {
    name: "large number in a struct",
    yaml: cluster("metadata: { filter_metadata: { a: { b: 3000000000 } } }"),
    accepted: true,
    reads: [STRUCT, "b", "3000000000"],
  },
  {
    name: "yes in a struct",
    yaml: cluster("metadata: { filter_metadata: { a: { b: yes } } }"),
    accepted: true,
    reads: [STRUCT, "b", true],
  },
  { name: "list for a struct", yaml: cluster("metadata: { filter_metadata: { a: [1] } }"), accepted: false },
  {
    name: "merge key in a struct",
    yaml: cluster("metadata: { filter_metadata: { a: { <<: { b: 1 } } } }"),
    accepted: true,
  },
  {
    name: "camelCase name",
    yaml: cluster("connectTimeout: 1s"),
    accepted: true,
    reads: [CLUSTER, "connect_timeout", 1000],
  },
  { name: "both spellings", yaml: cluster("connect_timeout: 1s\nconnectTimeout: 2s"), accepted: true },
  {
    name: "duplicate key, last wins",
    yaml: cluster("connect_timeout: 1s\nconnect_timeout: 2s"),
    accepted: true,
    reads: [CLUSTER, "connect_timeout", 2000],
  },
  {
    name: "duplicate key, first is bad",
    yaml: cluster("connect_timeout: nope\nconnect_timeout: 2s"),
    accepted: true,
    reads: [CLUSTER, "connect_timeout", 2000],
  },
  {
    name: "duplicate key, second is null",
    yaml: cluster("connect_timeout: 2s\nconnect_timeout:"),
    accepted: true,
    reads: [CLUSTER, "connect_timeout", 5000],
  },
  { name: "merge key", yaml: cluster("<<: { connect_timeout: 2s }"), accepted: false },
  { name: "x- key", yaml: cluster("x-note: hello"), accepted: false },
  { name: "comment key", yaml: cluster('"//": hello'), accepted: false },
  { name: "unknown key at the top", yaml: "nope: 1\n", accepted: false },
  { name: "ignored key", yaml: cluster("!ignore x-note: hello"), accepted: true },
  {
    name: "anchor and alias",
    yaml: cluster("connect_timeout: &t 2s\nmax_requests_per_connection: 1\ndns_refresh_rate: *t"),
    accepted: true,
    reads: [CLUSTER, "dns_refresh_rate", 2000],
  },
  {
    name: "anchor under an ignored key",
    yaml: cluster("!ignore x-t: &t 2s\nconnect_timeout: *t"),
    accepted: true,
    reads: [CLUSTER, "connect_timeout", 2000],
  },
  { name: "Any with another host", yaml: filter("x.y/envoy.extensions.filters.network.echo.v3.Echo"), accepted: true },
  { name: "Any without a host", yaml: filter("/envoy.extensions.filters.network.echo.v3.Echo"), accepted: false },
  { name: "Any without a slash", yaml: filter("envoy.extensions.filters.network.echo.v3.Echo"), accepted: false },
  { name: "Any with two slashes", yaml: filter("a/b/envoy.extensions.filters.network.echo.v3.Echo"), accepted: true },
  {
    name: "Any of an unknown type",
    yaml: filter("type.googleapis.com/envoy.extensions.filters.network.ecco.v3.Echo"),
    accepted: false,
  },
  {
    name: "Any without a type",
    yaml:
      "static_resources:\n  listeners:\n  - name: l\n    address: { socket_address: { address: 127.0.0.1, port_value: 0 } }\n    filter_chains: [{ filters: [{ name: envoy.filters.network.echo, typed_config: { a: 1 } }] }]\n",
    accepted: false,
  },
  {
    name: "Any empty",
    yaml:
      "static_resources:\n  listeners:\n  - name: l\n    address: { socket_address: { address: 127.0.0.1, port_value: 0 } }\n    filter_chains: [{ filters: [{ name: envoy.filters.network.echo, typed_config: {} }] }]\n",
    accepted: false,
    later: true,
  },
  {
    name: "Any with an unknown field",
    yaml:
      'static_resources:\n  listeners:\n  - name: l\n    address: { socket_address: { address: 127.0.0.1, port_value: 0 } }\n    filter_chains: [{ filters: [{ name: e, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo, a: 1 } }] }]\n',
    accepted: false,
  },
  {
    name: "Any as a string",
    yaml:
      "static_resources:\n  listeners:\n  - name: l\n    address: { socket_address: { address: 127.0.0.1, port_value: 0 } }\n    filter_chains: [{ filters: [{ name: e, typed_config: abc }] }]\n",
    accepted: false,
  },
  {
    name: "TypedStruct of udpa",
    yaml: typedStruct("udpa.type.v1.TypedStruct", "envoy.extensions.filters.network.echo.v3.Echo", "{}"),
    accepted: true,
  },
  {
    name: "TypedStruct of xds",
    yaml: typedStruct(
      "xds.type.v3.TypedStruct",
      "envoy.extensions.filters.network.direct_response.v3.Config",
      "{ response: { inline_string: hi } }",
    ),
    accepted: true,
  },
  {
    name: "TypedStruct with an unknown field",
    yaml: typedStruct("xds.type.v3.TypedStruct", "envoy.extensions.filters.network.echo.v3.Echo", "{ a: 1 }"),
    accepted: false,
  },
  {
    name: "TypedStruct of an unknown type",
    yaml: typedStruct("xds.type.v3.TypedStruct", "nope.v3.Echo", "{}"),
    accepted: false,
  },
  { name: "two of a oneof", yaml: cluster("type: STATIC\ncluster_type: { name: a }"), accepted: false },
  { name: "two of a oneof, one null", yaml: cluster("type: STATIC\ncluster_type:"), accepted: true },
  {
    name: "oneof required",
    yaml: virtualHost('domains: ["*"]\nroutes: [{ match: {}, direct_response: { status: 200 } }]'),
    accepted: false,
  },
  {
    name: "prefix without a slash",
    yaml: virtualHost('domains: ["*"]\nroutes: [{ match: { prefix: abc }, direct_response: { status: 200 } }]'),
    accepted: true,
  },
  {
    name: "timeout 0s",
    yaml: virtualHost(
      'domains: ["*"]\nroutes: [{ match: { prefix: / }, direct_response: { status: 200 }, decorator: { operation: a } }]',
    ),
    accepted: true,
  },
  { name: "empty required string", yaml: 'static_resources:\n  clusters: [{ name: "" }]\n', accepted: false },
  { name: "empty list with min_items", yaml: virtualHost("domains: []"), accepted: false },
  {
    name: "bytes in base64",
    yaml: cluster(
      "health_checks: [{ timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: { send: { binary: aGk= } } }]",
    ),
    accepted: true,
  },
  {
    name: "bytes in base64 without padding",
    yaml: cluster(
      "health_checks: [{ timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: { send: { binary: aGk } } }]",
    ),
    accepted: true,
  },
  {
    name: "bytes not base64",
    yaml: cluster(
      'health_checks: [{ timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: { send: { binary: "a b!" } } }]',
    ),
    accepted: false,
  },
  { name: "text for a message", yaml: cluster("circuit_breakers: abc"), accepted: false },
  { name: "empty text for a message", yaml: cluster('circuit_breakers: ""'), accepted: false },
  {
    name: "number as a key of a map of text",
    yaml: cluster('typed_extension_protocol_options: { 1: { "@type": type.googleapis.com/google.protobuf.Empty } }'),
    accepted: false,
    later: true,
  },
  { name: "two documents", yaml: "node: { id: a, cluster: b }\n---\nnope: 1\n", accepted: true },
  { name: "document markers", yaml: "---\nnode: { id: a, cluster: b }\n...\n", accepted: true },
  { name: "YAML directive", yaml: "%YAML 1.2\n---\nnode: { id: a, cluster: b }\n", accepted: true },
  { name: "byte order mark", yaml: "\ufeffnode: { id: a, cluster: b }\n", accepted: true },
  { name: "tab indentation", yaml: "node:\n\tid: a\n", accepted: false },
  { name: "carriage returns", yaml: "node:\r\n  id: a\r\n  cluster: b\r\n", accepted: true },
  { name: "flow over lines with a trailing comma", yaml: "node: {\n  id: a,\n  cluster: b,\n}\n", accepted: true },
  { name: "JSON with tabs", yaml: '{\n\t"node": {\n\t\t"id": "a",\n\t\t"cluster": "b"\n\t}\n}\n', accepted: true },
  { name: "empty", yaml: "# nothing\n", accepted: false },
  { name: "a list at the top", yaml: "- a\n", accepted: false },
  { name: "a scalar at the top", yaml: "abc\n", accepted: false },
  { name: "no admin, no node", yaml: "static_resources: {}\n", accepted: true },
  {
    name: 'bool "1"',
    yaml: cluster('ignore_health_on_host_removal: "1"'),
    accepted: true,
    reads: [CLUSTER, "ignore_health_on_host_removal", true],
  },
  {
    name: 'bool "0"',
    yaml: cluster('ignore_health_on_host_removal: "0"'),
    accepted: true,
    reads: [CLUSTER, "ignore_health_on_host_removal", false],
  },
  {
    name: 'bool "t"',
    yaml: cluster('ignore_health_on_host_removal: "t"'),
    accepted: true,
    reads: [CLUSTER, "ignore_health_on_host_removal", true],
  },
  {
    name: 'bool "f"',
    yaml: cluster('ignore_health_on_host_removal: "f"'),
    accepted: true,
    reads: [CLUSTER, "ignore_health_on_host_removal", false],
  },
  {
    name: 'bool "N"',
    yaml: cluster('ignore_health_on_host_removal: "N"'),
    accepted: true,
    reads: [CLUSTER, "ignore_health_on_host_removal", false],
  },
  { name: 'bool "on"', yaml: cluster('ignore_health_on_host_removal: "on"'), accepted: false },
  { name: 'bool ""', yaml: cluster('ignore_health_on_host_removal: ""'), accepted: false },
  { name: 'bool " true"', yaml: cluster('ignore_health_on_host_removal: " true"'), accepted: false },
  { name: "bool 1.0", yaml: cluster("ignore_health_on_host_removal: 1.0"), accepted: false },
  {
    name: 'wrapped int "0X10"',
    yaml: cluster('per_connection_buffer_limit_bytes: "0X10"'),
    accepted: true,
    reads: [CLUSTER, "per_connection_buffer_limit_bytes", 16],
  },
  { name: 'wrapped int "-0x1"', yaml: cluster('per_connection_buffer_limit_bytes: "-0x1"'), accepted: false },
  {
    name: 'wrapped int "1e2"',
    yaml: cluster('per_connection_buffer_limit_bytes: "1e2"'),
    accepted: true,
    reads: [CLUSTER, "per_connection_buffer_limit_bytes", 100],
  },
  {
    name: 'wrapped int "1.0"',
    yaml: cluster('per_connection_buffer_limit_bytes: "1.0"'),
    accepted: true,
    reads: [CLUSTER, "per_connection_buffer_limit_bytes", 1],
  },
  { name: 'wrapped int "1.5"', yaml: cluster('per_connection_buffer_limit_bytes: "1.5"'), accepted: false },
  { name: 'wrapped int "0b1"', yaml: cluster('per_connection_buffer_limit_bytes: "0b1"'), accepted: false },
  { name: 'wrapped int "1_0"', yaml: cluster('per_connection_buffer_limit_bytes: "1_0"'), accepted: false },
  { name: 'wrapped int " 1"', yaml: cluster('per_connection_buffer_limit_bytes: " 1"'), accepted: false },
  {
    name: 'wrapped int "+0x10"',
    yaml: cluster('per_connection_buffer_limit_bytes: "+0x10"'),
    accepted: true,
    reads: [CLUSTER, "per_connection_buffer_limit_bytes", 16],
  },
  { name: 'wrapped int "0x"', yaml: cluster('per_connection_buffer_limit_bytes: "0x"'), accepted: false },
  {
    name: 'wrapped int "4294967295.0"',
    yaml: cluster('per_connection_buffer_limit_bytes: "4294967295.0"'),
    accepted: true,
    reads: [CLUSTER, "per_connection_buffer_limit_bytes", 4294967295],
  },
  {
    name: "wrapped int 4294967296.0",
    yaml: cluster("per_connection_buffer_limit_bytes: 4294967296.0"),
    accepted: false,
  },
  {
    name: "wrapped int .5e1",
    yaml: cluster("per_connection_buffer_limit_bytes: .5e1"),
    accepted: true,
    reads: [CLUSTER, "per_connection_buffer_limit_bytes", 5],
  },
  {
    name: "wrapped int 5.",
    yaml: cluster("per_connection_buffer_limit_bytes: 5."),
    accepted: true,
    reads: [CLUSTER, "per_connection_buffer_limit_bytes", 5],
  },
  { name: 'wrapped int "1e-1"', yaml: cluster('per_connection_buffer_limit_bytes: "1e-1"'), accepted: false },
  { name: "wrapped int 1e400", yaml: cluster("per_connection_buffer_limit_bytes: 1e400"), accepted: false },
  {
    name: 'double "Infinity"',
    yaml: cluster('common_lb_config: { healthy_panic_threshold: { value: "Infinity" } }'),
    accepted: false,
  },
  {
    name: "double .inf",
    yaml: cluster("common_lb_config: { healthy_panic_threshold: { value: .inf } }"),
    accepted: false,
  },
  {
    name: 'double "0x10"',
    yaml: cluster('common_lb_config: { healthy_panic_threshold: { value: "0x10" } }'),
    accepted: true,
    reads: [`${CLUSTER}.common_lb_config.healthy_panic_threshold`, "value", 16],
  },
  {
    name: 'double "+5"',
    yaml: cluster('common_lb_config: { healthy_panic_threshold: { value: "+5" } }'),
    accepted: true,
    reads: [`${CLUSTER}.common_lb_config.healthy_panic_threshold`, "value", 5],
  },
  {
    name: 'double " 5"',
    yaml: cluster('common_lb_config: { healthy_panic_threshold: { value: " 5" } }'),
    accepted: true,
    reads: [`${CLUSTER}.common_lb_config.healthy_panic_threshold`, "value", 5],
  },
  { name: 'double ""', yaml: cluster('common_lb_config: { healthy_panic_threshold: { value: "" } }'), accepted: false },
  {
    name: 'double "12.5abc"',
    yaml: cluster('common_lb_config: { healthy_panic_threshold: { value: "12.5abc" } }'),
    accepted: false,
  },
  { name: 'enum "99"', yaml: cluster('lb_policy: "99"'), accepted: false },
  { name: 'enum "1.0"', yaml: cluster('lb_policy: "1.0"'), accepted: false },
  { name: "enum 1.0", yaml: cluster("lb_policy: 1.0"), accepted: false },
  { name: 'enum " 1"', yaml: cluster('lb_policy: " 1"'), accepted: true },
  { name: 'enum "0x1"', yaml: cluster('lb_policy: "0x1"'), accepted: false },
  { name: 'enum ""', yaml: cluster('lb_policy: ""'), accepted: false },
  { name: 'enum " ROUND_ROBIN"', yaml: cluster('lb_policy: " ROUND_ROBIN"'), accepted: false },
  { name: "enum [RANDOM]", yaml: cluster("lb_policy: [RANDOM]"), accepted: false },
  { name: "wrapper []", yaml: cluster("per_connection_buffer_limit_bytes: []"), accepted: false },
  {
    name: "wrapper {value: {value: 5}}",
    yaml: cluster("per_connection_buffer_limit_bytes: {value: {value: 5}}"),
    accepted: false,
  },
  { name: "wrapper {Value: 5}", yaml: cluster("per_connection_buffer_limit_bytes: {Value: 5}"), accepted: false },
  {
    name: "wrapper {value: null}",
    yaml: cluster("per_connection_buffer_limit_bytes: {value: null}"),
    accepted: true,
    reads: [CLUSTER, "per_connection_buffer_limit_bytes", 0],
  },
  {
    name: "wrapper {value: 5, value: 6}",
    yaml: cluster("per_connection_buffer_limit_bytes: {value: 5, value: 6}"),
    accepted: true,
    reads: [CLUSTER, "per_connection_buffer_limit_bytes", 6],
  },
  { name: "wrapper [5]", yaml: cluster("per_connection_buffer_limit_bytes: [5]"), accepted: false },
  { name: "duration {}", yaml: cluster("connect_timeout: {}"), accepted: false },
  { name: 'duration ""', yaml: cluster('connect_timeout: ""'), accepted: false },
  { name: "duration [1s]", yaml: cluster("connect_timeout: [1s]"), accepted: false },
  { name: "duration {seconds: 1s}", yaml: cluster("connect_timeout: {seconds: 1s}"), accepted: false },
  { name: "duration 1e3s", yaml: cluster("connect_timeout: 1e3s"), accepted: false },
  {
    name: "duration 00001s",
    yaml: cluster("connect_timeout: 00001s"),
    accepted: true,
    reads: [CLUSTER, "connect_timeout", 1000],
  },
  { name: "null item in a list of text", yaml: virtualHost('domains: [~, "*"]'), accepted: true },
  {
    name: "null item that breaks a rule",
    yaml: virtualHost('domains: ["*"]\nrequest_headers_to_remove: [~]'),
    accepted: false,
  },
  {
    name: "null member of a oneof",
    yaml: virtualHost('domains: "*"\nroutes: [{match: {prefix: ~, path: /}, direct_response: {status: 200}}]'),
    accepted: true,
  },
  {
    name: "only a null member of a oneof",
    yaml: virtualHost('domains: "*"\nroutes: [{match: {prefix: ~}, direct_response: {status: 200}}]'),
    accepted: false,
  },
  { name: "lists in lists", yaml: virtualHost('domains: [["a"], ["b", ["c"]]]'), accepted: true },
  { name: "empty list in a list", yaml: virtualHost("domains: [[]]"), accepted: false },
  { name: "map in a list of text", yaml: virtualHost("domains: [{ a: b }]"), accepted: false },
  {
    name: "braces closed at the margin",
    yaml: "static_resources: {\n  clusters: [\n    { name: c\n},\n]\n}\n",
    accepted: true,
    reads: [CLUSTER, "name", "c"],
  },
  {
    name: "braces closed at the margin, with comments and quotes",
    yaml: "node: { # a }\n  id: \"x }\ny\", # {\ncluster: 'b'\n}\n",
    accepted: true,
    reads: ["node", "id", "x } y"],
  },
  { name: "quoted number with a tag", yaml: 'node: { id: !!int "5", cluster: b }\n', accepted: false },
  {
    name: "null as a key in a struct",
    yaml: "node: { id: a, cluster: b, metadata: { ~: c } }\n",
    accepted: true,
    reads: ["node", "metadata", { null: "c" }],
  },
  {
    name: "floats in a struct are text",
    yaml: 'node: { id: a, cluster: b, metadata: { a: 1.5, b: 7, c: 0x10, d: yes, e: ~, f: 3000000000, g: "1" } }\n',
    accepted: true,
    reads: ["node", "metadata", { a: "1.5", b: 7, c: 16, d: true, e: null, f: "3000000000", g: "1" }],
  },
  {
    name: "comma after comma",
    yaml: "node: { id: a, cluster: b, metadata: { a: [1,,2] } }\n",
    accepted: true,
    differs: "YAML has no empty items; the comma is a slip",
  },
  {
    name: "surrogate pair by escapes",
    yaml: 'node: { id: "\\ud83d\\ude00", cluster: b }\n',
    accepted: false,
    differs: "JSON writes characters this way, and yaml-cpp cannot read them",
  },
];
