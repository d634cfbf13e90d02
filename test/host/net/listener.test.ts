// test/host/net/listener.test.ts: listeners on real sockets: limits, successors, shared ports, listener filters.
import { existsSync, mkdtempSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../host/base/clock.ts";
import { holdBind, probeBind } from "../../../host/net/bind.ts";
import { ipAddress } from "../../../host/net/address.ts";
import type { SocketConnection } from "../../../host/net/connection.ts";
import { CountedConnectionLimit } from "../../../host/net/connection_limit.ts";
import { CloseType } from "../../../host/net/filter.ts";
import { type FilterChain, Listener } from "../../../host/net/listener.ts";
import { type AcceptedSocket, type ListenerFilter, ListenerFilterStatus } from "../../../host/net/listener_filter.ts";
import { type ListenAddressPlan, MATCH_ANY } from "../../../host/net/plan.ts";
import { rawBufferServer, type ServerTransport } from "../../../host/net/transport.ts";
import { LocalCount } from "../../../host/upstream/circuit_breaker.ts";
import { bytesOf, chainPlan, dial, listenerPlan, Recorder, RecordingStats, TestListener } from "./support.ts";

async function client(listener: TestListener): Promise<{ connection: SocketConnection; events: Recorder }> {
  const connection = await dial(listener.address());
  const events = new Recorder();
  connection.setHandler(events);
  return { connection, events };
}

function chain(name: string, match = MATCH_ANY): FilterChain {
  return { plan: chainPlan(name, { match }), transport: rawBufferServer };
}

test("port 0 becomes a real one, and connections are counted", async () => {
  const worker = new RecordingStats();
  const l = await new TestListener({ workerStats: worker }).start();
  assert.ok(l.address().port > 0);
  const one = await client(l);
  const { connection } = await l.accept();
  assert.is(l.listener.activeCount, 1);
  assert.equal([...l.listener.connections], [connection]);
  assert.is(l.stats.get("downstream_cx_active"), 1);
  assert.is(worker.get("downstream_cx_active"), 1);
  connection.setHandler(new Recorder());
  connection.close(CloseType.NoFlush);
  await one.events.closed();
  assert.is(l.stats.get("downstream_cx_total"), 1);
  assert.is(l.stats.get("downstream_cx_destroy"), 1);
  assert.is(l.stats.get("downstream_cx_active"), 0);
  assert.is(l.stats.get("downstream_cx_length_ms"), 1);
  assert.is(worker.get("downstream_cx_total"), 1);
  assert.is(worker.get("downstream_cx_active"), 0);
  l.close();
});

test("over the connection limit: closed at once and counted", async () => {
  const l = await new TestListener({ connectionLimit: new CountedConnectionLimit({ current: 1 }, new LocalCount()) })
    .start();
  const one = await client(l);
  const { connection } = await l.accept();
  connection.setHandler(new Recorder());
  const two = await client(l);
  await two.events.closed();
  assert.is(l.stats.get("downstream_cx_overflow"), 1);
  assert.is(l.stats.get("downstream_cx_total"), 1);
  connection.close(CloseType.NoFlush);
  await one.events.closed();
  const three = await client(l);
  await l.accept();
  assert.is(l.stats.get("downstream_cx_total"), 2);
  three.connection.close(CloseType.NoFlush);
  l.close();
});

test("the global limit is given back as well", async () => {
  let open = 0;
  const globalConnectionLimit = { tryAcquire: () => open < 1 && ++open > 0, release: () => void open-- };
  const l = await new TestListener({ globalConnectionLimit }).start();
  const one = await client(l);
  const { connection } = await l.accept();
  connection.setHandler(new Recorder());
  const two = await client(l);
  await two.events.closed();
  assert.is(l.stats.get("downstream_global_cx_overflow"), 1);
  connection.close(CloseType.NoFlush);
  await one.events.closed();
  assert.is(open, 0);
  l.close();
});

test("no filter chain matches: closed and counted, unless there is a default chain", async () => {
  const plan = listenerPlan({
    filterChains: [chainPlan("tls", { match: { ...MATCH_ANY, transportProtocol: "tls" } })],
  });
  const l = await new TestListener({ plan }).start();
  const one = await client(l);
  await one.events.closed();
  assert.is(l.stats.get("no_filter_chain_match"), 1);
  assert.is(l.stats.get("downstream_cx_total"), 0);
  l.close();
  const other = await new TestListener({ plan, filterChains: [chain("tls")], defaultFilterChain: chain("fallback") })
    .start();
  const two = await client(other);
  assert.is((await other.accept()).chain.plan.name, "fallback");
  two.connection.close(CloseType.NoFlush);
  other.close();
});

test("a listener takes the sockets of the one before over; that one keeps its connections", async () => {
  const before = await new TestListener().start();
  const one = await client(before);
  const first = await before.accept();
  const { port } = before.address();
  const [address] = before.listener.plan.addresses as [ListenAddressPlan];
  const after = new TestListener({
    plan: listenerPlan({ addresses: [{ ...address, port }, address], filterChains: [chainPlan("new")] }),
    filterChains: [chain("new")],
  });
  const result = await after.listener.listen([before.listener]);
  assert.ok(result.ok);
  assert.is(result.addresses[0]!.port, port);
  assert.is.not(result.addresses[1]!.port, port, "port 0 is one more");
  const two = await client(before);
  assert.is((await before.accept()).chain.plan.name, "only", "nothing changed so far");

  after.listener.takeOver();
  const third = await dial(before.address());
  assert.is((await after.accept()).chain.plan.name, "new");
  before.listener.stopAccepting();
  const fourth = await dial(before.address());
  await after.accept();
  assert.is(first.connection.closed, false);
  for (const connection of [one.connection, two.connection, third, fourth]) connection.close(CloseType.NoFlush);
  before.close();
  after.close();
});

test("a successor that cannot bind all leaves its predecessor as it is", async () => {
  const taken = await new TestListener().start();
  const before = await new TestListener().start();
  const [address] = before.listener.plan.addresses as [ListenAddressPlan];
  const addresses = [before, taken].map((each) => ({ ...address, port: each.address().port }));
  const after = new TestListener({ plan: listenerPlan({ addresses }) });
  const result = await after.listener.listen([before.listener]);
  assert.ok(!result.ok);
  after.listener.takeOver();
  const one = await client(before);
  assert.is((await before.accept()).chain.plan.name, "only");
  one.connection.close(CloseType.NoFlush);
  before.close();
  taken.close();
});

test("stopAccepting() refuses newcomers, keeps the rest, and onIdle() tells when the rest is gone", async () => {
  const l = await new TestListener().start();
  const one = await client(l);
  const { connection } = await l.accept();
  const events = new Recorder();
  connection.setHandler(events);
  l.listener.stopAccepting();
  const refused = await dial(l.address()).then(() => null, (failure) => failure);
  assert.is(refused.code, "ECONNREFUSED");
  one.connection.write(bytesOf("still served"));
  await events.until(() => events.bytes === 12);
  let idle = false;
  l.listener.onIdle(() => idle = true);
  assert.is(idle, false);
  connection.close(CloseType.NoFlush);
  assert.is(idle, true);
});

test("a taken port is said plainly", async () => {
  const l = await new TestListener().start();
  const other = new Listener<FilterChain>({
    plan: listenerPlan({ addresses: [{ address: "127.0.0.1", port: l.address().port, ipv4Compat: false, mode: 0 }] }),
    clock: new ManualClock(),
    stats: new RecordingStats(),
    filterChains: [chain("only")],
    defaultFilterChain: null,
    onConnection() {},
  });
  const result = await other.listen();
  assert.equal(result, {
    ok: false,
    code: "EADDRINUSE",
    message: `cannot bind '${l.address().text}': Address already in use`,
  });
  const options = { address: l.address(), reusePort: true, backlog: 1, ipv4Compat: false, mode: 0 };
  const probe = await probeBind(options);
  assert.is(probe.ok, false);
  l.close();
});

test("several listeners share a port with reusePort; the probe finds it first", async () => {
  const options = { address: ipAddress("127.0.0.1", 0), reusePort: true, backlog: 16, ipv4Compat: false, mode: 0 };
  const probe = await probeBind(options);
  assert.ok(probe.ok);
  const { port } = (probe as { address: { port: number } }).address;
  const plan = listenerPlan({
    reusePort: true,
    addresses: [{ address: "127.0.0.1", port, ipv4Compat: false, mode: 0 }],
  });
  const workers = await Promise.all([new TestListener({ plan }).start(), new TestListener({ plan }).start()]);
  const clients = await Promise.all(Array.from({ length: 8 }, () => client(workers[0]!)));
  const accepted = () => workers[0]!.listener.activeCount + workers[1]!.listener.activeCount;
  while (accepted() < 8) await new Promise((resolve) => setImmediate(resolve));
  for (const each of clients) each.connection.close(CloseType.NoFlush);
  for (const worker of workers) worker.close();
});

test("a port that is held goes to nobody else, not even with reusePort, until it is released", async () => {
  const options = { address: ipAddress("127.0.0.1", 0), reusePort: true, backlog: 1, ipv4Compat: false, mode: 0 };
  const held = await holdBind(options);
  assert.ok(held.ok);
  if (!held.ok) return;
  const same = { ...options, address: held.address };
  assert.is((await probeBind(same)).ok, false);
  await held.release();
  assert.ok((await probeBind(same)).ok);
});

test("unix sockets: bound, connected, reset without harm, left-overs replaced, others not", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "nuncio-listener-")), "s.sock");
  const plan = listenerPlan({ addresses: [{ address: path, port: 0, ipv4Compat: false, mode: 0o600 }] });
  const l = await new TestListener({ plan }).start();
  assert.is(l.address().text, path);
  assert.is(statSync(path).mode & 0o777, 0o600);
  const one = await client(l);
  const { connection } = await l.accept();
  const events = new Recorder();
  connection.setHandler(events);
  one.connection.write(bytesOf("over a path"));
  await events.until(() => events.bytes === 11);
  assert.is(one.connection.info.remoteAddress.text, path);
  assert.is(connection.info.localAddress.text, path);
  one.connection.close(CloseType.AbortReset);
  await events.closed();
  l.close();
  const again = await new TestListener({ plan }).start();
  again.close();
  writeFileSync(`${path}.txt`, "precious");
  const wrong = new TestListener({
    plan: listenerPlan({ addresses: [{ address: `${path}.txt`, port: 0, ipv4Compat: false, mode: 0 }] }),
  });
  const failure = await wrong.listener.listen();
  assert.is(failure.ok, false);
  assert.match((failure as { message: string }).message, /is not a socket/);
  assert.ok(existsSync(`${path}.txt`));
});

test("additional addresses belong to the same listener; one that fails leaves none", async () => {
  const address = { address: "127.0.0.1", port: 0, ipv4Compat: false, mode: 0 };
  const l = new TestListener({ plan: listenerPlan({ addresses: [address, address] }) });
  const result = await l.listener.listen();
  assert.ok(result.ok);
  const addresses = result.ok ? result.addresses : [];
  assert.is(addresses.length, 2);
  for (const each of addresses) {
    const connection = await dial(each);
    await l.accept();
    connection.setHandler(new Recorder());
    connection.close(CloseType.NoFlush);
  }
  const taken = { ...address, port: addresses[0]!.port };
  const half = new TestListener({ plan: listenerPlan({ addresses: [address, taken] }) });
  assert.is((await half.listener.listen()).ok, false);
  l.close();
});

// Listener filters.

/** Wants `wanted` bytes, takes `consumed` of them away. */
function inspector(wanted: number, consumed = 0, seen: string[] = []): () => ListenerFilter {
  return () => ({
    maxReadBytes: 64,
    onData(bytes: Uint8Array, socket: AcceptedSocket) {
      if (bytes.length < wanted) return ListenerFilterStatus.StopIteration;
      seen.push(new TextDecoder().decode(bytes.subarray(0, wanted)));
      socket.consume(consumed);
      socket.transportProtocol = seen.at(-1) === "TLS" ? "tls" : "raw_buffer";
      return ListenerFilterStatus.Continue;
    },
  });
}

test("listener filters peek, in order; who comes after reads the same bytes", async () => {
  const seen: string[] = [];
  const plan = listenerPlan({
    filterChains: [
      chainPlan("tls", { match: { ...MATCH_ANY, transportProtocol: "tls" } }),
      chainPlan("plain"),
    ],
  });
  const l = await new TestListener({ plan, listenerFilters: [inspector(4, 4, seen), inspector(3, 0, seen)] }).start();
  const one = await client(l);
  one.connection.write(bytesOf("PR"));
  one.connection.write(bytesOf("OXTLS"));
  one.connection.write(bytesOf(" and the rest"));
  const { connection, chain } = await l.accept();
  assert.is(chain.plan.name, "tls");
  const events = new Recorder();
  connection.setHandler(events);
  await events.until(() => events.bytes === 16);
  assert.is(events.text, "TLS and the rest");
  assert.equal(seen, ["PROX", "TLS"]);
  assert.is(l.stats.get("downstream_pre_cx_active"), 0);
  one.connection.close(CloseType.NoFlush);
  l.close();
});

test("a silent client meets listener_filters_timeout", async () => {
  const clock = new ManualClock();
  const l = await new TestListener({ clock, listenerFilters: [inspector(1)] }).start();
  const one = await client(l);
  while (l.stats.get("downstream_pre_cx_active") === 0) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(14_999);
  assert.is(l.stats.get("downstream_pre_cx_timeout"), 0);
  clock.advance(1);
  await one.events.closed();
  assert.is(l.stats.get("downstream_pre_cx_timeout"), 1);
  assert.is(l.stats.get("downstream_pre_cx_active"), 0);
  assert.is(l.stats.get("downstream_cx_total"), 0);
  assert.is(clock.armedTimers, 0);
  l.close();
});

test("continue_on_listener_filters_timeout goes on with what is known", async () => {
  const clock = new ManualClock();
  const plan = listenerPlan({ continueOnListenerFiltersTimeout: true, listenerFiltersTimeoutMs: 100 });
  const l = await new TestListener({ clock, plan, listenerFilters: [inspector(5)] }).start();
  const one = await client(l);
  one.connection.write(bytesOf("abc"));
  while (l.stats.get("downstream_pre_cx_active") === 0) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(100);
  const { connection } = await l.accept();
  const events = new Recorder();
  connection.setHandler(events);
  await events.until(() => events.bytes === 3);
  one.connection.close(CloseType.NoFlush);
  l.close();
});

test("a peer that leaves, a filter that refuses, a filter that never has enough", async () => {
  const l = await new TestListener({ listenerFilters: [inspector(5)] }).start();
  const one = await client(l);
  one.connection.write(bytesOf("abc"));
  one.connection.close(CloseType.FlushWrite);
  while (l.stats.get("downstream_listener_filter_remote_close") === 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.is(l.listener.activeCount, 0);
  l.close();
  const refuses: ListenerFilter = { maxReadBytes: 1, onData: () => ListenerFilterStatus.Close };
  for (const filter of [() => refuses, inspector(1000)]) {
    const other = await new TestListener({ listenerFilters: [filter] }).start();
    const two = await client(other);
    two.connection.write(new Uint8Array(64));
    await two.events.closed();
    assert.is(other.stats.get("downstream_listener_filter_error"), 1);
    assert.is(other.listener.activeCount, 0);
    other.close();
  }
});

// Transports.

test("a transport's handshake: success, failure, time-out, a peer that leaves", async () => {
  const clock = new ManualClock();
  const started: { ready(): void; fail(): void }[] = [];
  const waiting: (() => void)[] = [];
  const transport: ServerTransport = {
    name: "test.transport",
    secure: true,
    accept(socket, info, callbacks) {
      started.push({
        ready: () => {
          info.alpn = "h2";
          callbacks.onReady(socket);
        },
        fail: () => {
          socket.destroy();
          callbacks.onFailure("no shared cipher");
        },
      });
      for (const resolve of waiting.splice(0)) resolve();
    },
  };
  const handshakes = async (count: number): Promise<void> => {
    while (started.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const plan = listenerPlan({ filterChains: [chainPlan("secure", { transportSocketConnectTimeoutMs: 500 })] });
  const l = await new TestListener({ clock, plan, filterChains: [{ plan: plan.filterChains[0]!, transport }] }).start();
  const good = await client(l);
  await handshakes(1);
  assert.is(l.listener.activeCount, 1);
  started[0]!.ready();
  const { connection } = await l.accept();
  assert.is(connection.info.alpn, "h2");
  const bad = await client(l);
  await handshakes(2);
  started[1]!.fail();
  await bad.events.closed();
  const slow = await client(l);
  await handshakes(3);
  clock.advance(500);
  await slow.events.closed();
  assert.is(l.stats.get("downstream_cx_transport_socket_connect_timeout"), 1);
  assert.is(l.stats.get("downstream_cx_total"), 1);
  assert.is(l.listener.activeCount, 1);
  assert.is(clock.armedTimers, 0);
  good.connection.close(CloseType.NoFlush);
  l.close();
});

test.run();
