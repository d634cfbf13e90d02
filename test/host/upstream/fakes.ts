// test/host/upstream/fakes.ts: a dialer, connections and a codec that do what a test says.
import { Runtime } from "../../../host/base/runtime.ts";
import { fromLatin1, latin1Slice } from "../../../host/base/bytes.ts";
import { ManualClock } from "../../../host/base/clock.ts";
import { SeededRandom } from "../../../host/base/random.ts";
import type {
  ClientCodec,
  ClientCodecCallbacks,
  CodecError,
  Protocol,
  RequestEncoder,
  ResponseDecoder,
  StreamCallbacks,
} from "../../../host/http/codec.ts";
import { StreamResetReason } from "../../../host/http/codec.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import type { Connection, ConnectionHandler } from "../../../host/net/connection_port.ts";
import type { DialFailure, DialHandle } from "../../../host/net/dial.ts";
import { type CloseType, PeerType } from "../../../host/net/filter.ts";
import type { DnsResolverSource } from "../../../host/net/dns_resolvers.ts";
import { StatsStore } from "../../../host/observe/stats.ts";
import type { ConnectionInfo, SocketAddress } from "../../../host/observe/stream_info.ts";
import type { ClusterEnvironment } from "../../../host/upstream/cluster_environment.ts";
import type { DialCallbacks, Dialer, DialTarget } from "../../../host/upstream/conn_pool/dialer.ts";
import type { DnsAnswer, DnsQuery, DnsResolver } from "../../../host/upstream/discovery/discovery.ts";
import type { Host } from "../../../host/upstream/host.ts";
import type { HttpPoolCallbacks } from "../../../host/upstream/conn_pool/http_pool.ts";
import { type ClusterPlan, createClusterPlan, type EndpointPlan, NO_LOCALITY } from "../../../host/upstream/plan.ts";

let nextId = 1;

export class FakeConnection implements Connection {
  readonly info: ConnectionInfo;
  closed = false;
  queuedBytes = 0;
  written = "";
  ended = false;
  handler: ConnectionHandler | null = null;
  closeType: CloseType | null = null;
  closeDetails = "";
  /** Above 0 nothing is read. */
  readDisables = 0;

  constructor(address: SocketAddress) {
    this.info = {
      id: nextId++,
      localAddress: { address: "127.0.0.1", port: 50000, text: "127.0.0.1:50000" },
      directRemoteAddress: address,
      remoteAddress: address,
      requestedServerName: "",
      alpn: "",
      tls: null,
      terminationDetails: "",
      transportFailureReason: "",
    };
  }

  setHandler(handler: ConnectionHandler): void {
    this.handler = handler;
  }

  enableHalfClose(): void {}

  write(bytes: Uint8Array): void {
    this.written += latin1Slice(bytes, 0, bytes.length);
  }

  writeLatin1(text: string): void {
    this.written += text;
  }

  cork(): void {}
  uncork(): void {}

  end(): void {
    this.ended = true;
  }

  close(type: CloseType, details = ""): void {
    this.closeType = type;
    this.closeDetails = details;
    this.finish(PeerType.Local, details);
  }

  readDisable(disable: boolean): void {
    this.readDisables += disable ? 1 : -1;
  }

  setBufferLimitBytes(): void {}

  /** The connection is gone. */
  finish(by: PeerType, details = ""): void {
    if (this.closed) return;
    this.closed = true;
    this.handler?.onClose(by, details);
  }

  /** Bytes from the peer. */
  receive(text: string): void {
    this.handler!.onData(fromLatin1(text));
  }
}

export class FakeDial implements DialHandle {
  readonly target: DialTarget;
  readonly callbacks: DialCallbacks;
  cancelled = false;
  connection: FakeConnection | null = null;

  constructor(target: DialTarget, callbacks: DialCallbacks) {
    this.target = target;
    this.callbacks = callbacks;
  }

  cancel(): void {
    this.cancelled = true;
  }

  connect(): FakeConnection {
    const connection = this.connection = new FakeConnection(this.target.address);
    this.callbacks.onConnected(connection);
    return connection;
  }

  fail(reason: DialFailure["reason"], details = "delayed connect error: Connection refused"): void {
    this.callbacks.onFailure({ reason, details, code: "" });
  }
}

export class FakeDialer implements Dialer {
  readonly dials: FakeDial[] = [];

  dial(target: DialTarget, callbacks: DialCallbacks): DialHandle {
    const dial = new FakeDial(target, callbacks);
    this.dials.push(dial);
    return dial;
  }

  get last(): FakeDial {
    return this.dials.at(-1)!;
  }
}

/**
 * One stream at a time. Bytes: `h` is a response head, `e` its end, `r` head and end, `c` the same with
 * `connection: close`, `!` an error, `?` one that the codec
 * sees only when the response is over. Bytes after a response make the connection useless, as in the real one.
 */
export class FakeCodec implements ClientCodec {
  readonly protocol: Protocol = "HTTP/1.1";
  readonly connection: Connection;
  readonly callbacks: ClientCodecCallbacks;
  activeStreams = 0;
  reusable = true;
  decoder: (ResponseDecoder & StreamCallbacks) | null = null;

  constructor(connection: Connection, callbacks: ClientCodecCallbacks) {
    this.connection = connection;
    this.callbacks = callbacks;
  }

  newStream(decoder: ResponseDecoder & StreamCallbacks): RequestEncoder {
    if (this.decoder !== null) throw new Error("the stream before is not over");
    this.decoder = decoder;
    this.activeStreams = 1;
    return new FakeEncoder(this);
  }

  dispatch(bytes: Uint8Array): CodecError | null {
    for (const [index, byte] of bytes.entries()) {
      const letter = String.fromCharCode(byte);
      const more = index + 1 < bytes.length && bytes[index + 1] !== 63;
      if (letter === "?") return { status: 0, body: "", details: "http1.codec_error", message: "" };
      if (this.decoder === null) return null;
      if (letter === "!") {
        this.onConnectionClosed(StreamResetReason.ProtocolError, "");
        return { status: 0, body: "", details: "http1.codec_error", message: "" };
      }
      if (letter === "c") this.reusable = false;
      if (letter === "e") this.#end((decoder) => decoder.onData(undefined as never, true), more);
      else this.#head(letter !== "h", more);
    }
    return null;
  }

  #head(end: boolean, more: boolean): void {
    const headers = HeaderMap.of({ ":status": "200" });
    if (end) this.#end((decoder) => decoder.onHeaders(headers, true), more);
    else this.decoder!.onHeaders(headers, false);
  }

  #end(tell: (decoder: ResponseDecoder & StreamCallbacks) => void, more: boolean): void {
    const decoder = this.decoder!;
    this.decoder = null;
    this.activeStreams = 0;
    if (more) this.reusable = false;
    tell(decoder);
    this.callbacks.onStreamClosed();
  }

  onConnectionClosed(reason: StreamResetReason, details: string): void {
    const decoder = this.decoder;
    this.reusable = false;
    this.decoder = null;
    this.activeStreams = 0;
    decoder?.onResetStream(reason, details);
  }

  /** What `RequestEncoder.resetStream` does. */
  reset(): void {
    this.decoder = null;
    this.activeStreams = 0;
    this.reusable = false;
    this.connection.close("no_flush");
  }

  goAway(): void {}
  onUnderlyingConnectionAboveWriteBufferHighWatermark(): void {
    this.decoder?.onAboveWriteBufferHighWatermark();
  }
  onUnderlyingConnectionBelowWriteBufferLowWatermark(): void {
    this.decoder?.onBelowWriteBufferLowWatermark();
  }
}

class FakeEncoder implements RequestEncoder {
  readonly #codec: FakeCodec;

  constructor(codec: FakeCodec) {
    this.#codec = codec;
  }

  encodeHeaders(headers: HeaderMap): void {
    this.#codec.connection.writeLatin1(`${headers.method} ${headers.path}\n`);
  }
  encodeData(): void {}
  encodeTrailers(): void {}
  enableTunnel(): void {}
  readDisable(): void {}

  resetStream(): void {
    this.#codec.reset();
  }
}

/** A request: its stream, and what became of it, as words in order. */
export class FakeRequest implements ResponseDecoder, StreamCallbacks, HttpPoolCallbacks {
  readonly events: string[] = [];
  encoder: RequestEncoder | null = null;
  host: Host | null = null;
  connectionId = 0;
  /** Called inside of `onHeaders`, `onResetStream` and `onPoolFailure`. */
  onEvent: (event: string) => void = () => {};

  onPoolReady(encoder: RequestEncoder, host: Host, connection: ConnectionInfo, _p: Protocol, count: number): void {
    this.encoder = encoder;
    this.host = host;
    this.connectionId = connection.id;
    this.#add(`ready ${count}`);
  }

  onPoolFailure(reason: string, details: string, host: Host | null): void {
    this.#add(`failure ${reason} [${details}] ${host === null ? "no host" : host.address.text}`);
  }

  on1xxHeaders(): void {}

  onHeaders(_headers: HeaderMap, end: boolean): void {
    this.#add(end ? "response" : "head");
  }

  onData(_data: unknown, end: boolean): void {
    this.#add(end ? "end" : "data");
  }

  onTrailers(): void {}

  onResetStream(reason: string): void {
    this.#add(`reset ${reason}`);
  }

  onAboveWriteBufferHighWatermark(): void {
    this.#add("high");
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#add("low");
  }

  #add(event: string): void {
    this.events.push(event);
    this.onEvent(event);
  }
}

interface FakeQuery extends DnsQuery {
  readonly name: string;
  readonly family: string;
  cancelled: boolean;
  answer(answer: DnsAnswer): void;
}

export class FakeDns implements DnsResolver, DnsResolverSource {
  readonly queries: FakeQuery[] = [];

  resolve(name: string, family: string, callback: (answer: DnsAnswer) => void): DnsQuery {
    const query: FakeQuery = {
      name,
      family,
      cancelled: false,
      cancel() {
        query.cancelled = true;
      },
      answer(answer) {
        if (!query.cancelled) callback(answer);
      },
    };
    this.queries.push(query);
    return query;
  }

  /** It is every resolver. */
  get(): DnsResolver {
    return this;
  }

  get last(): FakeQuery {
    return this.queries.at(-1)!;
  }

  /** Answers the last query with addresses, each `address` or `address/ttl`. */
  answer(...addresses: string[]): void {
    this.last.answer({
      status: "completed",
      addresses: addresses.map((text) => {
        const [address, ttl] = text.split("/");
        return { address: address!, ttlSeconds: Number(ttl ?? 0) };
      }),
    });
  }
}

export interface FakeEnvironment extends ClusterEnvironment {
  readonly clock: ManualClock;
  readonly dialer: FakeDialer;
  readonly dns: FakeDns;
  readonly store: StatsStore;
  readonly codecs: FakeCodec[];
  readonly runtime: Runtime;
}

export function createFakeEnvironment(seed = 1): FakeEnvironment {
  const store = StatsStore.create();
  const codecs: FakeCodec[] = [];
  return {
    clock: new ManualClock(),
    random: new SeededRandom(seed),
    runtime: new Runtime(),
    stats: store,
    store,
    dialer: new FakeDialer(),
    dns: new FakeDns(),
    codecs,
    createClientCodec(connection, callbacks) {
      const codec = new FakeCodec(connection, callbacks);
      codecs.push(codec);
      return codec;
    },
  };
}

/** What a cluster that chooses hosts itself has in the place of a policy. */
export const CLUSTER_PROVIDED: ClusterPlan["loadBalancing"] = {
  policy: "CLUSTER_PROVIDED",
  panicThresholdPercent: 50,
};

export function endpoint(address: string, port: number, changes: Partial<EndpointPlan> = {}): EndpointPlan {
  return { address, port, hostname: "", weight: 1, health: "UNKNOWN", metadata: {}, ...changes };
}

/** A cluster with these endpoints at priority 0, each `address:port`. */
export function planWith(
  endpoints: readonly (string | EndpointPlan)[],
  changes: Partial<ClusterPlan> = {},
): ClusterPlan {
  const list = endpoints.map((item) => {
    if (typeof item !== "string") return item;
    const colon = item.lastIndexOf(":");
    return endpoint(item.slice(0, colon), Number(item.slice(colon + 1)));
  });
  return createClusterPlan("a", {
    localities: [{ priority: 0, locality: NO_LOCALITY, weight: 0, endpoints: list }],
    ...changes,
  });
}

export { PeerType, StreamResetReason };
