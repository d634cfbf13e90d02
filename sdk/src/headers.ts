// sdk/src/headers.ts: header lists, in the filter and in the host.
import { MapType, Status } from "./enums";
import {
  proxy_add_header_map_value,
  proxy_get_header_map_pairs,
  proxy_get_header_map_size,
  proxy_get_header_map_value,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
  proxy_set_header_map_pairs,
} from "./imports.gen";
import {
  argument0,
  argument0Size,
  argument1,
  argument1Size,
  dropResult,
  expectBuffer,
  OUT,
  takeBuffer,
  takeString,
} from "./memory";

/**
 * A list of headers that lives in the filter: ordered, duplicates kept. What `HeaderMap.all()` gives and what
 * `HeaderMap.replaceAll()` and outgoing messages take. Changing it changes no message.
 */
export class Headers {
  /** The names, in order. */
  readonly names: string[] = [];
  /** The values, in the order of `names`. */
  readonly values: string[] = [];

  /** Number of entries. */
  get length(): i32 {
    return this.names.length;
  }

  /** Appends an entry; an existing one of that name stays. */
  add(name: string, value: string): Headers {
    this.names.push(name);
    this.values.push(value);
    return this;
  }

  /** The first value of `name` (which is lower-case in everything that the host gives), or null. */
  get(name: string): string | null {
    const index = this.names.indexOf(name);
    return index >= 0 ? this.values[index] : null;
  }

  /** The form in which header lists go to the host: a count, the sizes, then the texts, each ended by a NUL. */
  encode(): ArrayBuffer {
    const count = this.names.length;
    if (count == 0) return new ArrayBuffer(0);
    let size = 4 + count * 8;
    for (let i = 0; i < count; ++i) {
      size += String.UTF8.byteLength(this.names[i]) + String.UTF8.byteLength(this.values[i]) + 2;
    }
    const encoded = new ArrayBuffer(size);
    const base = changetype<usize>(encoded);
    store<u32>(base, count);
    let sizes = base + 4;
    let text = sizes + <usize>count * 8;
    for (let i = 0; i < count; ++i) {
      const nameSize = encodeText(this.names[i], text);
      text += nameSize + 1;
      const valueSize = encodeText(this.values[i], text);
      text += valueSize + 1;
      store<u32>(sizes, <u32>nameSize);
      store<u32>(sizes, <u32>valueSize, 4);
      sizes += 8;
    }
    return encoded;
  }

  /** The inverse of `encode`, for `size` bytes at `pointer` that the host wrote. */
  static decode(pointer: usize, size: usize): Headers {
    const headers = new Headers();
    if (size < 4) return headers;
    const count = load<u32>(pointer);
    let sizes = pointer + 4;
    let text = sizes + <usize>count * 8;
    for (let i: u32 = 0; i < count; ++i) {
      const nameSize = load<u32>(sizes);
      const valueSize = load<u32>(sizes, 4);
      sizes += 8;
      headers.names.push(String.UTF8.decodeUnsafe(text, nameSize));
      text += nameSize + 1;
      headers.values.push(String.UTF8.decodeUnsafe(text, valueSize));
      text += valueSize + 1;
    }
    return headers;
  }
}

/** Writes UTF-8 and the NUL after it; returns the size without the NUL. */
function encodeText(text: string, target: usize): usize {
  const size = String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, target);
  store<u8>(target + size, 0);
  return size;
}

/**
 * A view of headers or trailers that live in the host: every method is one host call and sees the message as it
 * is now. Names are matched whatever their case. Changes to a message that was already sent on are refused by
 * the host; the setters return its `Status`, which most filters need not look at.
 */
export class HeaderMap {
  constructor(private readonly type: MapType) {}

  /** The first value of `name`; null when there is no such header. An empty value is not null. */
  get(name: string): string | null {
    const pointer = argument0(name);
    if (proxy_get_header_map_value(this.type, pointer, argument0Size(), OUT, OUT + 4) != Status.Ok) {
      dropResult();
      return null;
    }
    return takeString();
  }

  /** The first value of `name`, or `fallback` when there is no such header. */
  getOr(name: string, fallback: string): string {
    const value = this.get(name);
    return value !== null ? value : fallback;
  }

  /** The bytes of the first value of `name`, for values that are not UTF-8; null when there is no such header. */
  getBytes(name: string): ArrayBuffer | null {
    const pointer = argument0(name);
    expectBuffer();
    if (proxy_get_header_map_value(this.type, pointer, argument0Size(), OUT, OUT + 4) != Status.Ok) {
      dropResult();
      return null;
    }
    return takeBuffer();
  }

  /** Whether there is such a header. */
  has(name: string): bool {
    return this.get(name) !== null;
  }

  /** Replaces every value of `name` by this one, and adds it when there is none. */
  set(name: string, value: string): Status {
    const pointer = argument0(name);
    const valuePointer = argument1(value);
    return proxy_replace_header_map_value(this.type, pointer, argument0Size(), valuePointer, argument1Size());
  }

  /** Adds a value; those that are there stay. */
  add(name: string, value: string): Status {
    const pointer = argument0(name);
    const valuePointer = argument1(value);
    return proxy_add_header_map_value(this.type, pointer, argument0Size(), valuePointer, argument1Size());
  }

  /** Removes every value of `name`; no effect when there is none. */
  remove(name: string): Status {
    const pointer = argument0(name);
    return proxy_remove_header_map_value(this.type, pointer, argument0Size());
  }

  /** A copy of everything, in order, names in lower case. Empty when there are none. */
  all(): Headers {
    if (proxy_get_header_map_pairs(this.type, OUT, OUT + 4) != Status.Ok) {
      dropResult();
      return new Headers();
    }
    const headers = Headers.decode(load<usize>(OUT), load<usize>(OUT, 4));
    dropResult();
    return headers;
  }

  /** Replaces everything, pseudo headers (`:path`, `:status`, …) included. */
  replaceAll(headers: Headers): Status {
    const encoded = headers.encode();
    return proxy_set_header_map_pairs(this.type, changetype<usize>(encoded), encoded.byteLength);
  }

  /** The size of all names and values in bytes, as the host counts them. */
  get byteSize(): u32 {
    return proxy_get_header_map_size(this.type, OUT) == Status.Ok ? load<u32>(OUT) : 0;
  }
}

/** The headers of a request. */
export class RequestHeaders extends HeaderMap {
  constructor() {
    super(MapType.RequestHeaders);
  }

  /** `GET`, `POST`, … */
  get method(): string {
    return this.getOr(":method", "");
  }

  set method(value: string) {
    this.set(":method", value);
  }

  /** Path and query, as sent: `/a/b?c=d`. */
  get path(): string {
    return this.getOr(":path", "");
  }

  set path(value: string) {
    this.set(":path", value);
  }

  /** The host that the client asked for; HTTP/1's `host` header. */
  get authority(): string {
    return this.getOr(":authority", "");
  }

  set authority(value: string) {
    this.set(":authority", value);
  }

  /** `http` or `https`. */
  get scheme(): string {
    return this.getOr(":scheme", "");
  }
}

/** The headers of a response. */
export class ResponseHeaders extends HeaderMap {
  constructor() {
    super(MapType.ResponseHeaders);
  }

  /** The status code; 0 when there is none yet. */
  get status(): i32 {
    const status = this.get(":status");
    return status !== null ? <i32>I32.parseInt(status) : 0;
  }

  set status(code: i32) {
    this.set(":status", code.toString());
  }
}
