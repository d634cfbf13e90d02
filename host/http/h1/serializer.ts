// host/http/h1/serializer.ts: heads, bodies and trailers to HTTP/1.1 bytes.
// pure: no I/O, no clock, no runtime globals
// hot: runs per message; see bench/micro/h1.bench.ts
/**
 * A head is one latin1 string. Framing is never taken from the map as it is: whoever calls says what the
 * length is, and what filters put beside that, or what HTTP/1 cannot carry, is left out and counted.
 *
 * @see Envoy: source/common/http/http1/codec_impl.cc StreamEncoderImpl::encodeHeadersBase
 * @see RFC 9112 §6, §7
 * @module
 */
import type { ByteQueue } from "../../base/byte_queue.ts";
import type { ByteSink } from "../codec.ts";
import { isWireSafeField } from "../header_map.ts";
import type { HeaderMap } from "../header_map.ts";
import { reasonPhrase } from "../status.ts";
import { BodyFraming, ConnectionOption, connectionOptions, parseContentLength } from "./message_head.ts";

/** What `appendFields` came across; valid until it is called again. */
export interface FieldsWritten {
  /** `content-length` stands in the text. */
  contentLength: boolean;
  /** `connection: close` stands in the text. */
  close: boolean;
  upgrade: boolean;
  /** Entries left out because HTTP/1 cannot carry them. */
  dropped: number;
}

export const written: FieldsWritten = { contentLength: false, close: false, upgrade: false, dropped: 0 };

const statusLines: string[] = [];

/** `HTTP/1.1 200 OK` with its line end. */
export function statusLine(status: number, version: number): string {
  if (version === 10) return `HTTP/1.0 ${status} ${reasonPhrase(status)}\r\n`;
  return statusLines[status] ??= `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`;
}

/** The one `content-length` of a map; -1 when there is none, several, or no number. */
export function declaredLength(headers: HeaderMap): number {
  const value = headers.getJoined("content-length");
  return value === null ? -1 : parseContentLength(value);
}

/**
 * Appends the field lines of a map, the pseudo-headers left out. `contentLength` replaces the value of
 * `content-length` where that stands in the map; below zero leaves it out.
 */
export function appendFields(
  text: string,
  headers: HeaderMap,
  contentLength: number,
  keepUpgrade: boolean,
  isRequest: boolean,
): string {
  const count = headers.fieldCount;
  const safe = headers.isWireSafe;
  let out = text;
  written.contentLength = written.close = written.upgrade = false;
  written.dropped = 0;
  for (let i = 0; i < count; i++) {
    const name = headers.fieldName(i);
    const value = headers.fieldValue(i);
    if (!safe && !isWireSafeField(name, value)) {
      written.dropped++;
      continue;
    }
    switch (name.length) {
      case 4:
        if (isRequest && name === "host") continue;
        break;
      case 7:
        if (name === "upgrade") {
          if (!keepUpgrade) continue;
          written.upgrade = true;
        }
        break;
      case 10:
        if (name === "keep-alive") continue;
        if (name === "connection") {
          if (keepUpgrade) break;
          if (!written.close && (connectionOptions(value) & ConnectionOption.Close) !== 0) {
            written.close = true;
            out += "connection: close\r\n";
          }
          continue;
        }
        break;
      case 14:
        if (name === "content-length") {
          if (contentLength >= 0 && !written.contentLength) {
            written.contentLength = true;
            out += "content-length: " + contentLength + "\r\n";
          }
          continue;
        }
        break;
      case 16:
        if (name === "proxy-connection") continue;
        break;
      case 17:
        if (name === "transfer-encoding") continue;
        break;
    }
    out += name + ": " + value + "\r\n";
  }
  return out;
}

/** Names that would change the framing or the meaning of a message after its body (RFC 9110 §6.5.1). */
export const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** The last chunk with its trailers. Those that may not be trailers are left out. */
function lastChunk(trailers: HeaderMap): string {
  let out = "0\r\n";
  for (let i = 0; i < trailers.fieldCount; i++) {
    const name = trailers.fieldName(i);
    const value = trailers.fieldValue(i);
    if (NOT_IN_TRAILERS.has(name) || !isWireSafeField(name, value)) continue;
    out += name + ": " + value + "\r\n";
  }
  return out + "\r\n";
}

/** What became of body bytes. */
export const BodyResult = {
  Written: 0,
  /** There were more bytes than `content-length` says; the rest was left out. */
  TooLong: 1,
  /** The body ended before `content-length` was reached: the message cannot be completed. */
  TooShort: 2,
} as const;
export type BodyResult = (typeof BodyResult)[keyof typeof BodyResult];

/** Writes the body of one message. */
export class BodyWriter {
  framing: BodyFraming = BodyFraming.None;
  /** Bytes that went to the sink: body and framing. */
  bytesWritten = 0;
  #remaining = 0;

  begin(framing: BodyFraming, length: number): void {
    this.framing = framing;
    this.#remaining = length;
  }

  /** Takes all bytes out of `data`. */
  write(sink: ByteSink, data: ByteQueue, end: boolean): BodyResult {
    switch (this.framing) {
      case BodyFraming.None:
        data.clear();
        return BodyResult.Written;
      case BodyFraming.Chunked:
        this.#writeChunk(sink, data, end);
        return BodyResult.Written;
      case BodyFraming.Length: {
        const excess = data.length - this.#remaining;
        if (excess > 0) {
          const whole = data.toBytes();
          if (this.#remaining > 0) sink.write(whole.subarray(0, this.#remaining));
          this.bytesWritten += this.#remaining;
          this.#remaining = 0;
          data.clear();
          return BodyResult.TooLong;
        }
        this.#remaining -= data.length;
        this.bytesWritten += data.length;
        writeAll(sink, data);
        return end && this.#remaining > 0 ? BodyResult.TooShort : BodyResult.Written;
      }
      default:
        this.bytesWritten += data.length;
        writeAll(sink, data);
        return BodyResult.Written;
    }
  }

  /** Ends the message with trailers, or without where they cannot be sent. */
  writeTrailers(sink: ByteSink, trailers: HeaderMap, enabled: boolean): BodyResult {
    if (this.framing === BodyFraming.Chunked) {
      const text = enabled ? lastChunk(trailers) : "0\r\n\r\n";
      this.bytesWritten += text.length;
      sink.writeLatin1(text);
    }
    return this.framing === BodyFraming.Length && this.#remaining > 0 ? BodyResult.TooShort : BodyResult.Written;
  }

  #writeChunk(sink: ByteSink, data: ByteQueue, end: boolean): void {
    const length = data.length;
    if (length === 0) {
      if (!end) return;
      this.bytesWritten += 5;
      sink.writeLatin1("0\r\n\r\n");
      return;
    }
    const size = length.toString(16) + "\r\n";
    this.bytesWritten += size.length + length + (end ? 7 : 2);
    sink.cork();
    sink.writeLatin1(size);
    writeAll(sink, data);
    sink.writeLatin1(end ? "\r\n0\r\n\r\n" : "\r\n");
    sink.uncork();
  }
}

/** Writes all bytes, and takes them out of `data`. */
export function writeAll(sink: ByteSink, data: ByteQueue): void {
  const count = data.chunkCount;
  if (count === 1) {
    sink.write(data.chunkAt(0));
    data.clear();
    return;
  }
  if (count === 0) return;
  sink.cork();
  for (let i = 0; i < count; i++) sink.write(data.chunkAt(i));
  sink.uncork();
  data.clear();
}
