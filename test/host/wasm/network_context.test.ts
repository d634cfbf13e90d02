// test/host/wasm/network_context.test.ts: the callbacks of a connection.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { FakeConnection, guest, Host, i32, note, out, queueOf, s, textOf } from "./guest.ts";

const ORDER = {
  proxy_on_context_create: "(call $note (i32.add (i32.const 100) (local.get $a)))",
  proxy_on_new_connection: "(call $note (i32.const 1)) (i32.const 0)",
  proxy_on_downstream_data:
    "(call $note (i32.const 2)) (call $note (local.get $a)) (call $note (local.get $b)) (i32.const 0)",
  proxy_on_upstream_data:
    "(call $note (i32.const 3)) (call $note (local.get $a)) (call $note (local.get $b)) (i32.const 0)",
  proxy_on_downstream_connection_close: "(call $note (i32.const 4)) (call $note (local.get $a))",
  proxy_on_upstream_connection_close: "(call $note (i32.const 5)) (call $note (local.get $a))",
  proxy_on_done: "(call $note (i32.const 7)) (i32.const 1)",
  proxy_on_log: "(call $note (i32.const 8))",
  proxy_on_delete: "(call $note (i32.const 9))",
};

test("a whole connection", async () => {
  const host = new Host(await guest({ callbacks: ORDER }));
  host.notes();
  const filter = host.plugin.createNetworkFilter(new FakeConnection())!;
  assert.is(filter.onNewConnection!(), 0);
  assert.is(filter.onDownstreamData!(queueOf("abc"), false), 0);
  assert.is(filter.onUpstreamData!(queueOf(""), true), 0);
  filter.onUpstreamClose!(2);
  filter.onUpstreamClose!(2);
  filter.onDownstreamClose!(1);
  filter.onDownstreamClose!(2);
  filter.onDone!();
  filter.onLog!();
  filter.onDestroy!();
  filter.onDestroy!();
  assert.equal(host.notes(), [101, 1, 2, 3, 0, 3, 0, 1, 5, 2, 4, 1, 7, 8, 9]);
  assert.is(host.plugin.root.streamCount, 0);
});

test("Envoy takes the end of upstream data for the upstream's close", async () => {
  const host = new Host(await guest({ callbacks: ORDER }), { compat: "envoy" });
  const filter = host.plugin.createNetworkFilter(new FakeConnection())!;
  filter.onNewConnection!();
  host.notes();
  filter.onUpstreamData!(queueOf("x"), true);
  filter.onUpstreamClose!(2);
  assert.equal(host.notes(), [3, 1, 1, 5, 0]);
});

test("methods without a callback are absent", async () => {
  const host = new Host(await guest({ callbacks: { proxy_on_downstream_data: "(i32.const 0)" } }));
  const filter = host.plugin.createNetworkFilter(new FakeConnection())!;
  assert.type(filter.onDownstreamData, "function");
  for (const name of ["onUpstreamData", "onDownstreamClose", "onUpstreamClose", "onDone", "onLog"] as const) {
    assert.is(filter[name], undefined, name);
  }
});

test("pause, edit and resume, both directions", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_vm_start: "(drop (call $proxy_set_tick_period_milliseconds (i32.const 1))) (i32.const 1)",
        proxy_on_new_connection: "(global.set $stream (local.get $id)) (i32.const 1)",
        proxy_on_downstream_data: `${note("proxy_set_buffer_bytes", i32(2, 0, 1), s("J"))} (i32.const 1)`,
        proxy_on_upstream_data: `${note("proxy_get_buffer_bytes", i32(3, 0, 99), out)} ${
          note("proxy_continue_stream", i32(3))
        } (i32.const 1)`,
        proxy_on_tick: `(drop (call $proxy_set_effective_context (global.get $stream))) ${
          note("proxy_continue_stream", i32(2))
        }
          ${note("proxy_continue_stream", i32(3))}`,
      },
      fields: "(global $stream (mut i32) (i32.const 0))",
    }),
  );
  const connection = new FakeConnection();
  const filter = host.plugin.createNetworkFilter(connection)!;
  assert.is(filter.onNewConnection!(), 1);
  host.env.clock.advance(1);
  assert.equal(connection.events, ["continueReading"]);
  const data = queueOf("hello");
  assert.is(filter.onDownstreamData!(data, false), 1);
  assert.is(textOf(data), "Jello");
  host.env.clock.advance(1);
  assert.equal(connection.events, ["continueReading", "continueReading"]);
  assert.is(filter.onUpstreamData!(queueOf("up"), false), 0);
  assert.is(host.result(), "up");
});

test("closing, after the call", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_downstream_data: `${note("proxy_close_stream", i32(2))} ${note("proxy_close_stream", i32(3))} ${
          note("proxy_close_stream", i32(0))
        } (i32.const 1)`,
      },
    }),
  );
  const connection = new FakeConnection();
  host.plugin.createNetworkFilter(connection)!.onDownstreamData!(queueOf("x"), false);
  assert.equal(host.notes(), [0, 0, 0]);
  assert.equal(connection.events, ["close flush_write wasm_downstream_close", "close flush_write wasm_upstream_close"]);
});

const TRAPPING = { callbacks: { proxy_on_new_connection: "(i32.const 1)", proxy_on_downstream_data: "unreachable" } };

test("a trap closes the connection and those that wait", async () => {
  const host = new Host(await guest(TRAPPING));
  const [waiting, trapping, later] = [new FakeConnection(), new FakeConnection(), new FakeConnection()];
  host.plugin.createNetworkFilter(waiting!)!.onNewConnection!();
  const filter = host.plugin.createNetworkFilter(trapping!)!;
  assert.is(filter.onDownstreamData!(queueOf("x"), false), 1);
  assert.is(filter.onDownstreamData!(queueOf("x"), false), 1);
  assert.is(host.plugin.createNetworkFilter(later!)!.onNewConnection!(), 1);
  for (const connection of [waiting, trapping, later]) {
    assert.equal(connection!.events, ["close flush_write wasm_fail_stream"]);
  }
});

test("a trap with FAIL_OPEN lets the bytes pass", async () => {
  const host = new Host(await guest(TRAPPING), { failurePolicy: "FAIL_OPEN" });
  const [waiting, trapping] = [new FakeConnection(), new FakeConnection()];
  host.plugin.createNetworkFilter(waiting!)!.onNewConnection!();
  assert.is(host.plugin.createNetworkFilter(trapping!)!.onDownstreamData!(queueOf("x"), false), 0);
  assert.equal(waiting!.events, ["continueReading"]);
  assert.equal(trapping!.events, []);
  assert.is(host.plugin.createNetworkFilter(trapping!), null);
});

test.run();
