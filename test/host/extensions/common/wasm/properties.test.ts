// test/host/extensions/common/wasm/properties.test.ts: every attribute with its type, and when it is there.
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { FOREIGN_FUNCTIONS as FOREIGN_ROWS, PROPERTIES } from "../../../../../abi/mod.ts";
import { FILTER_STATE_OBJECTS } from "../../../../../host/extensions/common/wasm/filter_state_objects.ts";
import { FOREIGN_FUNCTIONS } from "../../../../../host/extensions/common/wasm/foreign_functions/mod.ts";
import { HeaderMap } from "../../../../../host/http/header_map.ts";
import { type FilterMetadata, filterMetadata } from "../../../../../host/observe/stream_info.ts";
import { type ClusterFacts, StreamProperties } from "../../../../../host/extensions/common/wasm/properties.ts";
import { encodeProperty, type PropertyDeclaration, type StreamPort } from "../../../../../host/wasm/mod.ts";
import { connectionInfo, HttpStream, TcpStream, TLS, upstreamInfo } from "./streams.ts";

const NODE = { id: "n", cluster: "nc", region: "r", zone: "z", subZone: "", metadata: { a: ["x", 2, { b: null }] } };
const CLUSTERS: Readonly<Record<string, ClusterFacts>> = {
  known: { metadata: filterMetadata({ ns: { of: "known" } }), endpointCount: 4 },
};
const properties = new StreamProperties({ current: NODE }, (name) => CLUSTERS[name] ?? null);

/** `kind value`, or `-` for nothing. */
function show(stream: StreamPort | null, path: string): string {
  const value = properties.get(stream, path.split("/"));
  if (value === null) return "-";
  switch (value.kind) {
    case "opaque":
    case "null":
      return value.kind;
    case "latin1":
      return `string ${value.value}`;
    case "string":
    case "int":
    case "uint":
    case "double":
    case "bool":
    case "duration":
    case "timestamp":
      return `${value.kind} ${value.value}`;
    case "bytes":
      return `bytes ${value.value.toHex()}`;
    default: {
      const bytes = encodeProperty(value);
      return bytes === null ? value.kind : `${value.kind} ${bytes.toHex()}`;
    }
  }
}

function check(stream: StreamPort | null, rows: Readonly<Record<string, string>>): void {
  for (const [path, expected] of Object.entries(rows)) assert.is(show(stream, path), expected, path);
}

function metadata(of: string): FilterMetadata {
  return filterMetadata({ ns: { of } });
}

test("request", () => {
  const stream = new HttpStream();
  stream.info.protocol = "HTTP/1.1";
  stream.info.bytesReceived = 10;
  const bytes = stream.requestHeaders!.byteSize;
  check(stream, {
    "request": "opaque",
    "request/path": "string /a?b=c#d",
    "request/url_path": "string /a",
    "request/query": "string b=c",
    "request/host": "string a.example",
    "request/scheme": "string https",
    "request/method": "string POST",
    "request/referer": "-",
    "request/useragent": "-",
    "request/id": "-",
    "request/protocol": "string HTTP/1.1",
    "request/headers/x-two": "string 1,2",
    "request/headers/X-TWO": "string 1,2",
    "request/headers/none": "-",
    "request/headers/x-two/more": "-",
    "request/headers_bytes": `int ${bytes}`,
    "request/total_size": `int ${bytes + 10}`,
    "request/size": "int 10",
    "request/time": "timestamp 5000000000",
    "request/duration": "-",
    "request/path/more": "-",
    "request/none": "-",
    "none": "-",
    "__proto__": "-",
  });
  stream.info.endMs = 1001.5;
  stream.requestHeaders = HeaderMap.of({ "content-length": "123456789012345678", "x-request-id": "i" });
  check(stream, {
    "request/size": "int 123456789012345678",
    "request/duration": "duration 1500000",
    "request/path": "-",
    "request/url_path": "string ",
    "request/query": "string ",
    "request/id": "string i",
  });
  stream.requestHeaders = HeaderMap.of({ "content-length": "x" });
  check(stream, { "request/size": "-" });
  stream.requestHeaders = null;
  check(stream, {
    "request/headers": "map 00000000",
    "request/headers/a": "-",
    "request/query": "-",
    "request/size": "int 10",
    "request/headers_bytes": "int 0",
  });
});

test("response", () => {
  const stream = new HttpStream();
  check(stream, {
    "response": "opaque",
    "response/code": "-",
    "response/code_details": "-",
    "response/flags": "int 0",
    "response/grpc_status": "-",
    "response/headers": "map 00000000",
    "response/headers/a": "-",
    "response/trailers": "map 00000000",
    "response/headers_bytes": "int 0",
    "response/size": "int 0",
    "response/total_size": "int 0",
    "response/backend_latency": "-",
  });
  stream.responseHeaders = HeaderMap.of({ a: "b" });
  stream.responseTrailers = HeaderMap.of({ t: "u" });
  stream.info.responseCode = 503;
  stream.info.responseCodeDetails = "no_healthy_upstream";
  stream.info.bytesSent = 5;
  stream.info.setFlag("UH");
  stream.info.setFlag("NR");
  stream.info.upstream = upstreamInfo();
  check(stream, {
    "response/code": "int 503",
    "response/code_details": "string no_healthy_upstream",
    "response/flags": `int ${2 + 256}`,
    "response/grpc_status": "int 14",
    "response/headers/a": "string b",
    "response/trailers/t": "string u",
    "response/headers_bytes": "int 2",
    "response/size": "int 5",
    "response/total_size": "int 9",
    "response/backend_latency": "duration 2500000",
  });
  for (const [status, expected] of [["5", 5], ["16", 16], ["17", -1], ["x", -1]] as const) {
    stream.responseTrailers = HeaderMap.of({ "grpc-status": status });
    check(stream, { "response/grpc_status": `int ${expected}` });
  }
});

test("source, destination, connection", () => {
  const stream = new HttpStream();
  check(stream, {
    "source/address": "string 10.0.0.2:1234",
    "source/port": "int 1234",
    "destination/address": "string 10.0.0.1:80",
    "destination/port": "int 80",
    "destination/none": "-",
    "connection/id": "uint 7",
    "connection_id": "uint 7",
    "connection_id/x": "-",
    "connection/mtls": "bool false",
    "connection/requested_server_name": "string ",
    "connection/tls_version": "-",
    "connection/peer_certificate_valid": "-",
    "connection/termination_details": "-",
    "connection/transport_failure_reason": "-",
    "connection/none": "-",
  });
  const pipe = { address: "/sock", port: 0, text: "/sock" };
  const secure = new HttpStream({
    localAddress: pipe,
    tls: TLS,
    requestedServerName: "s.example",
    terminationDetails: "t",
    transportFailureReason: "f",
  });
  check(secure, {
    "destination/address": "string /sock",
    "destination/port": "-",
    "connection/mtls": "bool true",
    "connection/requested_server_name": "string s.example",
    "connection/tls_version": "string TLSv1.3",
    "connection/peer_certificate_valid": "bool true",
    "connection/subject_peer_certificate": "string CN=peer",
    "connection/subject_local_certificate": "string CN=local",
    "connection/uri_san_peer_certificate": "string spiffe://peer",
    "connection/uri_san_local_certificate": "string spiffe://local",
    "connection/dns_san_peer_certificate": "string peer.example",
    "connection/dns_san_local_certificate": "-",
    "connection/sha256_peer_certificate_digest": "string ab",
    "connection/peer_certificate": "string -----BEGIN%20CERTIFICATE-----%0AMII%3D%0A",
    "connection/termination_details": "string t",
    "connection/transport_failure_reason": "string f",
  });
});

test("upstream, before and after a host was chosen", () => {
  const stream = new HttpStream();
  stream.info.clusterName = "known";
  check(stream, {
    "upstream": "opaque",
    "upstream/address": "-",
    "upstream/request_attempt_count": "uint 0",
    "upstream/num_endpoints": "uint 4",
    "upstream/transport_failure_reason": "-",
    "upstream/locality": "-",
    "upstream_filter_state": "-",
  });
  stream.info.clusterName = "gone";
  check(stream, { "upstream/num_endpoints": "-" });
  stream.info.attemptCount = 2;
  stream.info.upstream = upstreamInfo({
    connection: connectionInfo({ tls: TLS, requestedServerName: "up.example" }),
    locality: { region: "r", zone: "", subZone: "s" },
  });
  check(stream, {
    "upstream/address": "string 10.1.0.1:8080",
    "upstream/port": "int 8080",
    "upstream/local_address": "string 10.0.0.1:5000",
    "upstream/local_port": "int 5000",
    "upstream/server_name": "string up.example",
    "upstream/transport_failure_reason": "string ",
    "upstream/request_attempt_count": "uint 2",
    "upstream/num_endpoints": "uint 3",
    "upstream/cx_pool_ready_duration": "duration 2000000",
    "upstream/locality": "message 0a01721a0173",
    "upstream/locality/region": "string r",
    "upstream/locality/zone": "string ",
    "upstream/locality/none": "-",
    "upstream/tls_version": "string TLSv1.3",
    "upstream/uri_san_peer_certificate": "string spiffe://peer",
    "upstream/none": "-",
    "upstream_filter_state": "opaque",
    "upstream_filter_state/x": "-",
  });
});

test("xds, its old names, and metadata", () => {
  const stream = new HttpStream();
  const { info } = stream;
  check(stream, {
    "xds": "opaque",
    "xds/none": "-",
    "xds/cluster_name": "-",
    "xds/cluster_metadata": "-",
    "xds/route_name": "-",
    "xds/route_metadata": "-",
    "xds/virtual_host_name": "-",
    "xds/virtual_host_metadata": "-",
    "xds/filter_chain_name": "string ",
    "xds/listener_metadata": "-",
    "xds/listener_direction": "int 0",
    "xds/upstream_host_metadata": "-",
    "metadata": "message ",
    "metadata/filter_metadata": "map 00000000",
    "metadata/filter_metadata/ns": "-",
  });
  info.clusterName = "known";
  info.routeName = "r";
  info.routeMetadata = metadata("route");
  info.virtualHostName = "v";
  info.virtualHostMetadata = metadata("host");
  info.filterChainName = "f";
  info.listenerMetadata = metadata("listener");
  info.trafficDirection = "OUTBOUND";
  info.mergeDynamicMetadata("ns", { n: 1.5, list: ["a"] });
  check(stream, {
    "xds/cluster_name": "string known",
    "xds/cluster_metadata/filter_metadata/ns/of": "string known",
    "xds/route_name": "string r",
    "xds/route_metadata/filter_metadata/ns/of": "string route",
    "xds/route_metadata/filter_metadata/ns": "map 0100000002000000050000006f6600726f75746500",
    "xds/route_metadata/typed_filter_metadata": "map 00000000",
    "xds/route_metadata/none": "-",
    "xds/virtual_host_name": "string v",
    "xds/virtual_host_metadata/filter_metadata/ns/of": "string host",
    "xds/filter_chain_name": "string f",
    "xds/listener_metadata/filter_metadata/ns/of": "string listener",
    "xds/listener_direction": "int 2",
    "metadata/filter_metadata/ns/n": "double 1.5",
    "metadata/filter_metadata/ns/list/0": "string a",
    "metadata/filter_metadata/ns/list/1": "-",
    "metadata/filter_metadata/ns/list/x": "-",
    "cluster_name": "string known",
    "route_name": "string r",
    "route_metadata/filter_metadata/ns/of": "string route",
    "listener_direction": "int 2",
    "node/id": "string n",
  });
  info.upstream = upstreamInfo({
    clusterMetadata: metadata("upstream"),
    hostMetadata: metadata("endpoint"),
    localityMetadata: metadata("locality"),
  });
  check(stream, {
    "xds/cluster_metadata/filter_metadata/ns/of": "string upstream",
    "xds/upstream_host_metadata/filter_metadata/ns/of": "string endpoint",
    "xds/upstream_host_locality_metadata/filter_metadata/ns/of": "string locality",
    "upstream_host_metadata/filter_metadata/ns/of": "string endpoint",
  });
});

test("every row of the ABI's table has its type on a stream that has everything", () => {
  const certificates = { ...TLS, dnsSanLocalCertificate: ["local.example"] };
  const stream = new HttpStream({ tls: certificates, terminationDetails: "t", transportFailureReason: "f" });
  const { info } = stream;
  stream.requestHeaders!.add("referer", "r");
  stream.requestHeaders!.add("user-agent", "u");
  stream.requestHeaders!.add("x-request-id", "i");
  stream.responseHeaders = HeaderMap.of({ a: "b" });
  stream.responseTrailers = HeaderMap.of({ a: "b" });
  Object.assign(info, { protocol: "HTTP/1.1", endMs: 2000, responseCode: 200, responseCodeDetails: "d" });
  Object.assign(info, { clusterName: "known", routeMetadata: metadata("r"), virtualHostMetadata: metadata("v") });
  info.listenerMetadata = metadata("l");
  info.upstream = upstreamInfo({
    connection: connectionInfo({ tls: certificates, requestedServerName: "s" }),
    locality: { region: "r", zone: "", subZone: "" },
    hostMetadata: metadata("h"),
    localityMetadata: metadata("p"),
  });
  const kinds: Readonly<Record<string, string>> = { latin1: "string", headers: "map" };
  for (const { path, type, withoutStream } of PROPERTIES) {
    if (path.startsWith("plugin_") || path.includes("**")) continue;
    const segments = path.replace("*", "a").split(".");
    if (path === "request.headers.*") segments[2] = "x-two";
    const value = properties.get(stream, segments);
    assert.ok(value !== null, path);
    assert.is(kinds[value!.kind] ?? value!.kind, type, path);
    assert.is(properties.get(null, segments) !== null, withoutStream === true, path);
  }
});

test("the reference page names all there is", () => {
  const page = readFileSync(new URL("../../../../../docs/reference/properties.md", import.meta.url), "utf8");
  const paths = PROPERTIES.map(({ path }) => path.replace(/\.\*+$/, "")).filter((path) => !path.includes("*"));
  for (const name of [...paths, ...FOREIGN_FUNCTIONS.keys(), ...FILTER_STATE_OBJECTS]) {
    assert.ok(page.includes(`\`${name}`), name);
  }
  assert.equal([...FOREIGN_FUNCTIONS.keys()].sort(), FOREIGN_ROWS.map(({ name }) => name).sort());
});

test("a plugin's own context knows the node alone", () => {
  check(null, {
    "xds": "opaque",
    "xds/node/id": "string n",
    "xds/node/cluster": "string nc",
    "xds/node/locality/region": "string r",
    "xds/node/locality": "message 0a017212017a",
    "xds/node/metadata/a/0": "string x",
    "xds/node/metadata/a/1": "double 2",
    "xds/node/metadata/a/2/b": "null",
    "xds/node/metadata": "map",
    "xds/node/user_agent_name": "string envoy",
    "xds/node/client_features": "list 00000000",
    "xds/node/none": "-",
    "node/id": "string n",
    "xds/route_name": "-",
    "request": "-",
    "request/path": "-",
    "route_name": "-",
    "connection/id": "-",
  });
});

test("a connection without HTTP", () => {
  const stream = new TcpStream();
  stream.info.bytesReceived = 4;
  check(stream, {
    "request": "opaque",
    "request/path": "-",
    "request/headers": "map 00000000",
    "request/size": "int 4",
    "request/total_size": "int 4",
    "request/time": "timestamp 5000000000",
    "request/protocol": "-",
    "response/code": "-",
    "response/trailers": "map 00000000",
    "connection/id": "uint 7",
    "source/port": "int 1234",
    "xds/route_name": "-",
  });
});

const BYTES = (text: string): Uint8Array => new TextEncoder().encode(text);

function declared(changes: Partial<PropertyDeclaration> = {}): PropertyDeclaration {
  return { readOnly: false, type: "bytes", schema: BYTES(""), span: "filter_chain", ...changes };
}

/** A property as it is read by its own name, and as an object of the filter state. */
function state(stream: StreamPort, name: string, ...path: string[]): string[] {
  const own = properties.getState(stream, `wasm.${name}`, path);
  const bytes = own === null ? null : encodeProperty(own);
  return [
    bytes === null ? "-" : new TextDecoder().decode(bytes),
    show(stream, ["filter_state", `wasm.${name}`, ...path].join("/")),
  ];
}

test("what guests set is theirs, and hides old names of attributes", () => {
  const stream = new HttpStream();
  assert.ok(properties.setState(stream, "wasm.a", BYTES("1"), null));
  assert.equal(state(stream, "a"), ["1", "bytes 31"]);
  assert.equal(state(stream, "a", "x"), ["-", "-"]);
  assert.equal(state(stream, "b"), ["-", "-"]);
  check(stream, { "filter_state": "opaque", "filter_state/none": "-", "node/id": "string n" });
  assert.ok(properties.setState(stream, "wasm.node", BYTES("mine"), null));
  check(stream, { "node/id": "-", "node": "-" });
});

test("a declaration says whether a property changes, what it is and for how long", () => {
  const first = new HttpStream();
  const once = declared({ readOnly: true });
  assert.equal([1, 2].map((each) => properties.setState(first, "wasm.once", BYTES(String(each)), once)), [true, false]);
  assert.equal(state(first, "once"), ["1", "bytes 31"]);

  properties.setState(first, "wasm.text", BYTES("t"), declared({ type: "string" }));
  assert.equal(state(first, "text"), ["t", "string t"]);

  const wide = declared({ span: "connection" });
  properties.setState(first, "wasm.wide", BYTES("1"), wide);
  const second = new HttpStream();
  second.info.connection.filterState = first.info.connection.filterState!;
  assert.equal(state(second, "wide"), ["1", "bytes 31"]);
  assert.equal(state(second, "text"), ["-", "-"]);
  // It stays with the connection, whoever sets it.
  properties.setState(second, "wasm.wide", BYTES("2"), null);
  assert.equal(state(first, "wide"), ["2", "bytes 32"]);
});

test("what a network filter sets is seen by the requests of the connection", () => {
  const connection = connectionInfo();
  const tcp = new TcpStream(connection);
  properties.setState(tcp, "wasm.a", BYTES("1"), null);
  const http = new HttpStream();
  http.info.connection.filterState = connection.filterState!;
  assert.equal(state(http, "a"), ["1", "bytes 31"]);
});

test("properties that are messages can be looked into", () => {
  const stream = new HttpStream();
  const type = (name: string): PropertyDeclaration =>
    declared({ type: "protobuf", schema: BYTES(`type.googleapis.com/${name}`) });
  // { a: { b: "c" } }
  const struct = Uint8Array.fromHex("0a110a0161120c2a0a0a080a016212031a0163");
  properties.setState(stream, "wasm.m", struct, type("google.protobuf.Struct"));
  assert.is(state(stream, "m", "a", "b")[0], "c");
  assert.is(state(stream, "m", "a", "b")[1], "string c");
  assert.equal(state(stream, "m", "none"), ["-", "-"]);
  assert.equal(properties.getState(stream, "wasm.m", []), { kind: "bytes", value: struct });
  properties.setState(stream, "wasm.unknown", BYTES("x"), type("none.None"));
  assert.equal(state(stream, "unknown"), ["x", "opaque"]);
  assert.equal(state(stream, "unknown", "x"), ["-", "-"]);
  properties.setState(stream, "wasm.broken", Uint8Array.of(0x0a, 99), type("google.protobuf.Struct"));
  assert.equal(state(stream, "broken", "a"), ["-", "-"]);
});

test.run();
