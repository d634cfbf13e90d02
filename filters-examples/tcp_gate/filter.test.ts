// filters-examples/tcp_gate/filter.test.ts: which connections get through, and what is counted.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type FilterHost, loadFilter } from "../../host/testing/mod.ts";

function load(magic = "sesame"): Promise<FilterHost> {
  return loadFilter(import.meta, { rootId: "tcp_gate", config: { magic }, clientAddress: "10.0.0.7:1234" });
}

test("a connection with the password gets through, without the password", async () => {
  const filter = await load();
  const stream = filter.tcp();
  assert.is(filter.counter("tcp_gate.open"), 1);
  stream.downstream("sesamehello");
  assert.is(stream.upstream.text, "hello");
  stream.downstream(" again");
  assert.is(stream.upstream.text, "hello again");
  stream.fromUpstream("welcome");
  assert.is(stream.client.text, "welcome");
  assert.is(filter.counter("tcp_gate.received_bytes"), 11);
  assert.is(filter.counter("tcp_gate.sent_bytes"), 7);

  stream.finish();
  assert.is(filter.counter("tcp_gate.open"), 0);
  assert.is(filter.liveStreams, 0);
});

test("the password may come byte by byte, and in any alphabet", async () => {
  const filter = await load("ключ");
  const stream = filter.tcp();
  for (const byte of new TextEncoder().encode("ключ")) stream.downstream(new Uint8Array([byte]));
  stream.downstream("x");
  assert.is(stream.upstream.text, "x");
  assert.not(stream.closed);
  stream.finish();
});

test("any other beginning closes the connection", async () => {
  const filter = await load();
  for (const pieces of [["nonsense"], ["sesamf"], ["sesam", "x"], ["SESAME"]]) {
    const stream = filter.tcp();
    for (const piece of pieces) stream.downstream(piece);
    assert.ok(stream.closed, pieces.join("|"));
    assert.is(stream.upstream.text, "");
  }
  assert.is(filter.counter("tcp_gate.rejected"), 4);
  assert.is(filter.counter("tcp_gate.open"), 0);
  assert.match(filter.messages("warn")[0]!, "rejected a connection from 10.0.0.7");
});

test("as long as the password is not complete the connection waits", async () => {
  const filter = await load();
  const stream = filter.tcp().downstream("sesam");
  assert.not(stream.closed);
  assert.is(stream.upstream.text, "");
  stream.downstream("", true);
  assert.ok(stream.closed, "the client will send no more");
});

test("a bad configuration is refused", async () => {
  for (const config of ["", "{}", '{"magic": 1}', '{"magik": "a"}']) {
    const filter = await loadFilter(import.meta, { rootId: "tcp_gate", config });
    assert.not(filter.configured, config);
    assert.match(filter.refusal, /configur/);
  }
});

test("memory stays flat over many connections", async () => {
  const filter = await load();
  const run = (count: number) => {
    for (let i = 0; i < count; i++) filter.tcp().downstream(i % 2 === 0 ? "sesamehello" : "nonsense").finish();
    return filter.memoryBytes;
  };
  const before = run(2000);
  assert.is(run(20_000), before);
});

test.run();
