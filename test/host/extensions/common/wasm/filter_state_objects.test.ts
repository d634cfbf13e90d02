// test/host/extensions/common/wasm/filter_state_objects.test.ts: what objects are made of, and what is seen of them.
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  FILTER_STATE_OBJECTS,
  hasEffect,
  isFilterStateObject,
  makeFilterStateObject,
  readFilterStateObject,
} from "../../../../../host/extensions/common/wasm/filter_state_objects.ts";
import { encodeProperty } from "../../../../../host/wasm/mod.ts";

/** What an object of this text shows at a path; `-` for nothing, null when the text makes none. */
function read(name: string, text: string, ...path: string[]): string | null {
  const object = makeFilterStateObject(name, new TextEncoder().encode(text));
  if (object === null) return null;
  const value = readFilterStateObject(name, object, path);
  if (value === null) return "-";
  return value.kind === "int" ? String(value.value) : new TextDecoder().decode(encodeProperty(value)!);
}

test("texts are texts", () => {
  for (
    const name of [
      "envoy.string",
      "envoy.hashable_string",
      "envoy.tcp_proxy.cluster",
      "envoy.network.upstream_server_name",
      "envoy.network.upstream_subject_alt_names",
      "envoy.network.network_namespace",
      "envoy.upstream.dynamic_host",
    ]
  ) {
    assert.equal([read(name, "a,b"), read(name, "a,b", "x"), read(name, "")], ["a,b", "-", ""], name);
  }
  assert.is(read("envoy.network.application_protocols", "h2"), "-");
});

test("addresses have parts", () => {
  for (
    const name of [
      "envoy.network.transport_socket.original_dst_address",
      "envoy.filters.listener.original_dst.local_ip",
      "envoy.filters.listener.original_dst.remote_ip",
    ]
  ) {
    assert.equal([read(name, "1.2.3.4:80"), read(name, "1.2.3.4:80", "ip"), read(name, "[::1]:8080", "ip")], [
      "\0\0\0\0",
      "1.2.3.4",
      "::1",
    ], name);
    assert.equal([read(name, "[::1]:8080", "port"), read(name, "1.2.3.4:80", "x")], ["8080", "-"], name);
    for (const text of ["", "x", "1.2.3.4", "/pipe", "unix:/pipe", "@abstract", "1.2.3.4:70000"]) {
      assert.is(read(name, text), null, `${name} ${text}`);
    }
  }
  assert.equal([read("envoy.network.ip", "1.2.3.4"), read("envoy.network.ip", "::1")], ["1.2.3.4:0", "[::1]:0"]);
  assert.is(read("envoy.network.ip", "1.2.3.4:80"), null);
});

test("numbers and booleans", () => {
  for (const name of ["envoy.upstream.dynamic_port", "envoy.ratelimit.hits_addend"]) {
    assert.equal([read(name, "070"), read(name, "4294967295"), read(name, "4294967296"), read(name, "-1")], [
      "70",
      "4294967295",
      null,
      null,
    ], name);
  }
  const idle = "envoy.tcp_proxy.per_connection_idle_timeout_ms";
  assert.equal([read(idle, "18446744073709551615"), read(idle, "18446744073709551616"), read(idle, "")], [
    "18446744073709551615",
    null,
    null,
  ]);
  const tunneling = "envoy.tcp_proxy.disable_tunneling";
  assert.equal([read(tunneling, "true"), read(tunneling, "maybe")], ["true", "false"]);
});

test("names", () => {
  assert.ok(isFilterStateObject("envoy.string"));
  for (const name of ["", "none", "toString", "wasm.a"]) assert.not(isFilterStateObject(name), name);
  assert.equal(FILTER_STATE_OBJECTS.filter(hasEffect), [
    "envoy.tcp_proxy.cluster",
    "envoy.tcp_proxy.per_connection_idle_timeout_ms",
  ]);
});

test.run();
