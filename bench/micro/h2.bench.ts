// bench/micro/h2.bench.ts: the HTTP/2 codec: header blocks in and out, whole exchanges, bodies.
/**
 * `node bench/micro/h2.bench.ts` · `deno run -A bench/micro/h2.bench.ts`
 *
 * The budget of an exchange of ten headers through a server and a client codec is 6 µs.
 */
import { bench, do_not_optimize, group } from "mitata";
import { ByteQueue } from "../../host/base/byte_queue.ts";
import { fromLatin1, latin1Write } from "../../host/base/bytes.ts";
import { ManualClock } from "../../host/base/clock.ts";
import { SeededRandom } from "../../host/base/random.ts";
import type { ResponseDecoder, ResponseEncoder, StreamCallbacks } from "../../host/http/codec.ts";
import { Http2ClientCodec } from "../../host/http/h2/client.ts";
import {
  frameHeader,
  FrameType,
  headersFrames,
  PREFACE,
  settingsFrame,
  windowUpdateFrame,
} from "../../host/http/h2/frame.ts";
import type { Http2Connection } from "../../host/http/h2/frame_writer.ts";
import { requestBlock } from "../../host/http/h2/header_writer.ts";
import { HpackDecoder } from "../../host/http/h2/hpack_decoder.ts";
import { HpackEncoder } from "../../host/http/h2/hpack_encoder.ts";
import type { HpackField } from "../../host/http/h2/hpack_field.ts";
import { decodeHuffman, encodeHuffman, maxDecodedLength } from "../../host/http/h2/huffman.ts";
import { HTTP2_CLIENT_DEFAULTS, HTTP2_SERVER_DEFAULTS } from "../../host/http/h2/options.ts";
import { Http2ServerCodec } from "../../host/http/h2/server.ts";
import { Http2Stats } from "../../host/http/h2/stats.ts";
import { HeaderMap } from "../../host/http/header_map.ts";
import { StatsStore } from "../../host/observe/stats.ts";
import { runWithin } from "./budget.ts";

const REQUEST: readonly (readonly [string, string])[] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/api/v1/items/12345?expand=owner&limit=20"],
  [":authority", "shop.example.com"],
  ["user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"],
  ["accept", "application/json, text/plain, */*"],
  ["accept-language", "en-GB,en;q=0.7,de;q=0.3"],
  ["accept-encoding", "gzip, deflate, br"],
  ["cookie", "session=0123456789abcdef0123456789abcdef"],
  ["referer", "https://shop.example.com/list"],
  ["x-forwarded-for", "203.0.113.7"],
  ["cache-control", "no-cache"],
];
const RESPONSE: readonly (readonly [string, string])[] = [
  [":status", "200"],
  ["server", "upstream"],
  ["date", "Sat, 21 Nov 2026 14:15:23 GMT"],
  ["content-type", "application/json"],
  ["content-length", "100"],
  ["etag", '"abcdef0123456789"'],
  ["cache-control", "max-age=60"],
];

/** A block as an encoder writes it when it has seen its fields before, behind the two that taught it. */
function blocks(fields: readonly (readonly [string, string])[]): [string, string, string] {
  const encoder = new HpackEncoder();
  const block = (): string => fields.reduce((text, [name, value]) => text + encoder.field(name, value), "");
  return [block(), block(), block()];
}

const target = new Uint8Array(256 * 1024);
let sunk = 0;
const connection: Http2Connection = {
  queuedBytes: 0,
  write(bytes): void {
    sunk += bytes.length;
  },
  writeLatin1(text): void {
    latin1Write(target, text, 0);
    sunk += text.length;
  },
  cork(): void {},
  uncork(): void {},
  close(): void {},
};

const stats = new Http2Stats(StatsStore.create(1).scope("b"));
const timing = { clock: new ManualClock(), random: new SeededRandom(1) };

class Sink implements ResponseDecoder, StreamCallbacks {
  onHeaders(headers: HeaderMap): void {
    do_not_optimize(headers);
  }
  on1xxHeaders(): void {}
  onData(data: ByteQueue): void {
    sunk += data.length;
  }
  onTrailers(): void {}
  onResetStream(): void {
    throw new Error("reset");
  }
  onAboveWriteBufferHighWatermark(): void {}
  onBelowWriteBufferLowWatermark(): void {}
}

/** A proxy of two codecs. */
class Proxy extends Sink {
  encoder: ResponseEncoder | null = null;
  readonly server = new Http2ServerCodec(
    connection,
    {
      onNewStream: (encoder) => {
        this.encoder = encoder;
        return this;
      },
      onGoAway(): void {},
    },
    { ...HTTP2_SERVER_DEFAULTS, maxWindowUpdatesPerDataFrame: 1e9 },
    stats,
    timing,
  );
  readonly client = new Http2ClientCodec(
    connection,
    { onGoAway(): void {}, onStreamClosed(): void {}, onMaxStreamsChanged(): void {} },
    HTTP2_CLIENT_DEFAULTS,
    stats,
    timing,
  );
  readonly response = new ProxyResponse(this);

  override onHeaders(headers: HeaderMap): void {
    headers.set("x-forwarded-proto", "http");
    headers.set("x-request-id", "01234567-89ab-4def-8123-456789abcdef");
    headers.set("x-envoy-expected-rq-timeout-ms", "15000");
    this.client.newStream(this.response).encodeHeaders(headers, true);
  }
}

class ProxyResponse extends Sink {
  readonly proxy: Proxy;
  constructor(proxy: Proxy) {
    super();
    this.proxy = proxy;
  }
  override onHeaders(headers: HeaderMap): void {
    headers.set("x-envoy-upstream-service-time", "0");
    headers.set("server", "envoy");
    this.proxy.encoder!.encodeHeaders(headers, false);
  }
  override onData(data: ByteQueue, end?: boolean): void {
    this.proxy.encoder!.encodeData(data, end ?? false);
  }
}

/** Puts a stream's number into the frame that begins at `at`. */
function setStream(bytes: Uint8Array, at: number, id: number): void {
  bytes[at + 5] = id >>> 24;
  bytes[at + 6] = (id >> 16) & 255;
  bytes[at + 7] = (id >> 8) & 255;
  bytes[at + 8] = id & 255;
}

group("header blocks", () => {
  const sink = {
    onField(field: HpackField): void {
      do_not_optimize(field);
    },
  };
  const [first, second, third] = blocks(REQUEST).map(fromLatin1) as [Uint8Array, Uint8Array, Uint8Array];
  const decoder = new HpackDecoder();
  for (const block of [first, second]) decoder.decode(block, 0, block.length, sink);
  bench("decode 12 fields, all of them known", () => decoder.decode(third, 0, third.length, sink));
  const fresh = new HpackDecoder();
  bench("decode 12 fields, none of them known", () => fresh.decode(first, 0, first.length, sink));

  const headers = HeaderMap.of(REQUEST);
  const encoder = new HpackEncoder();
  bench("encode 12 fields, all of them known", () => latin1Write(target, requestBlock(encoder, headers), 0));

  const text = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
  const code = fromLatin1(encodeHuffman(text));
  const decoded = new Uint8Array(maxDecodedLength(code.length));
  bench("Huffman, decode 70 characters", () => decodeHuffman(code, 0, code.length, decoded));
  bench("Huffman, encode 70 characters", () => encodeHuffman(text));
});

group("whole exchange through both codecs", () => {
  const proxy = new Proxy();
  const requests = blocks(REQUEST);
  const responses = blocks(RESPONSE);
  proxy.server.dispatch(fromLatin1(PREFACE + settingsFrame([[4, 0x7fffffff]]) + windowUpdateFrame(0, 0x7fff0000)));
  proxy.client.dispatch(fromLatin1(settingsFrame([])));
  const body = "x".repeat(100);
  const frames = (blocks: [string, string, string]) => (index: number, tail: string): Uint8Array =>
    fromLatin1(headersFrames(1, blocks[index]!, tail === "", 16384) + tail);
  const request = frames(requests);
  const response = frames(responses);
  const dataFrame = frameHeader(100, FrameType.Data, 1, 1) + body;
  let id = -1;
  const exchange = (ask: Uint8Array, answer: Uint8Array): void => {
    id += 2;
    setStream(ask, 0, id);
    setStream(answer, 0, id);
    setStream(answer, answer.length - 109, id);
    proxy.server.dispatch(ask);
    proxy.client.dispatch(answer);
    // The window would be used up.
    if (id % 4001 === 0) proxy.server.dispatch(fromLatin1(windowUpdateFrame(0, 200_000)));
  };
  for (const i of [0, 1]) exchange(request(i, ""), response(i, dataFrame));
  const known = [request(2, ""), response(2, dataFrame)] as const;
  bench("12 fields, response of 7 fields and 100 bytes", () => exchange(known[0], known[1]));
});

group("bodies", () => {
  const sink = new Sink();
  const server = new Http2ServerCodec(
    connection,
    { onNewStream: () => sink, onGoAway(): void {} },
    HTTP2_SERVER_DEFAULTS,
    stats,
    timing,
  );
  server.dispatch(fromLatin1(PREFACE + settingsFrame([]) + headersFrames(1, blocks(REQUEST)[0], false, 16384)));
  const upload = fromLatin1((frameHeader(16384, FrameType.Data, 0, 1) + "x".repeat(16384)).repeat(4));
  bench("64 KiB in 4 frames, received", () => server.dispatch(upload));

  const client = new Proxy();
  client.client.dispatch(fromLatin1(settingsFrame([[4, 0x7fffffff]]) + windowUpdateFrame(0, 0x7fff0000)));
  const chunk = new Uint8Array(65536);
  const headers = HeaderMap.of([...REQUEST.slice(0, 4)]);
  const queue = new ByteQueue();
  let sent = 0;
  let stream = client.client.newStream(sink);
  stream.encodeHeaders(headers, false);
  bench("64 KiB, sent", () => {
    sent += 65536;
    if (sent > 0x70000000) {
      // A connection's window cannot grow for ever in one direction: another connection.
      sent = 0;
      const next = new Proxy();
      next.client.dispatch(fromLatin1(settingsFrame([[4, 0x7fffffff]]) + windowUpdateFrame(0, 0x7fff0000)));
      stream = next.client.newStream(sink);
      stream.encodeHeaders(headers, false);
    }
    queue.push(chunk);
    stream.encodeData(queue, false);
  });
});

await runWithin({ "12 fields, response of 7 fields and 100 bytes": 6000 });
console.log(`${sunk > 0 ? "wrote" : "wrote nothing"}`);
