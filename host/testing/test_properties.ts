// host/testing/test_properties.ts: what a filter under test may ask about streams.
/**
 * What the test gives wins; besides there is what the harness knows of a stream by itself.
 *
 * @module
 */
import type { PropertyPort, PropertyValue, StreamPort } from "../wasm/mod.ts";
import type { StreamInfo } from "../observe/stream_info.ts";

/** A value of a property as tests write it. Numbers are 64-bit integers for the filter. */
export type PropertyInit = string | number | bigint | boolean | Uint8Array;

export class TestProperties implements PropertyPort {
  readonly #given: ReadonlyMap<string, PropertyValue>;

  constructor(given: Readonly<Record<string, PropertyInit>>) {
    this.#given = new Map(Object.entries(given).map(([path, value]) => [path, toPropertyValue(value)]));
  }

  get(stream: StreamPort | null, path: readonly string[]): PropertyValue | null {
    const given = this.#given.get(path.join("."));
    if (given !== undefined) return given;
    return stream === null ? null : streamProperty(infoOf(stream), path);
  }

  getState(stream: StreamPort, key: string): Uint8Array | null {
    return infoOf(stream).filterState.get(key)?.value ?? null;
  }

  setState(stream: StreamPort, key: string, value: Uint8Array): boolean {
    const state = infoOf(stream).filterState;
    if (state.get(key)?.readOnly === true) return false;
    state.set(key, { value, readOnly: false });
    return true;
  }
}

/** The streams of the harness are filter slots, which have it. */
function infoOf(stream: StreamPort): StreamInfo {
  return (stream as unknown as { readonly info: StreamInfo }).info;
}

function streamProperty(info: StreamInfo, path: readonly string[]): PropertyValue | null {
  const { connection } = info;
  switch (path.join(".")) {
    case "source.address":
      return { kind: "string", value: info.remoteAddress.text };
    case "source.port":
      return { kind: "int", value: info.remoteAddress.port };
    case "destination.address":
      return { kind: "string", value: connection.localAddress.text };
    case "destination.port":
      return { kind: "int", value: connection.localAddress.port };
    case "connection.id":
    case "connection_id":
      return { kind: "int", value: connection.id };
    case "connection.mtls":
      return { kind: "bool", value: false };
    default:
      return null;
  }
}

function toPropertyValue(value: PropertyInit): PropertyValue {
  switch (typeof value) {
    case "string":
      return { kind: "string", value };
    case "boolean":
      return { kind: "bool", value };
    case "object":
      return { kind: "bytes", value };
    default:
      return { kind: "int", value };
  }
}
