// host/http/h2/frame_writer.ts: frames into the connection, counted until the peer's system has them.
// pure: no I/O, no clock, no runtime globals
// hot: runs per frame; see bench/micro/h2.bench.ts
/**
 * A peer that asks and does not read makes frames pile up. The connection knows how many bytes wait; frames
 * are counted in groups by where in the stream of bytes they end, so that to count costs next to nothing.
 *
 * @see Envoy: source/common/http/http2/protocol_constraints.cc checkOutboundFrameLimits
 * @module
 */
import type { ByteQueue } from "../../base/byte_queue.ts";
import type { Connection } from "../../net/connection_port.ts";
import type { ByteSink } from "../codec.ts";
import { Http2Details } from "./errors.ts";
import { FRAME_HEADER_BYTES, FrameFlag, frameHeader, FrameType } from "./frame.ts";
import type { Http2Plan } from "./options.ts";
import type { Http2Stats } from "./stats.ts";

/** What the HTTP/2 codecs need of a connection. */
export interface Http2Connection extends ByteSink, Pick<Connection, "close" | "queuedBytes"> {}

const GROUP_FRAMES = 64;

/** Frames that were written one after the other. */
interface FrameGroup {
  /** Bytes written in all when its last frame was. */
  readonly endOffset: number;
  readonly frames: number;
  readonly controlFrames: number;
}

export class FrameWriter {
  readonly #connection: Http2Connection;
  readonly #plan: Http2Plan;
  readonly #stats: Http2Stats;
  readonly #onFlood: (details: string) => void;
  readonly #groups: FrameGroup[] = [];
  /** In the groups and since. */
  #frames = 0;
  #controlFrames = 0;
  #groupFrames = 0;
  #groupControlFrames = 0;
  #offset = 0;
  #flooded = false;
  #countedFrames = 0;
  #countedControlFrames = 0;

  /** `onFlood` is called once, from within a write. */
  constructor(connection: Http2Connection, plan: Http2Plan, stats: Http2Stats, onFlood: (details: string) => void) {
    this.#connection = connection;
    this.#plan = plan;
    this.#stats = stats;
    this.#onFlood = onFlood;
  }

  /** SETTINGS, PING, RST_STREAM, WINDOW_UPDATE, GOAWAY. */
  control(frame: string): void {
    this.#controlFrames++;
    this.#groupControlFrames++;
    this.#count(frame.length);
    this.#connection.writeLatin1(frame);
  }

  /** HEADERS with what follows. */
  headers(frames: string): void {
    this.#count(frames.length);
    this.#connection.writeLatin1(frames);
  }

  /** Takes `length` bytes out of `data`. */
  data(streamId: number, data: ByteQueue, length: number, end: boolean): void {
    const connection = this.#connection;
    this.#count(FRAME_HEADER_BYTES + length);
    const header = frameHeader(length, FrameType.Data, end ? FrameFlag.EndStream : 0, streamId);
    if (length === 0) return connection.writeLatin1(header);
    connection.cork();
    connection.writeLatin1(header);
    let left = length;
    for (let i = 0; left > 0; i++) {
      const chunk = data.chunkAt(i);
      connection.write(chunk.length <= left ? chunk : chunk.subarray(0, left));
      left -= chunk.length;
    }
    data.drain(length);
    connection.uncork();
  }

  /** Brings the statistics of frames that wait up to date. */
  publish(isOpen: boolean): void {
    this.#settle();
    const frames = isOpen ? this.#frames : 0;
    const controlFrames = isOpen ? this.#controlFrames : 0;
    this.#stats.outboundFramesActive.add(frames - this.#countedFrames);
    this.#stats.outboundControlFramesActive.add(controlFrames - this.#countedControlFrames);
    this.#countedFrames = frames;
    this.#countedControlFrames = controlFrames;
  }

  #count(bytes: number): void {
    this.#offset += bytes;
    this.#frames++;
    if (++this.#groupFrames >= GROUP_FRAMES) this.#closeGroup();
    const plan = this.#plan;
    if (this.#frames > plan.maxOutboundFrames || this.#controlFrames > plan.maxOutboundControlFrames) this.#check();
  }

  #closeGroup(): void {
    if (this.#connection.queuedBytes === 0) return this.#settle();
    this.#groups.push({
      endOffset: this.#offset,
      frames: this.#groupFrames,
      controlFrames: this.#groupControlFrames,
    });
    this.#groupFrames = this.#groupControlFrames = 0;
  }

  #settle(): void {
    const queued = this.#connection.queuedBytes;
    if (queued === 0) {
      this.#groups.length = 0;
      this.#frames =
        this.#controlFrames =
        this.#groupFrames =
        this.#groupControlFrames =
          0;
      return;
    }
    const sent = this.#offset - queued;
    let count = 0;
    for (const group of this.#groups) {
      if (group.endOffset > sent) break;
      this.#frames -= group.frames;
      this.#controlFrames -= group.controlFrames;
      count++;
    }
    if (count > 0) this.#groups.splice(0, count);
  }

  #check(): void {
    if (this.#flooded) return;
    this.#settle();
    const plan = this.#plan;
    const isControl = this.#controlFrames > plan.maxOutboundControlFrames;
    if (!isControl && this.#frames <= plan.maxOutboundFrames) return;
    this.#flooded = true;
    (isControl ? this.#stats.outboundControlFlood : this.#stats.outboundFlood).inc();
    this.#onFlood(isControl ? Http2Details.OutboundControlFlood : Http2Details.OutboundFlood);
  }
}
