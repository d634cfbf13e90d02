// test/host/extensions/common/wasm/foreign_functions/state.test.ts: declare_property, set_envoy_filter_state.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { connectionInfo, HttpStream, TcpStream } from "../streams.ts";
import { Caller, message, Status } from "./fake_call.ts";

test("declarations with their types and spans; what is unknown is the default", () => {
  const caller = new Caller();
  const types = ["bytes", "string", "flatbuffers", "protobuf", "bytes"];
  const spans = ["filter_chain", "request", "connection", "filter_chain", "filter_chain"];
  for (const number of [0, 1, 2, 3, 4]) {
    const args = message({ 1: `p${number}`, 2: number % 2, 3: number, 4: "schema", 5: number });
    assert.is(caller.call("declare_property", args), Status.Ok);
    assert.equal(caller.declarations.get(`p${number}`), {
      readOnly: number % 2 === 1,
      type: types[number],
      schema: new TextEncoder().encode("schema"),
      span: spans[number],
    });
  }
  assert.is(caller.call("declare_property", message({})), Status.Ok);
  assert.ok(caller.declarations.has(""));
});

test("a second declaration, and arguments that are no message, are refused", () => {
  const caller = new Caller();
  caller.call("declare_property", message({ 1: "p" }));
  assert.is(caller.call("declare_property", message({ 1: "p" })), Status.BadArgument);
  assert.is(caller.call("declare_property", Uint8Array.of(255)), Status.BadArgument);
  assert.is(caller.call("declare_property", Uint8Array.of(0x0a, 1, 255)), Status.BadArgument);
  caller.stream = new HttpStream();
  assert.is(caller.call("declare_property", message({ 1: "q" })), Status.Ok);
  assert.match(caller.explained.at(-1)!, /outside of streams/);
});

const CLUSTER = "envoy.tcp_proxy.cluster";

test("objects go to the stream, or to its connection", () => {
  const caller = new Caller();
  const stream = new HttpStream();
  caller.stream = stream;
  const value = (): string | null => {
    const object = stream.info.findFilterState(CLUSTER);
    return object === null ? null : new TextDecoder().decode(object.value);
  };
  for (const span of [0, 1]) {
    assert.is(caller.call("set_envoy_filter_state", message({ 1: CLUSTER, 2: `c${span}`, 3: span })), Status.Ok);
    assert.is(value(), `c${span}`);
    assert.is(stream.info.connection.filterState, undefined);
  }
  stream.info.filterState.clear();
  assert.is(caller.call("set_envoy_filter_state", message({ 1: CLUSTER, 2: "wide", 3: 2 })), Status.Ok);
  assert.equal([value(), stream.info.hasFilterState], ["wide", false]);

  const connection = connectionInfo();
  caller.stream = new TcpStream(connection);
  caller.call("set_envoy_filter_state", message({ 1: CLUSTER, 2: "l4" }));
  assert.is(new TextDecoder().decode(connection.filterState!.get(CLUSTER)!.value), "l4");
  assert.equal(caller.explained, []);
});

test("objects that are none, values that make none, plugins without a stream", () => {
  const caller = new Caller();
  assert.is(caller.call("set_envoy_filter_state", message({ 1: CLUSTER, 2: "c" })), Status.NotFound);
  caller.stream = new HttpStream();
  assert.is(caller.call("set_envoy_filter_state", message({ 1: "none", 2: "c" })), Status.NotFound);
  assert.is(caller.call("set_envoy_filter_state", message({ 1: "wasm.own", 2: "c" })), Status.NotFound);
  assert.is(caller.call("set_envoy_filter_state"), Status.NotFound);
  assert.is(caller.call("set_envoy_filter_state", Uint8Array.of(255)), Status.BadArgument);
  const port = "envoy.upstream.dynamic_port";
  assert.is(caller.call("set_envoy_filter_state", message({ 1: port, 2: "x" })), Status.BadArgument);
  assert.is(caller.call("set_envoy_filter_state", message({ 1: port, 2: "80" })), Status.Ok);
  assert.match(caller.explained.at(-1)!, /no filter here acts on it/);
});

test("clear_route_cache", () => {
  const caller = new Caller();
  assert.is(caller.call("clear_route_cache", "anything"), Status.Ok);
  assert.is(caller.routeCacheClears, 1);
});

test.run();
