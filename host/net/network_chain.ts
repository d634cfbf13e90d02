// host/net/network_chain.ts: runs the network filters of one connection.
// hot: runs per read and per write; see bench/micro/connection.bench.ts
/**
 * A chain is some filters and a terminal one. A terminal that is alone gets the socket's own connection: the
 * fast lane, nothing stands between. With filters in front it gets a `FilteredConnection`, which looks the
 * same: what it reads has passed the filters, what it writes passes them in reverse order.
 *
 * What a filter does not pass on is held for that filter alone, and given to it again with what comes next.
 *
 * @see Envoy: source/common/network/filter_manager_impl.cc
 * @module
 */
import { ByteQueue } from "../base/byte_queue.ts";
import type { Clock } from "../base/clock.ts";
import type { StreamInfo } from "../observe/stream_info.ts";
import type { Connection, ConnectionHandler } from "./connection_port.ts";
import type { NetworkFilterFactory, PeerType } from "./filter.ts";
import { type ChainSteps, FilterSlot } from "./filter_slot.ts";
import { FilteredConnection } from "./filtered_connection.ts";

/** What a terminal filter gets besides its connection. */
export interface TerminalContext {
  readonly info: StreamInfo;
  readonly clock: Clock;
  /** Tells the other filters that the upstream connection ended. */
  notifyUpstreamClose(by: PeerType): void;
  /** The chain counts the connection's bytes: filters may change or keep what the terminal one sees of them. */
  readonly countsBytes?: boolean;
}

/** Takes over a connection: sets its handler. tcp_proxy and http_connection_manager are such. */
export type TerminalFilterFactory = (connection: Connection, context: TerminalContext) => void;

/** The network filters of a filter chain, ready to be made for each connection. */
export interface NetworkChainFactories {
  readonly filters: readonly NetworkFilterFactory[];
  /** Null when the last of `filters` consumes the bytes itself, as echo does. */
  readonly terminal: TerminalFilterFactory | null;
  /** The terminal filter wants a FIN as an event, as tcp_proxy does; else it closes the connection. */
  readonly halfClose?: boolean;
  /** The connection ended before the filters let the terminal one begin. */
  readonly onUnreached?: (info: StreamInfo) => void;
}

/**
 * Makes a connection's filters and lets them begin. Filters hold up to `limitBytes` in each direction before
 * the source is paused; 0: no limit.
 */
export function startNetworkChain(
  connection: Connection,
  chain: NetworkChainFactories,
  info: StreamInfo,
  clock: Clock,
  limitBytes: number = 0,
): void {
  if (chain.filters.length === 0 && chain.terminal !== null) {
    chain.terminal(connection, { info, clock, notifyUpstreamClose: nobodyToTell });
    return;
  }
  new NetworkChain(connection, chain, info, clock, limitBytes).start();
}

function nobodyToTell(): void {}

/** The filters of one connection. */
class NetworkChain implements ConnectionHandler, ChainSteps {
  readonly connection: Connection;
  readonly info: StreamInfo;
  readonly clock: Clock;
  limitBytes: number;
  readonly #terminal: TerminalFilterFactory | null;
  readonly #halfClose: boolean;
  readonly #onUnreached: ((info: StreamInfo) => void) | null;
  readonly #slots: FilterSlot[] = [];
  readonly #filtered: FilteredConnection;
  readonly #scratch = new ByteQueue();
  #downHeldBytes = 0;
  #readPaused = false;
  #terminalStarted = false;
  #closed = false;

  constructor(
    connection: Connection,
    chain: NetworkChainFactories,
    info: StreamInfo,
    clock: Clock,
    limitBytes: number,
  ) {
    this.connection = connection;
    this.info = info;
    this.clock = clock;
    this.limitBytes = limitBytes;
    this.#terminal = chain.terminal;
    this.#halfClose = chain.halfClose === true;
    this.#onUnreached = chain.onUnreached ?? null;
    this.#filtered = new FilteredConnection(this);
    for (const create of chain.filters) {
      const slot = new FilterSlot(this, this.#slots.length);
      const filter = create(slot);
      if (filter === null) continue;
      slot.filter = filter;
      this.#slots.push(slot);
    }
  }

  start(): void {
    this.connection.enableHalfClose(this.#halfClose);
    this.connection.setHandler(this);
    if (!this.connection.closed) this.#passDown(0, this.#scratch, false);
  }

  // From the client.

  onData(bytes: Uint8Array): void {
    if (this.#terminal !== null) this.info.bytesReceived += bytes.length;
    this.#scratch.lend(bytes);
    this.#passDown(0, this.#scratch, false);
    this.#scratch.clear();
  }

  onEnd(): void {
    this.#passDown(0, this.#scratch, true);
  }

  onClose(by: PeerType, details: string): void {
    this.#closed = true;
    for (const slot of this.#slots) slot.filter.onDownstreamClose?.(by);
    if (this.#terminalStarted) this.#filtered.handler?.onClose(by, details);
    else this.#onUnreached?.(this.info);
    for (const slot of this.#slots) slot.filter.onDone?.();
    for (const slot of this.#slots) slot.filter.onLog?.();
    for (const slot of this.#slots) slot.filter.onDestroy?.();
  }

  onAboveWriteBufferHighWatermark(): void {
    this.#filtered.raise();
    for (const slot of this.#slots) slot.watermarks?.onAboveWriteBufferHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#filtered.lower();
    for (const slot of this.#slots) slot.watermarks?.onBelowWriteBufferLowWatermark();
  }

  /** Goes on after filter `index`, with what it held. */
  continueDown(index: number): void {
    if (this.#closed || this.connection.closed) return;
    const slot = this.#slots[index]!;
    slot.holdsConnection = false;
    const end = slot.downEnd;
    this.#passDown(index + 1, this.#takeDown(slot), end);
  }

  /** Gives `data` to the filters from `from` on. */
  #passDown(from: number, data: ByteQueue, end: boolean): void {
    let bytes = data;
    for (let i = from; i < this.#slots.length; i++) {
      const slot = this.#slots[i]!;
      if (!slot.started) {
        slot.started = true;
        const stopped = slot.callStart();
        if (this.#closed || this.connection.closed) return bytes.clear();
        // A filter that stops here sees bytes all the same; the filters after it do not even begin.
        slot.holdsConnection = stopped && slot.filter.onDownstreamData === undefined;
        if (stopped) return this.#holdDown(slot, bytes, end);
      }
      // One that does not look at bytes cannot let them pass by what it says of them.
      if (slot.holdsConnection) return this.#holdDown(slot, bytes, end);
      if (slot.downHeld.length > 0) {
        const held = this.#takeDown(slot);
        bytes.moveTo(held);
        bytes = held;
      }
      if (bytes.length === 0 && !end) continue;
      const stopped = slot.callDown(bytes, end);
      if (this.#closed || this.connection.closed) return bytes.clear();
      if (stopped) return this.#holdDown(slot, bytes, end);
    }
    this.#reachTerminal(bytes, end);
  }

  #reachTerminal(bytes: ByteQueue, end: boolean): void {
    if (this.#terminal === null) return bytes.clear();
    if (!this.#terminalStarted) {
      this.#terminalStarted = true;
      this.#terminal(this.#filtered, {
        info: this.info,
        clock: this.clock,
        notifyUpstreamClose: (by) => this.notifyUpstreamClose(by),
        countsBytes: true,
      });
    }
    this.#filtered.receive(bytes, end);
  }

  #takeDown(slot: FilterSlot): ByteQueue {
    const held = slot.takeDown();
    this.#countDownHeld(-held.length);
    return held;
  }

  #holdDown(slot: FilterSlot, bytes: ByteQueue, end: boolean): void {
    const before = slot.downHeld.length;
    slot.holdDown(bytes, end);
    this.#countDownHeld(slot.downHeld.length - before);
  }

  #countDownHeld(change: number): void {
    this.#downHeldBytes += change;
    const held = this.#downHeldBytes;
    if (!this.#readPaused) {
      if (this.limitBytes === 0 || held <= this.limitBytes) return;
      this.#readPaused = true;
      this.connection.readDisable(true);
    } else if (held <= this.limitBytes / 2) {
      this.#readPaused = false;
      this.connection.readDisable(false);
    }
  }

  // To the client.

  /** Goes on before filter `index`, with what it held. */
  continueUp(index: number): void {
    if (this.#closed || this.connection.closed) return;
    const slot = this.#slots[index]!;
    const end = slot.upEnd;
    this.passUp(index - 1, this.#takeUp(slot), end);
  }

  /** Gives `data` to the filters from `from` down to the first, then to the client. Empties `data`. */
  passUp(from: number, data: ByteQueue, end: boolean): void {
    let bytes = data;
    for (let i = Math.min(from, this.#slots.length - 1); i >= 0; i--) {
      const slot = this.#slots[i]!;
      if (slot.filter.onUpstreamData === undefined) continue;
      if (slot.upHeld.length > 0) {
        const held = this.#takeUp(slot);
        bytes.moveTo(held);
        bytes = held;
      }
      const stopped = slot.callUp(bytes, end);
      if (this.#closed || this.connection.closed) return bytes.clear();
      if (stopped) {
        const before = slot.upHeld.length;
        slot.holdUp(bytes, end);
        return this.#filtered.countHeld(slot.upHeld.length - before);
      }
    }
    if (this.#terminal !== null) this.info.bytesSent += bytes.length;
    for (let chunk = bytes.shift(); chunk !== null; chunk = bytes.shift()) this.connection.write(chunk);
    if (end) this.connection.end();
  }

  notifyUpstreamClose(by: PeerType): void {
    for (let i = this.#slots.length - 1; i >= 0; i--) this.#slots[i]!.filter.onUpstreamClose?.(by);
  }

  #takeUp(slot: FilterSlot): ByteQueue {
    const held = slot.takeUp();
    this.#filtered.countHeld(-held.length);
    return held;
  }
}
