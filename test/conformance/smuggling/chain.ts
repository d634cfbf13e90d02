// test/conformance/smuggling/chain.ts: a connection manager in front of HTTP/1.1 upstreams, without a socket.
/** @module */
import { ByteQueue } from "../../../host/base/byte_queue.ts";
import {
  DataStatus,
  HeadersStatus,
  type HttpFilter,
  type TerminalFilterStream,
  TrailersStatus,
} from "../../../host/http/filter.ts";
import type { RequestEncoder } from "../../../host/http/codec.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { PeerType } from "../../../host/net/filter.ts";
import { ClientHarness, RecordedMessage } from "../../host/http/h1/harness.ts";
import { readMessages } from "../../host/http/h1/oracle.ts";
import { Downstream, type Options } from "../../host/http/conn_manager/downstream.ts";
import { queue } from "../../host/http/support.ts";
import type { Outcome } from "./case.ts";

/** Stands where the router stands: each request goes to a connection of its own, and is answered when it is whole. */
class Forward implements HttpFilter {
  readonly #stream: TerminalFilterStream;
  readonly #upstreams: ClientHarness[];
  #encoder: RequestEncoder | null = null;

  constructor(stream: TerminalFilterStream, upstreams: ClientHarness[]) {
    this.#stream = stream;
    this.#upstreams = upstreams;
  }

  onRequestHeaders(headers: HeaderMap, end: boolean): HeadersStatus {
    if (headers.method === "CONNECT" || headers.protocol !== null) {
      this.#stream.sendLocalReply({ status: 404, details: "route_not_found" });
      return HeadersStatus.StopIteration;
    }
    const upstream = new ClientHarness();
    this.#upstreams.push(upstream);
    this.#encoder = upstream.codec.newStream(new RecordedMessage());
    const problem = this.#encoder.encodeHeaders(headers, end);
    if (typeof problem === "string") throw new Error(`a request that cannot be sent came through: ${problem}`);
    if (end) this.#answer();
    return HeadersStatus.StopIteration;
  }

  onRequestBody(body: ByteQueue, end: boolean): DataStatus {
    const copy = new ByteQueue();
    copy.push(body.toBytes().slice());
    body.clear();
    this.#encoder?.encodeData(copy, end);
    if (end) this.#answer();
    return DataStatus.StopIterationNoBuffer;
  }

  onRequestTrailers(trailers: HeaderMap): TrailersStatus {
    this.#encoder?.encodeTrailers(trailers);
    this.#answer();
    return TrailersStatus.StopIteration;
  }

  #answer(): void {
    this.#stream.info.responseCodeDetails = "via_upstream";
    this.#stream.encodeHeaders(HeaderMap.of({ ":status": "200", "content-length": "2" }), false);
    this.#stream.encodeData(queue("ok"), true);
  }
}

export interface Played extends Outcome {
  /** All that each upstream connection got. */
  readonly sent: readonly string[];
}

/** Plays a client's bytes, in these pieces, and then its end. */
export async function playConnection(pieces: readonly string[], options: Options = {}): Promise<Played> {
  const upstreams: ClientHarness[] = [];
  const log: string[] = [];
  const down = new Downstream({
    ...options,
    configure: ({ routes }) => ({
      // A route by prefix takes no CONNECT.
      routes: {
        current: () => ({
          name: "t",
          route: (headers, ...facts) =>
            headers.method === "CONNECT" ? null : routes.current()!.route(headers, ...facts),
        }),
      },
      filters: [
        { name: "forward", disabled: false, terminal: true, create: (stream) => new Forward(stream, upstreams) },
      ],
      accessLoggers: [{
        log({ info, requestHeaders }) {
          log.push(`${info.responseCode}|${info.responseCodeDetails}|${requestHeaders?.method ?? "-"}`);
        },
      }],
    }),
  });
  for (const piece of pieces) {
    if (down.connection.closed) break;
    down.feed(piece);
    await settle();
  }
  const closed = down.connection.closed;
  down.connection.finish(PeerType.Remote);
  const sent = upstreams.map((each) => each.connection.output);
  const upstream = sent.flatMap((text) => {
    const messages = readMessages(text, "request");
    return typeof messages === "string" ? [] : messages.map((message) => message.start);
  });
  return { log, upstream, closed, sent };
}

/** Until what was sent ahead is served. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await Promise.resolve();
}
