// sdk/src/property.ts: what the host knows about request, connection and itself.
import { Status } from "./enums";
import { proxy_get_property, proxy_set_property } from "./imports.gen";
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
 * Facts that the host offers by name, such as `["source", "address"]`, `["request", "id"]`,
 * `["upstream", "address"]`, `["connection", "mtls"]`, `["plugin_name"]` or `["node", "id"]`.
 * A fact that is unknown here and now is `null`, or the fallback.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes
 */
export class Property {
  /** A property as text. */
  static text(path: string[]): string | null {
    const pointer = argument0(path.join("\0"));
    if (proxy_get_property(pointer, argument0Size(), OUT, OUT + 4) != Status.Ok) {
      dropResult();
      return null;
    }
    return takeString();
  }

  /** A property as the bytes that the host gives. */
  static bytes(path: string[]): ArrayBuffer | null {
    const pointer = argument0(path.join("\0"));
    expectBuffer();
    if (proxy_get_property(pointer, argument0Size(), OUT, OUT + 4) != Status.Ok) {
      dropResult();
      return null;
    }
    return takeBuffer();
  }

  /** A number (`source.port`, `request.size`, `response.code`), a time or a duration in nanoseconds. */
  static i64(path: string[], fallback: i64 = 0): i64 {
    const value = Property.bytes(path);
    return value !== null && value.byteLength == 8 ? load<i64>(changetype<usize>(value)) : fallback;
  }

  /** A fractional number. */
  static f64(path: string[], fallback: f64 = 0): f64 {
    const value = Property.bytes(path);
    return value !== null && value.byteLength == 8 ? load<f64>(changetype<usize>(value)) : fallback;
  }

  /** A truth value, such as `connection.mtls`. */
  static bool(path: string[], fallback: bool = false): bool {
    const value = Property.bytes(path);
    return value !== null && value.byteLength > 0 ? load<u8>(changetype<usize>(value)) != 0 : fallback;
  }

  /**
   * Keeps a value with the stream, for other filters (read it by the same path) and for access logs
   * (`%FILTER_STATE(wasm.NAME)%`). Properties of the host itself cannot be changed.
   */
  static setText(path: string[], value: string): Status {
    const pointer = argument0(path.join("\0"));
    const valuePointer = argument1(value);
    return proxy_set_property(pointer, argument0Size(), valuePointer, argument1Size());
  }

  /** Like `setText`, with bytes. */
  static set(path: string[], value: ArrayBuffer): Status {
    const pointer = argument0(path.join("\0"));
    return proxy_set_property(pointer, argument0Size(), changetype<usize>(value), value.byteLength);
  }
}

/**
 * The address of the client without its port (`source.address` is `10.0.0.1:52814` or `[::1]:52814`), or
 * `fallback` when the host does not know it. Behind another proxy this is that proxy.
 */
export function clientAddress(fallback: string = "unknown"): string {
  const address = Property.text(["source", "address"]);
  if (address === null || address.length == 0) return fallback;
  if (address.startsWith("[")) {
    const end = address.indexOf("]");
    return end > 0 ? address.substring(1, end) : address;
  }
  const colon = address.indexOf(":");
  // More than one colon without brackets is an IPv6 address that has no port.
  return colon > 0 && address.indexOf(":", colon + 1) < 0 ? address.substring(0, colon) : address;
}
