// host/http/conn_manager/high_memory_streams.ts: resets the streams that hold most when memory runs short.
// pure: no I/O, no clock, no runtime globals
/**
 * Streams fall into classes by the number of bytes that wait in them, each class twice as wide as the one before. The
 * higher the pressure, the more classes are emptied, the largest streams first. What streams hold is asked when it
 * comes to that, and not kept account of meanwhile.
 *
 * Streams of HTTP/1 are none of them: as in Envoy, what those hold is not accounted for.
 *
 * @see Envoy: source/common/buffer/watermark_buffer.cc WatermarkBufferFactory::resetAccountsGivenPressure
 * @module
 */
import { type ResponseEncoder, type ServerCodec, StreamResetReason } from "../codec.ts";

/** A stream with what it holds. */
export interface StreamAccount {
  /** Bytes that wait in the proxy to go on, in either direction. */
  readonly bufferedBytes: number;
  /** Ends it without an answer. */
  shed(): void;
}

/** The streams of a connection, those included of which only the end of the response waits. */
export function* accountsOf(streams: Iterable<StreamAccount>, codec: ServerCodec): Generator<StreamAccount> {
  yield* streams;
  for (const encoder of codec.flushing?.() ?? []) yield flushingAccount(encoder);
}

function flushingAccount(encoder: ResponseEncoder): StreamAccount {
  return {
    bufferedBytes: encoder.pendingBytes ?? 0,
    shed: () => encoder.resetStream(StreamResetReason.OverloadManager),
  };
}

const CLASSES = 8;
/** No more at once, so that this does not take the time of all others. */
const MAX_RESETS = 50;

/**
 * Resets what the pressure, from 0 to 1, asks for, of streams with at least half of two to the power of `minimum`
 * bytes (that is where Envoy's first class begins). Returns how many that were.
 */
export function resetHighMemoryStreams(streams: Iterable<StreamAccount>, pressure: number, minimum: number): number {
  const classes: StreamAccount[][] = Array.from({ length: CLASSES }, () => []);
  const leastBytes = 2 ** (minimum - 1);
  for (const stream of streams) {
    const bytes = stream.bufferedBytes;
    if (bytes < leastBytes) continue;
    classes[Math.min(Math.floor(Math.log2(bytes / leastBytes)), CLASSES - 1)]!.push(stream);
  }
  let resets = 0;
  const emptied = Math.min(Math.floor(pressure * CLASSES) + 1, CLASSES);
  for (const streamsOfClass of classes.slice(-emptied).reverse()) {
    for (const stream of streamsOfClass) {
      if (resets === MAX_RESETS) return resets;
      stream.shed();
      resets++;
    }
  }
  return resets;
}
