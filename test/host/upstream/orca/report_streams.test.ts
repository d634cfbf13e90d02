// test/host/upstream/orca/report_streams.test.ts: hosts that stream their load: asked, lost, asked again, given up.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ByteQueue } from "../../../../host/base/byte_queue.ts";
import { ManualClock } from "../../../../host/base/clock.ts";
import { SeededRandom } from "../../../../host/base/random.ts";
import { concatBytes, fromLatin1, toHex } from "../../../../host/base/bytes.ts";
import { type RequestEncoder, StreamResetReason } from "../../../../host/http/codec.ts";
import { encodeGrpcFrame } from "../../../../host/http/grpc_frames.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { ipAddress, pipeAddress } from "../../../../host/net/address.ts";
import { StatsStore } from "../../../../host/observe/stats.ts";
import type { SocketAddress } from "../../../../host/observe/stream_info.ts";
import type { Host } from "../../../../host/upstream/host.ts";
import { ReportStreams } from "../../../../host/upstream/orca/report_streams.ts";
import type { ReportStreamPlan } from "../../../../host/upstream/orca/plan.ts";
import type {
  ReportConnection,
  ReportConnectionCallbacks,
  ReportConnectionStream,
} from "../../../../host/upstream/orca/report_connection.ts";
import { ReportStreamStats } from "../../../../host/upstream/orca/stats.ts";
import { NO_LOCALITY } from "../../../../host/upstream/plan.ts";
import { PrioritySet } from "../../../../host/upstream/priority.ts";
import { textOf } from "../../http/support.ts";
import { newHost } from "../lb/setup.ts";

const PERIOD_MS = 2500;

/** The other side of a connection. */
class Server implements ReportConnection {
  readonly address: SocketAddress;
  readonly callbacks: ReportConnectionCallbacks;
  stream: ReportConnectionStream | null = null;
  head: HeaderMap | null = null;
  body = "";
  closed = false;

  constructor(address: SocketAddress, callbacks: ReportConnectionCallbacks) {
    this.address = address;
    this.callbacks = callbacks;
  }

  newStream(stream: ReportConnectionStream): void {
    this.stream = stream;
  }

  closeSoon(): void {
    this.closed = true;
    // As a connection does that goes down with its stream.
    this.stream?.onResetStream(StreamResetReason.ConnectionTermination, "");
    this.callbacks.onClosed();
  }

  accept(): this {
    const encoder: Partial<RequestEncoder> = {
      encodeHeaders: (headers) => {
        this.head = headers;
        return null;
      },
      encodeData: (data) => {
        this.body = toHex(fromLatin1(textOf(data)));
      },
    };
    this.stream!.onReady(encoder as RequestEncoder);
    return this;
  }

  respond(headers: Readonly<Record<string, string>>, end = false): this {
    this.stream!.onHeaders(HeaderMap.of({ "content-type": "application/grpc", ...headers }), end);
    return this;
  }

  send(...messages: readonly Uint8Array[]): this {
    const body = new ByteQueue();
    for (const message of messages) body.push(encodeGrpcFrame(message));
    this.stream!.onData(body, false);
    return this;
  }
}

/** An OrcaLoadReport of this many requests per second. */
function report(requests: number): Uint8Array {
  const value = new DataView(new ArrayBuffer(8));
  value.setFloat64(0, requests, true);
  return concatBytes([fromLatin1("\x31"), new Uint8Array(value.buffer)], 9);
}

interface Setup {
  readonly clock: ManualClock;
  readonly servers: Server[];
  readonly reports: string[];
  readonly streams: ReportStreams;
  readonly priorities: PrioritySet;
  stat(name: string): number;
  /** Goes on until one more connection is there. */
  next(): Server;
}

function setup(hosts: readonly Host[], changes: Partial<ReportStreamPlan> = {}): Setup {
  const clock = new ManualClock();
  const servers: Server[] = [];
  const reports: string[] = [];
  const store = StatsStore.create();
  const priorities = new PrioritySet(140, { current: 50 });
  setHosts(priorities, hosts);
  const streams = new ReportStreams(
    { periodMs: PERIOD_MS, port: 0, authority: "", ...changes },
    priorities,
    {
      clusterName: "c",
      clock,
      random: new SeededRandom(1),
      connectForReports(_host, address, callbacks) {
        const server = new Server(address, callbacks);
        servers.push(server);
        return server;
      },
    },
    new ReportStreamStats(store),
    (host, values) => {
      reports.push(`${host.address.text} ${values.get("rps_fractional") ?? 0}`);
      return values.has("rps_fractional");
    },
  );
  return {
    clock,
    servers,
    reports,
    streams,
    priorities,
    stat: (name) => store.valueOf(`lb_orca_oob.${name}`) ?? -1,
    next() {
      const before = servers.length;
      for (let i = 0; servers.length === before && i < 40_000; i++) clock.advance(1);
      assert.is(servers.length, before + 1);
      return servers.at(-1)!;
    },
  };
}

function setHosts(priorities: PrioritySet, hosts: readonly Host[]): void {
  priorities.updateHosts(0, hosts, [{ locality: NO_LOCALITY, weight: 1, hosts }]);
}

test("a host is asked within a period, and what it reports is taken", () => {
  const s = setup([newHost({ address: ipAddress("10.0.0.1", 80) })]);
  assert.is(s.stat("active_sessions"), 1);
  const server = s.next();
  assert.ok(s.clock.nowMs() < PERIOD_MS);
  server.accept();
  const { head } = server;
  assert.equal([head!.method, head!.authority, head!.path, head!.get("te"), head!.get("content-type")], [
    "POST",
    "10.0.0.1:80",
    "/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics",
    "trailers",
    "application/grpc",
  ]);
  assert.is(server.body, "000000000a0a0808021080cab5ee01");
  server.respond({ ":status": "200" }).send(report(5), new Uint8Array(0), report(7));
  assert.equal(s.reports, ["10.0.0.1:80 5", "10.0.0.1:80 7"]);
  server.send(new Uint8Array([0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]));
  assert.equal([s.stat("reports_received"), s.stat("report_errors"), s.stat("stream_failures")], [3, 1, 0]);
});

test("names and ports", () => {
  const of = (host: Host, plan: Partial<ReportStreamPlan> = {}) => {
    const server = setup([host], plan).next().accept();
    return [server.address.text, server.head!.authority];
  };
  const address = ipAddress("10.0.0.1", 80);
  assert.equal(of(newHost({ address, hostname: "a.example" })), ["10.0.0.1:80", "a.example"]);
  assert.equal(of(newHost({ address }), { port: 99 }), ["10.0.0.1:99", "10.0.0.1:99"]);
  assert.equal(of(newHost({ address, hostname: "a.example" }), { port: 99, authority: "b" }), ["10.0.0.1:99", "b"]);
  assert.equal(of(newHost({ address: pipeAddress("/tmp/s") }), { port: 99 }), ["/tmp/s", "c"]);
});

test("a stream that is silent for three periods is made anew", () => {
  const s = setup([newHost()]);
  const server = s.next().accept().respond({ ":status": "200" }).send(report(1));
  s.clock.advance(3 * PERIOD_MS - 1);
  assert.not.ok(server.closed);
  server.send(report(1));
  s.clock.advance(3 * PERIOD_MS);
  assert.ok(server.closed);
  assert.is(s.stat("stream_failures"), 1);
  s.next().accept().respond({ ":status": "200" }).send(report(2));
  assert.is(s.reports.length, 3);
});

test("whatever ends a stream, it is tried again after a wait that grows", () => {
  const endings: readonly ((server: Server) => void)[] = [
    (server) => server.callbacks.onClosed(),
    (server) => server.accept().stream!.onResetStream(StreamResetReason.RemoteReset, ""),
    (server) => server.accept().respond({ ":status": "503" }),
    (server) => server.accept().respond({ ":status": "200", "content-type": "text/plain" }),
    (server) => server.accept().respond({ ":status": "200", "grpc-status": "14" }, true),
    (server) => server.accept().respond({ ":status": "200" }).stream!.onTrailers(HeaderMap.of({ "grpc-status": "0" })),
    (server) => server.accept().respond({ ":status": "200" }).stream!.onData(new ByteQueue(), true),
    (server) => void server.accept().respond({ ":status": "200" }).send(fromLatin1("\x09\x01")),
    (server) => void server.accept().respond({ ":status": "200" }).send(new Uint8Array(70_000)),
    (server) => server.callbacks.onGoAway(2),
  ];
  const s = setup([newHost()]);
  const waits: number[] = [];
  for (const [index, end] of endings.entries()) {
    const server = s.next();
    waits.push(s.clock.nowMs());
    end(server);
    assert.is(s.stat("stream_failures"), index + 1, `ending ${index}`);
  }
  const longest = waits.map((time, index) => time - (waits[index - 1] ?? 0));
  longest.forEach((wait, index) =>
    index > 0 && assert.ok(wait <= Math.min(30_000, 1000 * 2 ** (index - 1)), `${wait}`)
  );
  assert.ok(Math.max(...longest) > 4000);
});

test("a host that goes away orderly is asked anew after its next report", () => {
  const s = setup([newHost()]);
  const server = s.next().accept().respond({ ":status": "200" });
  server.callbacks.onGoAway(0);
  assert.not.ok(server.closed);
  server.send(report(3));
  assert.ok(server.closed);
  assert.is(s.reports.length, 1);
  s.next();
});

test("a host without the service is not asked again", () => {
  for (
    const refuse of [
      (server: Server) => server.respond({ ":status": "200", "grpc-status": "12" }, true),
      (server: Server) => server.respond({ ":status": "404" }, true),
      (server: Server) =>
        server.respond({ ":status": "200" }).stream!.onTrailers(HeaderMap.of({ "grpc-status": "12" })),
    ]
  ) {
    const s = setup([newHost()]);
    const server = s.next().accept();
    refuse(server);
    s.clock.advance(100_000);
    assert.equal([s.servers.length, server.closed], [1, true]);
    assert.equal([s.stat("stream_terminated"), s.stat("stream_failures"), s.stat("active_sessions")], [1, 0, 0]);
  }
});

test("hosts come and go, and with the cluster all do", () => {
  const [first, second] = [newHost(), newHost()];
  const s = setup([first]);
  const server = s.next().accept();
  setHosts(s.priorities, [first, second]);
  assert.is(s.stat("active_sessions"), 2);
  const other = s.next().accept();
  setHosts(s.priorities, [second]);
  assert.equal([server.closed, other.closed, s.stat("active_sessions")], [true, false, 1]);
  s.streams.close();
  s.clock.advance(100_000);
  setHosts(s.priorities, [second, newHost()]);
  s.clock.advance(100_000);
  assert.equal([other.closed, s.stat("active_sessions"), s.stat("stream_failures"), s.servers.length], [true, 0, 0, 2]);
});

test.run();
