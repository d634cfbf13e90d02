// test/host/net/network_chain.test.ts: bytes pass filters in order, are held, edited and sent back.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ByteQueue } from "../../../host/base/byte_queue.ts";
import { fromLatin1, latin1Slice } from "../../../host/base/bytes.ts";
import type { Connection, ConnectionHandler } from "../../../host/net/connection_port.ts";
import type { SocketConnection } from "../../../host/net/connection.ts";
import {
  CloseType,
  type NetworkFilter,
  type NetworkFilterFactory,
  type NetworkFilterStream,
  PeerType,
  StreamStatus,
} from "../../../host/net/filter.ts";
import { startNetworkChain, type TerminalContext } from "../../../host/net/network_chain.ts";
import { StreamInfo } from "../../../host/observe/stream_info.ts";
import { systemClock } from "../../../host/platform/system_clock.ts";
import { bytesOf, dial, Recorder, TestListener } from "./support.ts";

function textOf(data: ByteQueue): string {
  const bytes = data.toBytes();
  return latin1Slice(bytes, 0, bytes.length);
}

/** A filter that writes down its calls and does what the test says. */
class Scripted implements NetworkFilter {
  readonly name: string;
  readonly log: string[];
  stream!: NetworkFilterStream;
  onNew: StreamStatus = StreamStatus.Continue;
  down: (data: ByteQueue, end: boolean) => StreamStatus = () => StreamStatus.Continue;
  up: (data: ByteQueue, end: boolean) => StreamStatus = () => StreamStatus.Continue;

  constructor(name: string, log: string[]) {
    this.name = name;
    this.log = log;
  }

  readonly factory: NetworkFilterFactory = (stream) => {
    this.stream = stream;
    return this;
  };

  onNewConnection(): StreamStatus {
    this.log.push(`${this.name} new`);
    return this.onNew;
  }

  onDownstreamData(data: ByteQueue, end: boolean): StreamStatus {
    this.log.push(`${this.name} down ${textOf(data)}${end ? " end" : ""}`);
    return this.down(data, end);
  }

  onUpstreamData(data: ByteQueue, end: boolean): StreamStatus {
    this.log.push(`${this.name} up ${textOf(data)}${end ? " end" : ""}`);
    return this.up(data, end);
  }

  onDownstreamClose(by: PeerType): void {
    this.log.push(`${this.name} close ${by}`);
  }

  onUpstreamClose(by: PeerType): void {
    this.log.push(`${this.name} upstream close ${by}`);
  }

  onDone(): void {
    this.log.push(`${this.name} done`);
  }

  onLog(): void {
    this.log.push(`${this.name} log`);
  }

  onDestroy(): void {
    this.log.push(`${this.name} destroy`);
  }
}

interface World {
  readonly log: string[];
  readonly a: Scripted;
  readonly b: Scripted;
  /** What the terminal filter saw. */
  readonly end: Recorder;
  readonly client: SocketConnection;
  readonly events: Recorder;
  readonly real: SocketConnection;
  terminal(): Connection;
  context(): TerminalContext;
  close(): void;
}

/** client → filter a → filter b → terminal */
async function world(
  options: { halfClose?: boolean; limitBytes?: number; set?(a: Scripted, b: Scripted): void } = {},
): Promise<World> {
  const log: string[] = [];
  const a = new Scripted("a", log);
  const b = new Scripted("b", log);
  options.set?.(a, b);
  const end = new Recorder();
  let terminal: Connection | null = null;
  let context: TerminalContext | null = null;
  const l = await new TestListener().start();
  const [accepted, client] = await Promise.all([l.accept(), dial(l.address())]);
  const real = accepted.connection;
  const info = new StreamInfo(real.info, 0, 0);
  const takeOver = (connection: Connection, each: TerminalContext): void => {
    log.push("terminal new");
    terminal = connection;
    context = each;
    if (options.halfClose) connection.enableHalfClose(true);
    connection.setHandler(end);
  };
  startNetworkChain(
    real,
    { filters: [a.factory, () => null, b.factory], terminal: takeOver, ...(options.halfClose && { halfClose: true }) },
    info,
    systemClock,
    options.limitBytes ?? 0,
  );
  const events = new Recorder();
  client.enableHalfClose(true);
  client.setHandler(events);
  return {
    log,
    a,
    b,
    end,
    client,
    events,
    real,
    terminal: () => terminal!,
    context: () => context!,
    close() {
      client.close(CloseType.NoFlush);
      l.close();
    },
  };
}

test("a terminal filter that is alone gets the socket's own connection", async () => {
  const l = await new TestListener().start();
  const [accepted, client] = await Promise.all([l.accept(), dial(l.address())]);
  let got: Connection | null = null;
  const chain = { filters: [], terminal: (connection: Connection) => void (got = connection) };
  startNetworkChain(accepted.connection, chain, new StreamInfo(accepted.connection.info, 0, 0), systemClock);
  assert.is(got, accepted.connection);
  client.setHandler(new Recorder());
  client.close(CloseType.NoFlush);
  l.close();
});

test("bytes pass the filters in order, and in reverse order on their way back", async () => {
  const w = await world();
  assert.equal(w.log, ["a new", "b new", "terminal new"]);
  w.client.write(bytesOf("ping"));
  await w.end.until(() => w.end.bytes === 4);
  w.terminal().write(bytesOf("pong"));
  w.terminal().writeLatin1("!");
  await w.events.until(() => w.events.bytes === 5);
  assert.equal(w.log.slice(3), ["a down ping", "b down ping", "b up pong", "a up pong", "b up !", "a up !"]);
  w.context().notifyUpstreamClose(PeerType.Remote);
  assert.equal(w.log.slice(9), ["b upstream close 2", "a upstream close 2"]);
  w.log.length = 0;
  w.client.close(CloseType.NoFlush);
  await w.end.closed();
  assert.equal(w.log, ["a close 2", "b close 2", "a done", "b done", "a log", "b log", "a destroy", "b destroy"]);
  assert.is(w.end.closes[0]!.by, PeerType.Remote);
  w.close();
});

test("filters edit what passes", async () => {
  const w = await world({
    set(a, b) {
      a.down = (data) => {
        data.splice(0, 0, fromLatin1("<"));
        return StreamStatus.Continue;
      };
      b.up = (data) => {
        data.clear();
        data.push(fromLatin1("rewritten"));
        return StreamStatus.Continue;
      };
    },
  });
  w.client.write(bytesOf("x"));
  await w.end.until(() => w.end.bytes === 2);
  assert.is(w.end.text, "<x");
  w.terminal().write(bytesOf("original"));
  await w.events.until(() => w.events.bytes === 9);
  assert.is(w.events.text, "rewritten");
  w.close();
});

test("StopIteration from onNewConnection holds back the filters after it, not the bytes for it", async () => {
  const w = await world({
    set(a) {
      a.onNew = StreamStatus.StopIteration;
      a.down = () => StreamStatus.StopIteration;
    },
  });
  assert.equal(w.log, ["a new"]);
  w.client.write(bytesOf("early"));
  while (w.log.length < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(w.log, ["a new", "a down early"]);
  w.a.stream.continueReading();
  assert.equal(
    w.log,
    ["a new", "a down early", "b new", "b down early", "terminal new"].toSorted((x, y) =>
      w.log.indexOf(x) - w.log.indexOf(y)
    ),
  );
  assert.is(w.end.text, "early");
  w.close();
});

test("a filter that looks at no bytes and holds a new connection holds its bytes, too", async () => {
  const w = await world({
    set(a) {
      a.onNew = StreamStatus.StopIteration;
      Object.defineProperty(a, "onDownstreamData", { value: undefined });
    },
  });
  w.client.write(bytesOf("early"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(w.log, ["a new"]);
  w.a.stream.continueReading();
  assert.equal(w.log, ["a new", "b new", "b down early", "terminal new"]);
  assert.is(w.end.text, "early");
  w.client.write(bytesOf(" late"));
  await w.end.until(() => w.end.bytes === 10);
  assert.is(w.end.text, "early late");
  w.close();
});

test("what a filter holds it gets again with what comes next; others get only what is new", async () => {
  const w = await world({
    set(_a, b) {
      b.down = (data) => data.length < 6 ? StreamStatus.StopIteration : StreamStatus.Continue;
    },
  });
  w.client.write(bytesOf("abc"));
  while (!w.log.includes("b down abc")) await new Promise((resolve) => setImmediate(resolve));
  assert.is(w.end.bytes, 0);
  w.client.write(bytesOf("def"));
  await w.end.until(() => w.end.bytes === 6);
  assert.is(w.end.text, "abcdef");
  assert.equal(w.log.slice(3), ["a down abc", "b down abc", "a down def", "b down abcdef"]);
  w.close();
});

test("continueReading() inside the call that stops goes on at once", async () => {
  const w = await world({
    set(a) {
      a.down = () => {
        a.stream.continueReading();
        return StreamStatus.StopIteration;
      };
    },
  });
  w.client.write(bytesOf("x"));
  await w.end.until(() => w.end.bytes === 1);
  assert.equal(w.log.slice(3), ["a down x", "b down x"]);
  w.close();
});

test("continueWriting() sends what was held", async () => {
  const w = await world({ set: (_a, b) => b.up = () => StreamStatus.StopIteration });
  w.terminal().write(bytesOf("one "));
  w.terminal().write(bytesOf("two"));
  assert.is(w.terminal().queuedBytes, 7);
  assert.equal(w.log.slice(3), ["b up one ", "b up one two"]);
  w.b.stream.continueWriting();
  await w.events.until(() => w.events.bytes === 7);
  assert.is(w.events.text, "one two");
  assert.equal(w.log.slice(5), ["a up one two"]);
  w.close();
});

test("without half-close a FIN closes; filters are told once", async () => {
  const w = await world();
  w.client.end();
  await w.end.closed();
  assert.equal(w.end.closes, [{ by: PeerType.Remote, details: "" }]);
  assert.is(w.end.ended, false);
  assert.equal(w.log.filter((line) => line.includes("down")), []);
  w.close();
});

test("with half-close a FIN passes the filters as an end, in both directions", async () => {
  const w = await world({ halfClose: true });
  w.client.write(bytesOf("bye"));
  w.client.end();
  await w.end.until(() => w.end.ended);
  assert.is(w.end.text, "bye");
  w.terminal().write(bytesOf("ok"));
  w.terminal().end();
  await w.events.until(() => w.events.ended);
  assert.is(w.events.text, "ok");
  assert.ok(w.log.includes("a down  end"));
  assert.ok(w.log.includes("b up  end") && w.log.includes("a up  end"));
  await w.end.closed();
  assert.is(w.log.filter((line) => line === "a destroy").length, 1);
  w.close();
});

test("a terminal that does not read holds nothing up but itself", async () => {
  const w = await world({ halfClose: true });
  w.terminal().readDisable(true);
  w.b.stream.continueReading();
  w.client.write(bytesOf("later"));
  w.terminal().write(bytesOf("x"));
  await w.events.until(() => w.events.bytes === 1);
  assert.is(w.end.bytes, 0);
  w.terminal().readDisable(false);
  await w.end.until(() => w.end.bytes === 5);
  w.close();
});

test("filters that hold too much stop the client, and let it go on", async () => {
  const limitBytes = 100_000;
  let release = false;
  const w = await world({
    limitBytes,
    set: (a) => a.down = () => release ? StreamStatus.Continue : StreamStatus.StopIteration,
  });
  w.a.onDownstreamData = function (data) {
    return this.down(data, false);
  };
  const total = 4 * 1024 * 1024;
  w.client.write(new Uint8Array(total));
  let held = 0;
  w.a.down = (data) => {
    held = data.length;
    return release ? StreamStatus.Continue : StreamStatus.StopIteration;
  };
  while (held <= limitBytes) await new Promise((resolve) => setImmediate(resolve));
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(held < limitBytes + 512 * 1024, `${held} bytes held`);
  assert.ok(w.client.queuedBytes > 0);
  release = true;
  w.a.stream.continueReading();
  w.end.onData = function (bytes) {
    this.bytes += bytes.length;
    if (this.bytes === total) w.terminal().writeLatin1("all");
  };
  await w.events.until(() => w.events.bytes === 3);
  w.close();
});

test("bytes that filters hold for the client count for the terminal's watermarks", async () => {
  const w = await world({ limitBytes: 1000, set: (a) => a.up = () => StreamStatus.StopIteration });
  w.terminal().write(new Uint8Array(900));
  assert.is(w.end.above, 0);
  w.terminal().write(new Uint8Array(200));
  assert.is(w.end.above, 1);
  w.a.up = () => StreamStatus.Continue;
  w.a.stream.continueWriting();
  assert.is(w.end.below, 1);
  await w.events.until(() => w.events.bytes === 1100);
  w.close();
});

test("a filter can answer and close by itself", async () => {
  const w = await world({
    set(a) {
      a.down = (data) => {
        data.clear();
        data.push(fromLatin1("denied"));
        a.stream.write(data, false);
        a.stream.close(CloseType.FlushWrite, "not_allowed");
        return StreamStatus.StopIteration;
      };
    },
  });
  w.client.write(bytesOf("x"));
  await w.events.until(() => w.events.ended);
  assert.is(w.events.text, "denied");
  assert.is(w.real.info.localCloseReason, "not_allowed");
  assert.equal(w.log.filter((line) => line.startsWith("b down")), []);
  assert.is(w.log.filter((line) => line === "a destroy").length, 1);
  w.close();
});

test("a chain without a terminal: the last filter takes the bytes", async () => {
  const l = await new TestListener().start();
  const [accepted, client] = await Promise.all([l.accept(), dial(l.address())]);
  const factory: NetworkFilterFactory = (stream) => ({
    onDownstreamData(data, end) {
      stream.write(data, end);
      return StreamStatus.Continue;
    },
  });
  startNetworkChain(
    accepted.connection,
    { filters: [factory], terminal: null },
    new StreamInfo(accepted.connection.info, 0, 0),
    systemClock,
  );
  const events = new Recorder();
  client.setHandler(events as ConnectionHandler);
  client.write(bytesOf("echo"));
  await events.until(() => events.bytes === 4);
  assert.is(events.text, "echo");
  client.close(CloseType.NoFlush);
  l.close();
});

test.run();
