// test/conformance/component/network.test.ts: a network filter as a component (Rust).
import { test } from "uvu";
import * as assert from "uvu/assert";
import { FakeConnection, type Host, queueOf, textOf } from "../../host/wasm/guest.ts";
import type { WasmNetworkFilter } from "../../../host/wasm/mod.ts";
import { host } from "./component.ts";

const CONTINUE = 0;
const STOP = 1;

function connect(on: Host): { connection: FakeConnection; filter: WasmNetworkFilter; status: number } {
  const connection = new FakeConnection();
  const filter = on.plugin.createNetworkFilter(connection)!;
  return { connection, filter, status: filter.onNewConnection!() };
}

test("bytes of both directions: passed on, replaced", async () => {
  const { filter, status } = connect(await host("rust_tcp"));
  assert.is(status, CONTINUE);
  const plain = queueOf("as it is");
  assert.is(filter.onDownstreamData!(plain, false), CONTINUE);
  assert.is(textOf(plain), "as it is");
  const upper = queueOf("upper case");
  assert.is(filter.onDownstreamData!(upper, false), CONTINUE);
  assert.is(textOf(upper), "UPPER CASE");
  const answer = queueOf("answer");
  assert.is(filter.onUpstreamData!(answer, false), CONTINUE);
  assert.is(textOf(answer), "> answer");
});

test("a pause keeps the bytes until more have come", async () => {
  const { filter } = connect(await host("rust_tcp"));
  const data = queueOf("line one");
  assert.is(filter.onDownstreamData!(data, false), STOP);
  data.push(new TextEncoder().encode(" more\n"));
  assert.is(filter.onDownstreamData!(data, false), CONTINUE);
  assert.is(textOf(data), "line one more\n");
});

test("a pause that control ends", async () => {
  const on = await host("rust_tcp", "tick");
  const { connection, filter } = connect(on);
  assert.is(filter.onDownstreamData!(queueOf("wait"), false), STOP);
  assert.equal(connection.events, []);
  on.env.clock.advance(100);
  assert.equal(connection.events, ["continueReading"]);
});

test("the filter closes: at the beginning, on data, by control", async () => {
  const refused = connect(await host("rust_tcp", "close"));
  assert.is(refused.status, STOP);
  assert.equal(refused.connection.events, ["close flush_write wasm_downstream_close"]);
  assert.is(connect(await host("rust_tcp", "pause")).status, STOP);
  for (const word of ["close", "reset"]) {
    const { connection, filter } = connect(await host("rust_tcp"));
    filter.onDownstreamData!(queueOf(word), false);
    assert.equal(connection.events, ["close flush_write wasm_downstream_close"], word);
  }
});

test("the end of a connection, told with who ended it", async () => {
  const on = await host("rust_tcp");
  const { filter } = connect(on);
  filter.onDownstreamClose!(2);
  filter.onDestroy!();
  assert.ok(on.env.texts(2).includes("closed by Peer::Remote"), on.env.texts(2).join("\n"));
  assert.is(on.plugin.status().streams, 0);
});

test("a trap: the connection is closed, or goes on without the filter", async () => {
  const closed = connect(await host("rust_tcp"));
  assert.is(closed.filter.onDownstreamData!(queueOf("trap"), false), STOP);
  assert.equal(closed.connection.events, ["close flush_write wasm_fail_stream"]);
  const open = connect(await host("rust_tcp", "", { failurePolicy: "FAIL_OPEN" }));
  const data = queueOf("trap");
  assert.is(open.filter.onDownstreamData!(data, false), CONTINUE);
  assert.is(textOf(data), "trap");
  assert.equal(open.connection.events, []);
});

test.run();
