// test/host/net/dial.test.ts: connections that are made, and those that are not.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../host/base/clock.ts";
import { ipAddress, pipeAddress } from "../../../host/net/address.ts";
import { CloseType } from "../../../host/net/filter.ts";
import { type DialFailure, dialTcp } from "../../../host/net/dial.ts";
import { type ClientTransport, rawBufferClient } from "../../../host/net/transport.ts";
import { systemClock } from "../../../host/platform/system_clock.ts";
import { bytesOf, dial, pair, Recorder, TestListener } from "./support.ts";

function failure(promise: Promise<unknown>): Promise<DialFailure> {
  return promise.then(() => {
    throw new Error("it connected");
  }, (each: DialFailure) => each);
}

test("a refused connection", async () => {
  const l = await new TestListener().start();
  const address = l.address();
  l.close();
  assert.equal(await failure(dial(address)), {
    reason: "remote",
    details: "delayed connect error: Connection refused",
    code: "ECONNREFUSED",
  });
});

test("a unix socket that is not there fails at once", async () => {
  assert.equal(await failure(dial(pipeAddress("/nonexistent/s.sock"))), {
    reason: "remote",
    details: "immediate connect error: No such file or directory|remote address:/nonexistent/s.sock",
    code: "ENOENT",
  });
});

test("an address to connect from that this machine does not have", async () => {
  const l = await new TestListener().start();
  const result = await failure(dial(l.address(), { localAddress: ipAddress("192.0.2.1", 0) }));
  assert.is(result.reason, "local");
  // Deno says EINVAL.
  assert.match(
    result.details,
    /^immediate connect error: (Cannot assign requested address|Invalid argument)\|remote address:127/,
  );
  l.close();
});

test("the address to connect from is used", async () => {
  const p = await pair({ dial: { localAddress: ipAddress("127.0.0.9", 0) } });
  assert.is(p.server.info.remoteAddress.address, "127.0.0.9");
  assert.is(p.client.info.localAddress.address, "127.0.0.9");
  p.close();
});

test("the connect timeout covers the transport's handshake", async () => {
  const clock = new ManualClock();
  const l = await new TestListener().start();
  const transport: ClientTransport = {
    name: "never.ready",
    secure: true,
    connect: (options) => rawBufferClient.connect(options, () => {}),
    describe() {},
  };
  const promise = failure(dial(l.address(), { clock, transport, connectTimeoutMs: 250 }));
  const { connection } = await l.accept();
  const events = new Recorder();
  connection.setHandler(events);
  clock.advance(250);
  assert.equal(await promise, { reason: "timeout", details: "connect timeout", code: "" });
  await events.closed();
  assert.is(clock.armedTimers, 0);
  l.close();
});

test("a transport describes its connection", async () => {
  const transport: ClientTransport = {
    ...rawBufferClient,
    describe(_socket, info) {
      info.alpn = "h2";
    },
  };
  const p = await pair({ dial: { transport } });
  assert.is(p.client.info.alpn, "h2");
  p.close();
});

test("cancel() gives up; nobody is called", async () => {
  const clock = new ManualClock();
  const l = await new TestListener().start();
  let called = 0;
  const handle = dialTcp({ address: l.address(), clock }, { onConnected: () => called++, onFailure: () => called++ });
  handle.cancel();
  handle.cancel();
  // A second connection proves that the first had its time.
  const other = await dial(l.address());
  other.setHandler(new Recorder());
  other.close(CloseType.NoFlush);
  clock.advance(60_000);
  assert.is(called, 0);
  assert.is(clock.armedTimers, 0);
  l.close();
});

test("nothing is read before there is a handler", async () => {
  const l = await new TestListener().start();
  const [accepted, client] = await Promise.all([l.accept(), dial(l.address(), { clock: systemClock })]);
  accepted.connection.setHandler(new Recorder());
  accepted.connection.write(bytesOf("early"));
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  const events = new Recorder();
  client.setHandler(events);
  await events.until(() => events.bytes === 5);
  assert.is(events.text, "early");
  client.close(CloseType.NoFlush);
  l.close();
});

test.run();
