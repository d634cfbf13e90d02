// test/conformance/differential/cases/wasm_foreign.ts: the functions that guests call by name.
/** @module */
import { bootstrap, fileLog, indent, tcpListener } from "../bootstrap.ts";
import type { Group } from "../exchange.ts";
import {
  call,
  CLUSTERS,
  type Command,
  type Commands,
  get,
  message,
  NODE,
  probe,
  raw,
  set,
  topicExchanges,
  topicListeners,
  u32,
} from "./wasm_probe.ts";

/** Keys made for this test alone. */
const RSA_PUBLIC = fromBase64(
  "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCsZ20sF038Tso6IJTtXpMUQnh68DnsKonJUpy6VMvl18VrCzEkT71LP591" +
    "s69284NoMVsX3oSWH1Z546IP5pJepnAnG0cRgx5aveaXFvPD66f+6fUG6KPNgb+cWtp9k5TYEg72NLrBcfLzbbpXb3fCG1m5" +
    "hONGnUXm4nHXNtaC2wIDAQAB",
);
const RSA_PRIVATE = fromBase64(
  "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAKxnbSwXTfxOyjoglO1ekxRCeHrwOewqiclSnLpUy+XXxWsL" +
    "MSRPvUs/n3Wzr3bzg2gxWxfehJYfVnnjog/mkl6mcCcbRxGDHlq95pcW88Prp/7p9Qboo82Bv5xa2n2TlNgSDvY0usFx8vNt" +
    "uldvd8IbWbmE40adRebicdc21oLbAgMBAAECgYAsT3jTuDmm+2kmf3FHgOM0ddEZZ9y7QkOfpsf5bAnrzQVEed/rgUMZsAR/" +
    "7+rNG9FOWkEbZWmWW/+R3Fuu0ogTt4bNVwBdtcEFZ4Y6dzy6h74hMxNRsk7FfUYR2t5SXYpL8YIzIs+DwjgatjbbMjEgUZqC" +
    "St8QiJEC1kdhKhGy4QJBANrKxReK3dEraU2M/PLL/yTemfs7d6A+bCOogX5SlrJzA3i5ph8R2pJJNhLRpuL1Jxy0lSY4J4kD" +
    "7Majuj9czdcCQQDJuSCicK+ewfTlUlZlN12adV0h9zE2B4TPLBeA6bMGY2dbSqoLCp5Couqr7CInxWEEcDFbymDNWXPEOrK9" +
    "MSqdAkEAy8u2HEDAbxaFprPd5Xa4+SnTuh1hR0T9y5Uo0XayYhQZtrkOkMA7nKlPEeZxEdSSkv1uNER4Jvsd8MUPNfgGzwJB" +
    "AILIBFFsT1/VDanzdNHQUF5IguX3di86Nq9+PYq1ePzGS4cTZCUecDZxm0V1JTu1qs2O02FYVuQrf3OUPreL/b0CQHd3oMr/" +
    "L7ML+MnXwsicwMy0+mu/cfeR1n0FEeu3JIDs/l/XV8WcHVxREyra5jhvFEOPBy1430RyNPL0He/wwHk=",
);
const EC_PUBLIC = fromBase64(
  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEa3q6e/dRH9Vcjo+Zk3BLIXPU1K3LrFuVcZf1DG6oriuoqOisq9XZQw5Pb8C/" +
    "tlS45nn1S19kC3R2uNT8JyxcBQ==",
);
const EC_PRIVATE = fromBase64(
  "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgxaf0R6a+6IvhWGMOLKSgUw5F6DBLzyiFi7jQFMmoxl6hRANC" +
    "AARrerp791Ef1VyOj5mTcEshc9TUrcusW5Vxl/UMbqiuK6io6Kyr1dlDDk9vwL+2VLjmefVLX2QLdHa41PwnLFwF",
);
/** Of `text`, by the key above, with sha256. */
const EC_SIGNATURE = fromBase64(
  "MEUCIQCRuJtgxW/wofE40GRQxR6S6oywtV67fFunqjzjL2gtIQIgbBO+Pq/d/nHGg3fAVykH8eywrDDFxEjBYQnJCSXfSZ4=",
);

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
}

function pem(label: string, der: Uint8Array): string {
  const text = btoa(String.fromCharCode(...der)).replace(/.{64}/g, "$&\n");
  return `-----BEGIN ${label}-----\n${text}\n-----END ${label}-----\n`;
}

const GARBAGE = Uint8Array.of(255, 255, 255);
const DEFLATED = Uint8Array.of(120, 156, 75, 76, 76, 76, 4, 0, 3, 206, 1, 133);

/** Makes expressions when the plugin is configured, and evaluates them for a request after some other commands. */
function expressionsAfter(commands: readonly Command[], ...texts: string[]): Commands {
  return {
    configure: texts.map((text) => call("expr_create", text)),
    request: [...commands, ...texts.map((_text, token) => call("expr_evaluate", u32(token)))],
  };
}

function expressions(...texts: string[]): Commands {
  return expressionsAfter([], ...texts);
}

/** Sets an object of the filter state and looks at it. */
function stateObject(name: string, value: string): Command[] {
  return [
    call("set_envoy_filter_state", message({ 1: name, 2: value })),
    raw(`filter_state\0${name}`),
    raw(`filter_state\0${name}\0ip`),
    raw(`filter_state\0${name}\0port`),
  ];
}

const TOPICS: Readonly<Record<string, Commands>> = {
  foreign: {
    request: [
      call("none"),
      call(""),
      call("clear_route_cache"),
      call("clear_route_cache", "x"),
    ],
  },
  zlib: {
    request: [
      call("uncompress", DEFLATED),
      call("uncompress", Uint8Array.of(...DEFLATED, 1, 2)),
      call("uncompress", DEFLATED.subarray(0, 10)),
      call("uncompress", GARBAGE),
      call("uncompress"),
      call("uncompress", "text"),
      call("compress", "aaaaa"),
      call("compress"),
    ],
  },
  declare: {
    configure: [
      call("declare_property", message({ 1: "text", 3: 1 })),
      call("declare_property", message({ 1: "text", 3: 1 })),
      call("declare_property", message({ 1: "once", 2: 1 })),
      call("declare_property", message({ 1: "struct", 3: 3, 4: "type.googleapis.com/google.protobuf.Struct" })),
      call("declare_property", message({ 1: "unknown", 3: 3, 4: "type.googleapis.com/none.None" })),
      call("declare_property", message({ 1: "odd", 3: 9, 5: 9 })),
      call("declare_property", message({ 1: "connection_wide", 5: 2 })),
      call("declare_property", message({ 1: "request_wide", 5: 1 })),
      call("declare_property", message({})),
      call("declare_property", GARBAGE),
    ],
    request: [
      ...get("text", "once"),
      set("text", "1"),
      ...get("text"),
      set("text", "2"),
      ...get("text"),
      set("once", "1"),
      set("once", "2"),
      ...get("once"),
      set("struct", "\n\x0a\n\x01a\x12\x05\x1a\x03one"),
      ...get("struct", "struct.fields", "struct.fields.a", "struct.a", "struct.none", "struct.fields.none"),
      raw("filter_state\0wasm.struct"),
      raw("filter_state\0wasm.struct\0a"),
      set("unknown", "x"),
      ...get("unknown", "unknown.x"),
      raw("filter_state\0wasm.unknown"),
      set("odd", "1"),
      ...get("odd"),
      set("connection_wide", "1"),
      set("request_wide", "1"),
      call("declare_property", message({ 1: "late", 3: 1 })),
      call("declare_property", message({ 1: "late", 3: 1 })),
      call("declare_property", message({ 1: "text", 3: 1 })),
      set("late", "1"),
      ...get("late"),
    ],
  },
  state_objects: {
    configure: [call("set_envoy_filter_state", message({ 1: "envoy.tcp_proxy.cluster", 2: "c" }))],
    request: [
      call("set_envoy_filter_state", GARBAGE),
      call("set_envoy_filter_state"),
      ...stateObject("none", "x"),
      ...stateObject("wasm.none", "x"),
      ...stateObject("envoy.tcp_proxy.cluster", "c"),
      ...stateObject("envoy.tcp_proxy.cluster", "d"),
      ...stateObject("envoy.tcp_proxy.disable_tunneling", "true"),
      ...stateObject("envoy.tcp_proxy.disable_tunneling", "false"),
      ...stateObject("envoy.tcp_proxy.disable_tunneling", "x"),
      ...stateObject("envoy.tcp_proxy.disable_tunneling", ""),
      ...stateObject("envoy.upstream.dynamic_port", "080"),
      ...stateObject("envoy.upstream.dynamic_port", ""),
      ...stateObject("envoy.network.ip", "::1"),
      ...stateObject("envoy.filters.listener.original_dst.local_ip", "1.2.3.4"),
      ...stateObject("envoy.filters.listener.original_dst.local_ip", "/pipe"),
      ...stateObject("envoy.tcp_proxy.per_connection_idle_timeout_ms", "100"),
      ...stateObject("envoy.tcp_proxy.per_connection_idle_timeout_ms", "x"),
      ...stateObject("envoy.network.upstream_server_name", "s.example"),
      ...stateObject("envoy.network.application_protocols", "h2,http/1.1"),
      ...stateObject("envoy.network.upstream_subject_alt_names", "a,b"),
      ...stateObject("envoy.network.transport_socket.original_dst_address", "1.2.3.4:80"),
      ...stateObject("envoy.network.transport_socket.original_dst_address", "x"),
      ...stateObject("envoy.filters.listener.original_dst.local_ip", "1.2.3.4:80"),
      ...stateObject("envoy.filters.listener.original_dst.remote_ip", "[::1]:80"),
      ...stateObject("envoy.network.ip", "1.2.3.4"),
      ...stateObject("envoy.network.ip", "x"),
      ...stateObject("envoy.upstream.dynamic_host", "h"),
      ...stateObject("envoy.upstream.dynamic_port", "80"),
      ...stateObject("envoy.upstream.dynamic_port", "x"),
      ...stateObject("envoy.upstream.dynamic_port", "70000"),
      ...stateObject("envoy.udp_proxy.cluster", "c"),
      ...stateObject("envoy.ratelimit.hits_addend", "2"),
      ...stateObject("envoy.ratelimit.hits_addend", "x"),
      ...stateObject("envoy.string", "s"),
      ...stateObject("envoy.hashable_string", "s"),
      ...stateObject("envoy.filters.network.http_connection_manager.local_reply_owner", "o"),
      ...stateObject("envoy.network.network_namespace", "/x"),
      ...stateObject("envoy.upstream.dynamic_host_candidates", "a,b"),
      ...stateObject("envoy.load_balancers.override_host", "1.2.3.4:80"),
      ...stateObject("envoy.network.proxy_protocol_options", "x"),
      ...stateObject("envoy.stream.upstream_host", "x"),
    ],
  },
  verify_signature: {
    request: [
      call("verify_signature", message({ 1: "sha256", 2: EC_PUBLIC, 3: EC_SIGNATURE, 4: "text" })),
      call("verify_signature", message({ 1: "SHA256", 2: EC_PUBLIC, 3: EC_SIGNATURE, 4: "text" })),
      call("verify_signature", message({ 1: "sha256", 2: EC_PUBLIC, 3: EC_SIGNATURE, 4: "other" })),
      call("verify_signature", message({ 1: "sha1", 2: EC_PUBLIC, 3: EC_SIGNATURE, 4: "text" })),
      call("verify_signature", message({ 1: "md5", 2: EC_PUBLIC, 3: EC_SIGNATURE, 4: "text" })),
      call("verify_signature", message({ 1: "", 2: EC_PUBLIC, 3: EC_SIGNATURE, 4: "text" })),
      call("verify_signature", message({ 1: "sha256", 2: EC_PUBLIC, 4: "text" })),
      call("verify_signature", message({ 1: "sha256", 2: GARBAGE, 3: EC_SIGNATURE, 4: "text" })),
      call("verify_signature", message({ 1: "sha256", 2: Uint8Array.of(...EC_PUBLIC, 1), 3: EC_SIGNATURE, 4: "text" })),
      call("verify_signature", message({ 1: "sha256", 3: EC_SIGNATURE, 4: "text", 5: pem("PUBLIC KEY", EC_PUBLIC) })),
      call("verify_signature", message({ 1: "sha256", 3: EC_SIGNATURE, 4: "text", 5: "no key" })),
      call("verify_signature", message({ 1: "sha256", 2: EC_PUBLIC, 5: pem("PUBLIC KEY", EC_PUBLIC) })),
      call("verify_signature", message({ 1: "sha256", 3: EC_SIGNATURE, 4: "text" })),
      call("verify_signature", message({ 1: "sha256", 2: RSA_PUBLIC, 3: EC_SIGNATURE, 4: "text" })),
      call("verify_signature", message({ 1: "sha256", 2: EC_PRIVATE, 3: EC_SIGNATURE, 4: "text" })),
      call("verify_signature"),
      call("verify_signature", GARBAGE),
    ],
  },
  sign: {
    request: [
      call("sign", message({ 1: "sha256", 2: RSA_PRIVATE, 3: "text" })),
      call("sign", message({ 1: "sha1", 2: RSA_PRIVATE, 3: "text" })),
      call("sign", message({ 1: "sha224", 2: RSA_PRIVATE, 3: "" })),
      call("sign", message({ 1: "sha384", 3: "text", 4: pem("PRIVATE KEY", RSA_PRIVATE) })),
      call("sign", message({ 1: "sha512", 2: RSA_PRIVATE, 3: "text" })),
      call("sign", message({ 1: "md5", 2: RSA_PRIVATE, 3: "text" })),
      call("sign", message({ 1: "sha256", 2: RSA_PUBLIC, 3: "text" })),
      call("sign", message({ 1: "sha256", 2: GARBAGE, 3: "text" })),
      call("sign", message({ 1: "sha256", 3: "text", 4: "no key" })),
      call("sign", message({ 1: "sha256", 2: RSA_PRIVATE, 3: "text", 4: pem("PRIVATE KEY", RSA_PRIVATE) })),
      call("sign", message({ 1: "sha256", 3: "text" })),
      call("sign"),
      call("sign", GARBAGE),
    ],
  },
  expression_tokens: {
    configure: [
      call("expr_create", "1"),
      call("expr_create", ""),
      call("expr_create", "1 +"),
      call("expr_create", "2"),
      call("expr_delete", u32(1)),
      call("expr_delete", u32(7)),
      call("expr_delete", "x"),
      call("expr_create", "3"),
      call("expr_evaluate", u32(0)),
      call("expr_evaluate", u32(1)),
      call("expr_evaluate", u32(2)),
      call("expr_evaluate", u32(3)),
      call("expr_evaluate", "x"),
      call("expr_evaluate"),
    ],
    request: [call("expr_evaluate", u32(0)), call("expr_create", "request.path"), call("expr_evaluate", u32(3))],
  },
  expression_values: expressions(
    "1",
    "1u",
    "1.5",
    "true",
    "'text'",
    "b'bytes'",
    "null",
    "[1, 'a']",
    "{'a': 1}",
    "duration('1.5s')",
    "timestamp('1970-01-01T00:00:01Z')",
    "1 + 'a'",
    "none",
    "none()",
    "1 / 0",
    "type(1)",
    "{1: 2}",
    "[]",
    "[null]",
    "'a' + 'b'",
    "size('abc')",
    "'abc'.matches('a.c')",
    "'abc'.startsWith('a') && 'abc'.contains('b')",
    "[1, 2, 3].exists(x, x > 2)",
    "[1, 2, 3].map(x, x * 2)",
    "'a' in {'a': 1}",
    "string(1) == '1'",
    "true ? 'yes' : 'no'",
    "9223372036854775807 + 1",
    "int('5')",
    "google.protobuf.StringValue{value: 'a'}",
  ),
  expression_attributes: expressionsAfter(
    [set("own", "1")],
    "request.path",
    "request.method == 'POST' && request.path.startsWith('/a')",
    "request.headers['x-two']",
    "request.headers['none']",
    "'x-two' in request.headers",
    "'none' in request.headers",
    "has(request.headers.none)",
    "has(request.path)",
    "has(request.none)",
    "has(response.code)",
    "request.none",
    "request",
    "response.code",
    "request.size",
    "request.size + 1",
    "request.total_size > 10",
    "type(request.size) == int",
    "type(connection.mtls) == bool",
    "type(connection.id) == uint",
    "source.address.startsWith('127.0.0.1:')",
    "destination.port > 0",
    "connection.mtls",
    "xds.route_name",
    "xds.node.id",
    "xds.node.metadata.text",
    "xds.node.metadata['number'] + 1.0",
    "xds.node.metadata.list[1]",
    "xds.node.metadata.nothing == null",
    "xds.node.locality.region + xds.node.locality.sub_zone",
    "xds.route_metadata.filter_metadata.ns.text",
    "xds.route_metadata.filter_metadata['ns']['text'] == 'of the route'",
    "xds.cluster_name",
    "metadata.filter_metadata",
    "'ns' in metadata.filter_metadata",
    "plugin_name + plugin_root_id + plugin_vm_id",
    "own",
    "filter_state['wasm.own']",
    "string(filter_state['wasm.own'])",
    "request.headers.exists(name, name == 'x-two')",
    "size(request.headers) > 3",
    "upstream.address",
    "upstream.request_attempt_count",
  ),
};

/** What a network filter leaves for tcp_proxy. */
const NETWORK_TOPICS: Readonly<Record<string, Commands>> = {
  l4_cluster: {
    connection: [call("set_envoy_filter_state", message({ 1: "envoy.tcp_proxy.cluster", 2: "second", 3: 2 }))],
  },
  l4_no_cluster: {
    connection: [call("set_envoy_filter_state", message({ 1: "envoy.tcp_proxy.cluster", 2: "none" }))],
  },
  l4_idle: {
    connection: [
      call("set_envoy_filter_state", message({ 1: "envoy.tcp_proxy.per_connection_idle_timeout_ms", 2: "100" })),
    ],
  },
};

const TCP_PROXY = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
const TCP_LOG = "flags=%RESPONSE_FLAGS% cluster=%UPSTREAM_CLUSTER% host=%UPSTREAM_HOST% " +
  "closed=%CONNECTION_TERMINATION_DETAILS% details=%RESPONSE_CODE_DETAILS%";

function networkListener(name: string, commands: Commands): string {
  return tcpListener(
    name,
    `${probe("network", name, commands)}- name: tcp_proxy
  typed_config:
    "@type": ${TCP_PROXY}
    stat_prefix: ${name}
    cluster: u
    access_log:
${indent(fileLog(TCP_LOG), 4)}`,
  );
}

export const wasmForeign: Group = {
  name: "wasm_foreign",
  listeners: Object.keys(TOPICS),
  upstreams: ["u", "second"],
  yaml: NODE + bootstrap([
    ...topicListeners(TOPICS),
    ...Object.entries(NETWORK_TOPICS).map(([name, commands]) => networkListener(name, commands)),
  ], CLUSTERS),
  exchanges: [
    ...topicExchanges(TOPICS),
    {
      name: "a network filter that chooses the cluster",
      listener: "l4_cluster",
      client: ["hello", { until: "second" }, "end", "closed"],
      upstreams: { second: { tcp: [{ bytes: 5 }, "from the second", "end"] } },
    },
    {
      name: "a network filter that chooses a cluster that is not there",
      listener: "l4_no_cluster",
      client: ["hello", "closed"],
    },
    {
      name: "a network filter that sets the idle timeout",
      listener: "l4_idle",
      client: ["hello", "closed"],
      upstreams: { u: { tcp: [{ bytes: 5 }, "hang"] } },
    },
  ],
};
