// test/conformance/differential/cases/origins.ts: who the client is, what scheme it used, what its requests are changed to first.
/** @module */
import { bootstrap, cluster, httpListener, indent, onPipe, pipeCluster, textLog } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

const XFF = "type.googleapis.com/envoy.extensions.http.original_ip_detection.xff.v3.XffConfig";
const HEADER = "type.googleapis.com/envoy.extensions.http.original_ip_detection.custom_header.v3.CustomHeaderConfig";
const EARLY = "type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation";
const UUID = "type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig";

const TEN_INTERNAL = "internal_address_config: { cidr_ranges: [ { address_prefix: 10.0.0.0, prefix_len: 8 } ] }";

function listener(name: string, manager: string, routes?: string): string {
  return httpListener(name, {
    manager: `generate_request_id: false\n${manager}`,
    log: textLog(
      "%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% remote=%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% " +
        "direct=%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT% scheme=%REQ(:SCHEME)% proto=%REQ(x-forwarded-proto)% " +
        "route=%ROUTE_NAME% flags=%RESPONSE_FLAGS% id=%REQ(x-request-id):15%",
    ),
    ...(routes === undefined ? {} : { routes }),
  });
}

function detecting(name: string, extensions: readonly string[], more = ""): string {
  return listener(name, `original_ip_detection_extensions:\n${extensions.join("")}${more}`);
}

function extension(name: string, type: string, fields: string): string {
  return `- name: ${name}\n  typed_config:\n    "@type": ${type}\n${indent(fields, 4)}`;
}

const xff = (fields: string): string => extension("xff", XFF, fields);
const customHeader = (fields: string): string => extension("header", HEADER, fields);

function early(name: string, mutations: string, more = "", routes?: string): string {
  const mutation = extension("early", EARLY, `mutations:\n${indent(mutations, 2)}`);
  return listener(name, `early_header_mutation_extensions:\n${mutation}${more}`, routes);
}

function get(name: string, listener: string, fields = "", target = "/"): Exchange {
  return { name, listener, client: `GET ${target} HTTP/1.1\r\nHost: a.example\r\n${fields}\r\n` };
}

const ID = "12345678-1234-9234-8234-123456789abc";

export const origins: Group = {
  name: "origins",
  listeners: ["hops"],
  upstreams: ["u"],
  yaml: bootstrap([
    detecting("hops", [xff("xff_num_trusted_hops: 1")], TEN_INTERNAL),
    detecting("appending", [xff("skip_xff_append: false")], TEN_INTERNAL),
    detecting(
      "cidrs",
      [xff(
        "xff_trusted_cidrs: { cidrs: [ { address_prefix: 127.0.0.0, prefix_len: 8 }, { address_prefix: 9.0.0.0, prefix_len: 8 } ] }",
      )],
      TEN_INTERNAL,
    ),
    detecting("strangers", [xff("xff_trusted_cidrs: { cidrs: [ { address_prefix: 9.0.0.0, prefix_len: 8 } ] }")]),
    detecting(
      "header",
      [customHeader("header_name: X-Real-IP\nallow_extension_to_set_address_as_trusted: true")],
      TEN_INTERNAL,
    ),
    detecting("untrusted_header", [customHeader("header_name: x-real-ip")], TEN_INTERNAL),
    detecting("rejecting", [customHeader("header_name: x-real-ip\nreject_with_status: { code: Unauthorized }")]),
    detecting("rejecting_oddly", [customHeader("header_name: x-real-ip\nreject_with_status: { code: OK }")]),
    detecting("two", [customHeader("header_name: x-real-ip"), xff("xff_num_trusted_hops: 0")]),
    early(
      "early",
      `- append: { header: { key: x-added, value: "%REQ(:path)% %PROTOCOL%" } }
- append: { header: { key: x-there, value: new }, append_action: ADD_IF_ABSENT }
- append: { header: { key: x-over, value: new }, append_action: OVERWRITE_IF_EXISTS_OR_ADD }
- append: { header: { key: x-only-over, value: new }, append_action: OVERWRITE_IF_EXISTS }
- append: { header: { key: x-empty, value: "%REQ(x-none)%" } }
- append: { header: { key: x-kept, value: "%REQ(x-none)%" }, keep_empty_value: true }
- append: { header: { key: x-seen, value: "%REQ(x-added)% %REQ(x-forwarded-proto)% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%" } }
- remove: x-gone
- append: { header: { key: x-forwarded-for, value: 5.5.5.5 }, append_action: OVERWRITE_IF_EXISTS_OR_ADD }
- append: { header: { key: x-envoy-max-retries, value: "7" } }
- append: { header: { key: x-route, value: second } }`,
      "",
      `- { name: second, match: { prefix: /, headers: [ { name: x-route, string_match: { exact: second } } ] }, route: { cluster: u } }
- { name: all, match: { prefix: / }, route: { cluster: u } }`,
    ),
    listener("overwritten_scheme", "scheme_header_transformation: { scheme_to_overwrite: https }"),
    listener(
      "edge_overwritten_scheme",
      "use_remote_address: true\nscheme_header_transformation: { scheme_to_overwrite: https, match_upstream: true }",
    ),
    listener("matched_scheme", "scheme_header_transformation: { match_upstream: true }"),
    listener(
      "https_port",
      "forward_proto_config: { https_destination_ports: [ @https_port@, 1 ], http_destination_ports: [ 2 ] }",
    ),
    listener(
      "http_port",
      "use_remote_address: true\nforward_proto_config: { http_destination_ports: [ @http_port@ ] }",
    ),
    listener("other_port", "use_remote_address: true\nforward_proto_config: { https_destination_ports: [ 1 ] }"),
    listener(
      "edge_https_port",
      "use_remote_address: true\nforward_proto_config: { https_destination_ports: [ @edge_https_port@ ] }",
    ),
    listener("kept_id", `use_remote_address: true\npreserve_external_request_id: true`),
    listener(
      "packed_id",
      `use_remote_address: true\npreserve_external_request_id: true\nrequest_id_extension:\n  typed_config: { "@type": ${UUID} }`,
    ).replace("generate_request_id: false", "generate_request_id: true"),
    listener(
      "unpacked_id",
      `use_remote_address: true\npreserve_external_request_id: true\nrequest_id_extension:\n  typed_config: { "@type": ${UUID}, pack_trace_reason: false, use_request_id_for_trace_sampling: false }`,
    ).replace("generate_request_id: false", "generate_request_id: true"),
    listener(
      "to_pipe",
      "",
      '- { match: { prefix: "/edge" }, route: { cluster: pipe } }\n- { match: { prefix: "/" }, route: { cluster: inner_pipe } }',
    ),
    onPipe("pipe", listener("pipe_edge", "use_remote_address: true\ninternal_address_config: { unix_sockets: true }")),
    onPipe("inner_pipe", listener("pipe_inner", "internal_address_config: { unix_sockets: true }")),
  ], [cluster("u"), pipeCluster("pipe"), pipeCluster("inner_pipe")]),
  exchanges: [
    get("one hop is trusted", "hops", "X-Forwarded-For: 10.1.1.1, 2.2.2.2\r\n"),
    get("fewer addresses than hops", "hops", "X-Forwarded-For: 2.2.2.2\r\n"),
    get("no address", "hops"),
    get(
      "an internal address alone, and appended to",
      "appending",
      "X-Forwarded-For: 10.1.1.1\r\nX-Envoy-Max-Retries: 1\r\n",
    ),
    get("nothing to append to", "appending"),
    get(
      "behind trusted proxies",
      "cidrs",
      "X-Forwarded-For: 10.9.9.9, 10.1.1.1, 9.1.1.1,9.2.2.2\r\nX-Envoy-Max-Retries: 1\r\n",
    ),
    get("only trusted proxies", "cidrs", "X-Forwarded-For: 9.1.1.1, 9.2.2.2\r\n"),
    get(
      "an internal address behind trusted proxies",
      "cidrs",
      "X-Forwarded-For: 10.1.1.1\r\nX-Envoy-Max-Retries: 1\r\n",
    ),
    get("nonsense behind a trusted proxy", "cidrs", "X-Forwarded-For: what, 9.2.2.2\r\n"),
    get("nonsense alone", "cidrs", "X-Forwarded-For: what\r\n"),
    get("no address behind a trusted proxy", "cidrs"),
    get("a peer that is no trusted proxy", "strangers", "X-Forwarded-For: 1.1.1.1\r\n"),
    get("a header says who it is", "header", "X-Real-IP: 10.1.1.1\r\nX-Envoy-Max-Retries: 1\r\n"),
    get("a header says it beside another", "header", "X-Real-IP: 4.4.4.4\r\nX-Forwarded-For: 1.1.1.1\r\n"),
    get("a header with an IPv6 address", "header", "X-Real-IP: 2001:db8::1\r\n"),
    get("two of the header", "header", "X-Real-IP: 4.4.4.4\r\nX-Real-IP: 5.5.5.5\r\n"),
    get(
      "an internal address that is not trusted",
      "untrusted_header",
      "X-Real-IP: 10.1.1.1\r\nX-Envoy-Max-Retries: 1\r\n",
    ),
    get("the header is not there", "untrusted_header", "X-Forwarded-For: 1.1.1.1\r\n"),
    get("a request without the header is rejected", "rejecting"),
    get("a request with nonsense in the header is rejected", "rejecting", "X-Real-IP: 1.2.3\r\n"),
    get("a request with the header is not rejected", "rejecting", "X-Real-IP: 1.2.3.4\r\n"),
    get("rejected with a status that is no error", "rejecting_oddly"),
    get("the first of two", "two", "X-Real-IP: 4.4.4.4\r\nX-Forwarded-For: 1.1.1.1\r\n"),
    get("the second of two", "two", "X-Forwarded-For: 1.1.1.1\r\n"),
    get(
      "headers are changed first",
      "early",
      "X-There: old\r\nX-Over: old\r\nX-Only-Over: old\r\nX-Gone: 1\r\nX-Forwarded-For: 1.1.1.1\r\n",
      "/path",
    ),
    get("headers that were not there", "early"),
    get("a scheme of its own", "overwritten_scheme"),
    get("a scheme of its own against a target's", "overwritten_scheme", "", "http://b.example/x"),
    get("a scheme of its own against a header's", "overwritten_scheme", "X-Forwarded-Proto: http\r\n"),
    get("a scheme of its own at the edge", "edge_overwritten_scheme", "X-Forwarded-Proto: http\r\n"),
    get("the upstream's scheme", "matched_scheme", "X-Forwarded-Proto: https\r\n"),
    get("a port that means TLS", "https_port"),
    get("a port that means TLS, and a header", "https_port", "X-Forwarded-Proto: http\r\n"),
    get("a port that means no TLS", "http_port", "X-Forwarded-Proto: https\r\n"),
    get("a port that means nothing", "other_port"),
    get("a port that means TLS at the edge", "edge_https_port", "X-Forwarded-Proto: http\r\n"),
    get("a request id where none is made", "kept_id", `X-Request-Id: ${ID}\r\n`),
    get("a traced request id from outside", "packed_id", `X-Request-Id: ${ID}\r\n`),
    get("an odd request id from outside", "packed_id", `X-Request-Id: odd\r\n`),
    get("a traced request id that is left alone", "unpacked_id", `X-Request-Id: ${ID}\r\n`),
    get("a peer on a unix socket is internal", "to_pipe", "X-Envoy-Max-Retries: 1\r\n", "/edge"),
    get(
      "a peer on a unix socket behind another",
      "to_pipe",
      "X-Envoy-Max-Retries: 1\r\nX-Forwarded-For: 1.2.3.4\r\n",
      "/edge",
    ),
    get("a peer on a unix socket, inside", "to_pipe", "X-Envoy-Max-Retries: 1\r\n"),
  ],
};
