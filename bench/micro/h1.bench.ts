// bench/micro/h1.bench.ts: the HTTP/1.1 codec: heads in, heads out, bodies.
/**
 * `node bench/micro/h1.bench.ts` · `deno run -A bench/micro/h1.bench.ts`
 *
 * The budget of a typical request of ten headers, parsed and serialised again, is 3 µs.
 */
import { bench, do_not_optimize, group } from "mitata";
import { ByteQueue } from "../../host/base/byte_queue.ts";
import { fromLatin1, latin1Write } from "../../host/base/bytes.ts";
import type { ResponseDecoder, ResponseEncoder, StreamCallbacks } from "../../host/http/codec.ts";
import { Http1ClientCodec } from "../../host/http/h1/client.ts";
import type { Http1Connection } from "../../host/http/h1/connection.ts";
import { createRequestParser } from "../../host/http/h1/parser.ts";
import { HTTP1_SERVER_DEFAULTS } from "../../host/http/h1/options.ts";
import { Http1ServerCodec } from "../../host/http/h1/server.ts";
import { HeaderMap } from "../../host/http/header_map.ts";
import { runWithin } from "./budget.ts";

const REQUEST = fromLatin1(
  "GET /api/v1/items/12345?expand=owner&limit=20 HTTP/1.1\r\nHost: shop.example.com\r\n" +
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
    "Accept: application/json, text/plain, */*\r\nAccept-Language: en-GB,en;q=0.7,de;q=0.3\r\n" +
    "Accept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n" +
    "Referer: https://shop.example.com/list\r\nX-Forwarded-For: 203.0.113.7\r\nCache-Control: no-cache\r\n\r\n",
);
const RESPONSE = fromLatin1(
  "HTTP/1.1 200 OK\r\nServer: upstream\r\nDate: Sat, 21 Nov 2026 14:15:23 GMT\r\nContent-Type: application/json\r\n" +
    'Content-Length: 100\r\nETag: "abcdef0123456789"\r\nCache-Control: max-age=60\r\n\r\n' + "x".repeat(100),
);
const SMALL_REQUEST = fromLatin1("GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n");
const CHUNKED = fromLatin1(
  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + `1000\r\n${"x".repeat(4096)}\r\n`.repeat(15) +
    "0\r\n\r\n",
);

/** Where bytes go: the flattening of the text is paid for, the system call is not. */
const target = new Uint8Array(256 * 1024);
let sunk = 0;
const connection: Http1Connection = {
  write(bytes): void {
    sunk += bytes.length;
  },
  writeLatin1(text): void {
    latin1Write(target, text, 0);
    sunk += text.length;
  },
  cork(): void {},
  uncork(): void {},
  readDisable(): void {},
  end(): void {},
  close(): void {},
};

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

/** A proxy of two codecs: request in, request out, response in, response out. */
class Proxy extends Sink {
  encoder: ResponseEncoder | null = null;
  readonly server = new Http1ServerCodec(connection, {
    onNewStream: (encoder) => {
      this.encoder = encoder;
      return this;
    },
    onGoAway(): void {},
  });
  readonly client = new Http1ClientCodec(connection, {
    onGoAway(): void {},
    onStreamClosed(): void {},
    onMaxStreamsChanged(): void {},
  });
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

const clientCallbacks = { onGoAway(): void {}, onStreamClosed(): void {}, onMaxStreamsChanged(): void {} };

group("request head", () => {
  const parser = createRequestParser(HTTP1_SERVER_DEFAULTS);
  bench("parse, 10 headers", () => parser.next(REQUEST, 0));
  bench("parse, 1 header", () => parser.next(SMALL_REQUEST, 0));

  parser.next(REQUEST, 0);
  const headers = parser.head.headers;
  const sink = new Sink();
  bench("serialise, 10 headers", () => {
    const client = new Http1ClientCodec(connection, clientCallbacks);
    return client.newStream(sink).encodeHeaders(headers, true);
  });

  const client = new Http1ClientCodec(connection, clientCallbacks);
  const answer = fromLatin1("HTTP/1.1 204 No Content\r\n\r\n");
  bench("parse, serialise, and a 204 back", () => {
    parser.next(REQUEST, 0);
    client.newStream(sink).encodeHeaders(parser.head.headers, true);
    client.dispatch(answer);
  });
});

group("whole exchange through both codecs", () => {
  const proxy = new Proxy();
  bench("10 headers, response of 100 bytes", () => {
    proxy.server.dispatch(REQUEST);
    proxy.client.dispatch(RESPONSE);
  });
  bench("1 header, response of 100 bytes", () => {
    proxy.server.dispatch(SMALL_REQUEST);
    proxy.client.dispatch(RESPONSE);
  });
});

group("bodies", () => {
  const sink = new Sink();
  let response: ResponseEncoder | null = null;
  const server = new Http1ServerCodec(connection, {
    onNewStream: (encoder) => {
      response = encoder;
      return sink;
    },
    onGoAway(): void {},
  });
  const empty = HeaderMap.of({ ":status": "200" });
  bench("61 KiB in 15 chunks", () => {
    server.dispatch(CHUNKED);
    response!.encodeHeaders(empty, true);
  });
});

await runWithin({ "parse, serialise, and a 204 back": 3000 });
console.log(`${sunk > 0 ? "wrote" : "wrote nothing"}`);
