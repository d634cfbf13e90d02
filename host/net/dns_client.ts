// host/net/dns_client.ts: asks name servers for addresses, by UDP or TCP.
/**
 * A query goes to one server after the other, until one answers or all were asked as often as allowed. What does
 * not fit into a datagram is asked for again by TCP. Each query has a socket, and so a port, of its own.
 *
 * Answers, failures and their texts are those of Envoy's c-ares.
 *
 * @see RFC 1035, RFC 7766
 * @module
 */
import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import type { Clock, Timer } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { SocketAddress } from "../observe/stream_info.ts";
import { parseAddress } from "./address.ts";
import {
  decodeResponse,
  type DnsQuestion,
  type DnsRecord,
  type DnsResponse,
  encodeQuery,
  RecordType,
  ResponseCode,
} from "./dns_message.ts";
import type { ResolvConf } from "./resolv_conf.ts";
import { searchedNames } from "./resolv_conf.ts";
import { connectOptions, connectSocket, type Socket } from "./socket.ts";

export interface DnsClientOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Its servers are asked. */
  readonly config: ResolvConf;
  readonly useTcp: boolean;
  /** For an attempt; doubles with each round. */
  readonly timeoutMs: number;
  /** How often each server is asked. */
  readonly tries: number;
  /** Queries begin with different servers, in turn. */
  readonly rotate: boolean;
}

/** What a look-up found. An empty list of records says that there are none. */
export type DnsFound =
  | { readonly records: readonly DnsRecord[]; readonly details: string }
  | { readonly failure: string; readonly timeouts: number };

export const FOUND_DETAILS = "cares_success:Successful completion";
export const NO_DATA_DETAILS = "cares_norecords:DNS server returned answer with no data";
export const NO_NAME_DETAILS = "cares_norecords:Domain name not found";

const MISFORMATTED = "Misformatted domain name";
const TIMEOUT = "Timeout while contacting DNS servers";
const UNREACHABLE = "Could not contact DNS servers";
const BAD_RESPONSE = "Misformatted DNS reply";
const FAILURES: Readonly<Record<number, string>> = {
  [ResponseCode.FormatError]: "DNS server claims query was misformatted",
  [ResponseCode.ServerFailure]: "DNS server returned general failure",
  [ResponseCode.NotImplemented]: "DNS server does not implement requested operation",
  [ResponseCode.Refused]: "DNS server refused query",
};

export class DnsClient {
  readonly options: DnsClientOptions;
  readonly servers: readonly SocketAddress[];
  #turn = 0;

  constructor(options: DnsClientOptions) {
    this.options = options;
    this.servers = options.config.servers.map((server) => parseAddress(server)!);
  }

  /** Asks for a name's addresses of one family. The callback comes once, later, unless the look-up is cancelled. */
  lookup(name: string, version: 4 | 6, callback: (found: DnsFound) => void): { cancel(): void } {
    const first = this.options.rotate && this.servers.length > 0 ? this.#turn++ % this.servers.length : 0;
    return new NameLookup(this, searchedNames(name, this.options.config), version, first, callback);
  }
}

/** Asks for a name, and then for longer ones, until one has addresses. */
class NameLookup {
  readonly #client: DnsClient;
  readonly #names: readonly string[];
  readonly #type: RecordType;
  readonly #firstServer: number;
  readonly #callback: (found: DnsFound) => void;
  #next = 0;
  /** A name was there, although without addresses. */
  #nameExists = false;
  #exchange: Exchange | null = null;

  constructor(
    client: DnsClient,
    names: readonly string[],
    version: 4 | 6,
    firstServer: number,
    callback: (found: DnsFound) => void,
  ) {
    this.#client = client;
    this.#names = names;
    this.#type = version === 4 ? RecordType.A : RecordType.AAAA;
    this.#firstServer = firstServer;
    this.#callback = callback;
    this.#ask();
  }

  cancel(): void {
    this.#exchange?.close();
  }

  #ask(): void {
    const name = this.#names[this.#next++]!;
    const question = { id: this.#client.options.random.uint32() & 0xffff, name, type: this.#type };
    this.#exchange = new Exchange(this.#client, question, this.#firstServer, (result) => this.#onResult(result));
  }

  #onResult(result: DnsResponse | { readonly failure: string; readonly timeouts: number }): void {
    if ("failure" in result) return this.#callback(result);
    if (result.records.length > 0) return this.#callback({ records: result.records, details: FOUND_DETAILS });
    if (result.code === ResponseCode.NoError) this.#nameExists = true;
    if (this.#next < this.#names.length) return this.#ask();
    this.#callback({ records: [], details: this.#nameExists ? NO_DATA_DETAILS : NO_NAME_DETAILS });
  }
}

/** One question, asked of the servers until one answers. */
class Exchange {
  readonly #client: DnsClient;
  readonly #question: DnsQuestion;
  readonly #firstServer: number;
  readonly #callback: (result: DnsResponse | { readonly failure: string; readonly timeouts: number }) => void;
  readonly #timer: Timer;
  #attempt = 0;
  #useTcp: boolean;
  #failure = UNREACHABLE;
  #timeouts = 0;
  #closed = false;
  #datagrams: DatagramSocket | null = null;
  #stream: Socket | null = null;

  constructor(
    client: DnsClient,
    question: DnsQuestion,
    firstServer: number,
    callback: (result: DnsResponse | { readonly failure: string; readonly timeouts: number }) => void,
  ) {
    this.#client = client;
    this.#question = question;
    this.#firstServer = firstServer;
    this.#callback = callback;
    this.#useTcp = client.options.useTcp;
    this.#timer = client.options.clock.createTimer(() => {
      this.#timeouts++;
      this.#tryNext(TIMEOUT);
    });
    this.#try();
  }

  close(): void {
    this.#closed = true;
    this.#stop();
  }

  #try(): void {
    const { servers, options } = this.#client;
    const query = encodeQuery(this.#question);
    if (query === null) return this.#later(MISFORMATTED);
    if (servers.length === 0 || this.#attempt >= servers.length * options.tries) return this.#later(this.#failure);
    const server = servers[(this.#firstServer + this.#attempt) % servers.length]!;
    this.#timer.enable(options.timeoutMs * 2 ** Math.floor(this.#attempt / servers.length));
    this.#attempt++;
    if (this.#useTcp) this.#askByTcp(server, query);
    else this.#askByUdp(server, query);
  }

  /** Gives up, but not before whoever asked has gone on. */
  #later(failure: string): void {
    queueMicrotask(() => this.#finish({ failure: `cares_failure:${failure}`, timeouts: this.#timeouts }));
  }

  #tryNext(failure: string): void {
    if (this.#closed) return;
    this.#failure = failure;
    this.#stop();
    this.#try();
  }

  #finish(result: DnsResponse | { readonly failure: string; readonly timeouts: number }): void {
    if (this.#closed) return;
    this.close();
    this.#callback(result);
  }

  #stop(): void {
    this.#timer.disable();
    const datagrams = this.#datagrams, stream = this.#stream;
    this.#datagrams = null;
    this.#stream = null;
    datagrams?.close();
    stream?.destroy();
  }

  #askByUdp(server: SocketAddress, query: Uint8Array): void {
    const socket = createSocket(server.address.includes(":") ? "udp6" : "udp4");
    this.#datagrams = socket;
    socket.on("error", () => {
      if (this.#datagrams === socket) this.#tryNext(UNREACHABLE);
    });
    // What is no answer to the question, or comes from someone else, is not looked at.
    socket.on("message", (bytes, from) => {
      if (this.#datagrams !== socket || from.port !== server.port) return;
      const response = decodeResponse(bytes, this.#question);
      if (response !== null) this.#onResponse(response);
    });
    // A connected socket takes answers from this server alone, and learns that there is none.
    const onConnected = (error?: Error): void => {
      if (this.#datagrams !== socket) return;
      if (error === undefined || error === null) socket.send(query);
      else this.#tryNext(UNREACHABLE);
    };
    socket.connect(server.port, server.address, onConnected);
  }

  #askByTcp(server: SocketAddress, query: Uint8Array): void {
    const socket = connectSocket(
      connectOptions({ address: server, noDelay: true, localAddress: null, keepAliveMs: null, readTarget: null }),
    );
    this.#stream = socket;
    let received: Uint8Array = new Uint8Array(0);
    socket.on("connect", () => socket.write(Uint8Array.of(query.length >> 8, query.length & 0xff, ...query)));
    socket.on("data", (bytes: Uint8Array) => {
      if (this.#stream !== socket) return;
      received = Uint8Array.of(...received, ...bytes);
      const length = received.length < 2 ? Infinity : received[0]! << 8 | received[1]!;
      if (received.length < 2 + length) return;
      const response = decodeResponse(received.subarray(2, 2 + length), this.#question);
      if (response === null) this.#tryNext(BAD_RESPONSE);
      else this.#onResponse(response);
    });
    socket.on("close", () => {
      if (this.#stream === socket) this.#tryNext(UNREACHABLE);
    });
  }

  #onResponse(response: DnsResponse): void {
    if (response.truncated && !this.#useTcp) {
      this.#useTcp = true;
      // The same server, once more.
      this.#attempt--;
      return this.#tryNext(this.#failure);
    }
    if (response.code === ResponseCode.NoError || response.code === ResponseCode.NameError) {
      return this.#finish(response);
    }
    this.#tryNext(FAILURES[response.code] ?? BAD_RESPONSE);
  }
}
