// test/host/extensions/filters/network/terminals.test.ts: echo and direct_response over sockets.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createDirectResponse } from "../../../../../host/extensions/filters/network/direct_response/filter.ts";
import { createEcho } from "../../../../../host/extensions/filters/network/echo/filter.ts";
import { PeerType } from "../../../../../host/net/filter.ts";
import { type NetworkChainFactories, startNetworkChain } from "../../../../../host/net/network_chain.ts";
import { StreamInfo } from "../../../../../host/observe/stream_info.ts";
import { systemClock } from "../../../../../host/platform/system_clock.ts";
import { bytesOf, dial, Recorder, TestListener } from "../../../net/support.ts";

async function serve(chain: NetworkChainFactories, limitBytes = 1024 * 1024) {
  const infos: StreamInfo[] = [];
  const listener = await new TestListener({
    onConnection(connection) {
      connection.setBufferLimitBytes(limitBytes);
      const info = new StreamInfo(connection.info, 0, 0);
      infos.push(info);
      startNetworkChain(connection, chain, info, systemClock, limitBytes);
    },
  }).start();
  const client = await dial(listener.address());
  const events = new Recorder();
  client.enableHalfClose(true);
  client.setHandler(events);
  return { listener, client, events, infos };
}

test("echo sends back what it gets, to the last byte", async () => {
  const { listener, client, events, infos } = await serve({ filters: [], terminal: createEcho(), halfClose: true });
  client.write(bytesOf("hello "));
  await events.until(() => events.bytes === 6);
  client.write(bytesOf("world"));
  client.end();
  await events.closed();
  assert.is(events.text, "hello world");
  assert.is(infos[0]!.bytesReceived, 11);
  assert.is(infos[0]!.bytesSent, 11);
  listener.close();
});

test("echo does not read from a client that does not read", async () => {
  const { listener, client, events } = await serve({ filters: [], terminal: createEcho(), halfClose: true }, 64 * 1024);
  client.readDisable(true);
  const total = 64 * 1024 * 1024;
  client.write(new Uint8Array(total));
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(client.queuedBytes > 0);
  const [echo] = [...listener.listener.connections];
  assert.ok(echo!.queuedBytes < 1024 * 1024, `${echo!.queuedBytes} bytes are queued`);
  events.onData = function (bytes) {
    this.bytes += bytes.length;
  };
  client.readDisable(false);
  client.end();
  await events.closed();
  assert.is(events.bytes, total);
  listener.close();
});

test("direct_response says its text and closes, whether or not the client speaks", async () => {
  for (const speak of [false, true]) {
    const chain = { filters: [], terminal: createDirectResponse({ response: bytesOf("go away\n") }) };
    const { listener, client, events, infos } = await serve(chain);
    if (speak) client.write(bytesOf("hi"));
    await events.until(() => events.ended || events.closes.length > 0);
    if (!speak) assert.is(events.text, "go away\n");
    assert.is(infos[0]!.bytesSent, 8);
    client.close("no_flush");
    listener.close();
  }
});

test("terminals work behind other filters", async () => {
  const seen: number[] = [];
  const chain: NetworkChainFactories = {
    filters: [() => ({
      onDownstreamData(data) {
        seen.push(data.length);
        return 0;
      },
      onDownstreamClose(by) {
        assert.ok(by === PeerType.Remote || by === PeerType.Local);
      },
    })],
    terminal: createEcho(),
    halfClose: true,
  };
  const { listener, client, events } = await serve(chain);
  client.write(bytesOf("abc"));
  client.end();
  await events.closed();
  assert.is(events.text, "abc");
  assert.equal(seen[0], 3);
  listener.close();
});

test.run();
