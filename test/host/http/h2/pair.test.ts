// test/host/http/h2/pair.test.ts: both codecs against each other, and against junk, at random.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ByteQueue } from "../../../../host/base/byte_queue.ts";
import { SeededRandom } from "../../../../host/base/random.ts";
import { StreamResetReason } from "../../../../host/http/codec.ts";
import { PREFACE, settingsFrame } from "../../../../host/http/h2/frame.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { fromLatin1 } from "../../../../host/base/bytes.ts";
import { RecordedMessage } from "../h1/harness.ts";
import { ClientSide, GET, POST, ServerSide } from "./harness.ts";

interface Exchange {
  readonly response: RecordedMessage;
  readonly requestBody: string;
  readonly responseBody: string;
  readonly trailers: boolean;
  sent: number;
  answered: number;
}

/** Text of which every place is different. */
function text(seed: number, length: number): string {
  let out = "";
  for (let i = 0; out.length < length; i++) out += `${seed}:${i},`;
  return out.slice(0, length);
}

function piece(body: string, from: number, length: number): ByteQueue {
  const queue = new ByteQueue();
  queue.push(fromLatin1(body.slice(from, from + length)));
  return queue;
}

for (let seed = 1; seed <= 6; seed++) {
  test(`what one codec sends is what the other one gets, in whatever pieces it comes (${seed})`, () => {
    const random = new SeededRandom(seed);
    const pick = (count: number): number => random.uint32() % count;
    const windows = { initialStreamWindowBytes: 65_535, initialConnectionWindowBytes: 65_535 + pick(100_000) };
    const server = new ServerSide({ ...windows, maxWindowUpdatesPerDataFrame: 1000 }, false);
    const client = new ClientSide({ ...windows, maxWindowUpdatesPerDataFrame: 1000 }, false);
    const exchanges: Exchange[] = [];
    const open: Exchange[] = [];
    for (let i = 0; i < 30; i++) {
      const exchange: Exchange = {
        response: new RecordedMessage(),
        requestBody: text(i, pick(3) === 0 ? 0 : pick(150_000)),
        responseBody: text(i + 100, pick(3) === 0 ? 0 : pick(150_000)),
        trailers: pick(3) === 0,
        sent: 0,
        answered: 0,
      };
      exchanges.push(exchange);
      open.push(exchange);
    }
    const streams = exchanges.map((exchange) => {
      const stream = client.codec.newStream(exchange.response);
      const headers = HeaderMap.of([[":method", "POST"], [":path", "/"], [":authority", "a"], [":scheme", "http"]]);
      for (let i = 0; i < pick(20); i++) headers.add(`x-${pick(30)}`, text(pick(5), pick(60)));
      stream.encodeHeaders(headers, exchange.requestBody === "" && !exchange.trailers);
      return stream;
    });
    const step = (
      body: string,
      at: number,
      encoder: { encodeData(d: ByteQueue, e: boolean): void; encodeTrailers(t: HeaderMap): void },
      trailers: boolean,
    ): number => {
      const length = Math.min(body.length - at, 1 + pick(60_000));
      const whole = at + length === body.length;
      if (length > 0) encoder.encodeData(piece(body, at, length), whole && !trailers);
      if (whole && trailers) encoder.encodeTrailers(HeaderMap.of({ "x-end": "1" }));
      return at + length;
    };
    const move = (from: typeof server | typeof client, to: typeof server | typeof client): boolean => {
      const output = from.connection.take();
      for (let at = 0; at < output.length;) {
        const length = 1 + pick(pick(2) === 0 ? 20 : 40_000);
        to.feed(output.slice(at, at + length));
        at += length;
      }
      return output !== "";
    };
    for (let round = 0; round < 5000 && open.length > 0; round++) {
      move(client, server);
      move(server, client);
      const index = pick(exchanges.length);
      const exchange = exchanges[index]!;
      const needsSend = exchange.requestBody !== "" || exchange.trailers;
      if (needsSend && exchange.sent >= 0 && pick(2) === 0) {
        const at = step(exchange.requestBody, exchange.sent, streams[index]!, exchange.trailers);
        exchange.sent = at === exchange.requestBody.length ? -1 : at;
      }
      const request = server.requests[index];
      if (request?.ended === true && exchange.answered >= 0) {
        const encoder = request.encoder!;
        const empty = exchange.responseBody === "" && !exchange.trailers;
        if (exchange.answered === 0) {
          encoder.encodeHeaders(HeaderMap.of({ ":status": "200", "x-i": String(index) }), empty);
        }
        const at = empty ? 0 : step(exchange.responseBody, exchange.answered, encoder, exchange.trailers);
        exchange.answered = at === exchange.responseBody.length ? -1 : at;
        // Not headers twice.
        if (exchange.answered === 0) throw new Error("a step without progress");
      }
      if (exchange.response.ended && open.includes(exchange)) open.splice(open.indexOf(exchange), 1);
    }
    assert.is(open.length, 0);
    exchanges.forEach((exchange, i) => {
      assert.is(server.requests[i]!.body, exchange.requestBody);
      assert.is(exchange.response.body, exchange.responseBody);
      assert.is(exchange.response.headers!.get("x-i"), String(i));
      assert.is(exchange.response.trailers !== null, exchange.trailers);
    });
    assert.is(server.error ?? client.error, null);
    assert.equal([server, client].map((side) => [side.stat("streams_active"), side.stat("pending_send_bytes")]), [[
      0,
      0,
    ], [0, 0]]);
    assert.is(client.streamsClosed, 30);
  });
}

/** Bytes of a conversation that make sense. */
function conversation(): string {
  const { peer } = new ServerSide();
  return settingsFrame([[1, 100], [4, 70_000]]) + peer.headers(1, GET, true) + peer.headers(3, POST, false, 10) +
    "\0\0\x05\0\0\0\0\0\x03hello\0\0\x04\x08\0\0\0\0\0\0\0\x10\0" + "\0\0\x08\x06\0\0\0\0\x0012345678" +
    "\0\0\x05\x02\0\0\0\0\x07\0\0\0\0\x10\0\0\x04\x03\0\0\0\0\x03\0\0\0\x08" +
    peer.headers(5, [...POST, ["content-length", "3"]], false) + "\0\0\x03\0\x01\0\0\0\x05abc" +
    "\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0";
}

test("no bytes make the server codec throw, nor leave a stream behind when it is over", () => {
  const random = new SeededRandom(9113);
  const base = conversation();
  for (let round = 0; round < 1200; round++) {
    const side = new ServerSide({ streamErrorOnInvalidMessage: round % 2 === 0 }, false);
    side.onRequestHead = (request) => {
      if (random.uint32() % 4 === 0) request.encoder!.resetStream(StreamResetReason.LocalReset);
      else if (random.uint32() % 3 === 0) request.encoder!.encodeHeaders(HeaderMap.of({ ":status": "200" }), true);
    };
    const bytes = [...base];
    for (let i = 0; i < 1 + (random.uint32() % 6); i++) {
      const at = random.uint32() % bytes.length;
      const byte = String.fromCharCode(random.uint32() & 255);
      const kind = random.uint32() % 4;
      if (kind === 0) bytes.splice(at, 1);
      else if (kind === 1) bytes.splice(at, 0, byte);
      else bytes[at] = byte;
    }
    const input = (round % 20 === 0 ? "" : PREFACE) + bytes.join("");
    const split = random.uint32() % input.length;
    side.feed(input.slice(0, split), input.slice(split));
    side.codec.onConnectionClosed();
    assert.is(side.stat("streams_active"), 0);
    assert.is(side.stat("pending_send_bytes"), 0);
  }
});

test("no bytes make the client codec throw, and every stream hears of its end", () => {
  const random = new SeededRandom(7540);
  const base = conversation().replaceAll("\x82", "\x88");
  for (let round = 0; round < 1200; round++) {
    const side = new ClientSide({ streamErrorOnInvalidMessage: round % 2 === 0 }, false);
    const sent = [side.send(), side.send({}, false), side.send()];
    const bytes = [...base];
    for (let i = 0; i < random.uint32() % 6; i++) {
      bytes[random.uint32() % bytes.length] = String.fromCharCode(random.uint32() & 255);
    }
    side.feed(bytes.join(""));
    side.codec.onConnectionClosed(StreamResetReason.ConnectionTermination, "");
    for (const { response } of sent) assert.ok(response.ended || response.reset !== null);
    assert.is(side.stat("streams_active"), 0);
  }
});

test.run();
