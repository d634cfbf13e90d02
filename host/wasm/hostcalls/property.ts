// host/wasm/hostcalls/property.ts: attributes of the stream, and what filters keep with it.
// pure: no I/O, no clock, no runtime globals
/**
 * The embedder knows the attributes; here are the plugin's own (`plugin_name`, …), the state that
 * `proxy_set_property` writes, and the encoding.
 *
 * @see Envoy: source/extensions/common/wasm/context.cc getProperty, serializeValue
 * @module
 */
import { encodePairs, type Pair, Status } from "../../../abi/mod.ts";
import { fromLatin1, fromUtf8, latin1Slice } from "../../base/bytes.ts";
import type { Context } from "../context.ts";
import { PairsWriter } from "../pairs_writer.ts";
import type { PropertyValue } from "../ports.ts";
import type { Vm } from "../vm.ts";
import type { HostcallTable } from "./family.ts";

/** Under this prefix a stream's filter state holds what guests set. */
const STATE_PREFIX = "wasm.";

/** Guests ask for the same few paths again and again. */
const MAX_KNOWN_PATHS = 100;
const MAX_KNOWN_PATH_LENGTH = 200;

export const propertyHostcalls: HostcallTable = {
  proxy_get_property: (vm) => {
    const pairs = new PairsWriter();
    const paths = new Map<string, readonly string[]>();
    return (path: number, pathSize: number, returnValue: number, returnSize: number): Status => {
      const context = vm.context ?? vm.refuse("proxy_get_property");
      const ptr = path >>> 0;
      const size = pathSize >>> 0;
      if (!vm.memory.has(ptr, size)) return Status.InvalidMemoryAccess;
      const text = vm.memory.utf8(ptr, size);
      let segments = paths.get(text);
      if (segments === undefined) {
        segments = splitPath(text);
        if (paths.size < MAX_KNOWN_PATHS && text.length < MAX_KNOWN_PATH_LENGTH) paths.set(text, segments);
      }
      if (segments.length === 0) return Status.SerializationFailure;
      const outPtr = returnValue >>> 0;
      const outSize = returnSize >>> 0;
      const own = ownProperty(context, segments);
      if (own !== null) return vm.returnBytes(own, outPtr, outSize);
      const port = vm.environment.properties;
      const value = port.get(context.stream, segments);
      if (value !== null) {
        if (value.kind === "latin1") return vm.returnLatin1(value.value, outPtr, outSize);
        if (value.kind === "headers") {
          return value.value.size === 0
            ? vm.returnLatin1("", outPtr, outSize)
            : pairs.returnMap(vm, value.value, outPtr, outSize);
        }
        const bytes = encodeProperty(value);
        return bytes === null ? Status.SerializationFailure : vm.returnBytes(bytes, outPtr, outSize);
      }
      const state = context.stream === null ? null : port.getState(context.stream, STATE_PREFIX + text);
      return state === null ? Status.NotFound : vm.returnBytes(state, outPtr, outSize);
    };
  },

  proxy_set_property: (vm) => (path: number, pathSize: number, value: number, valueSize: number): Status => {
    const context = vm.context ?? vm.refuse("proxy_set_property");
    const memory = vm.memory;
    if (!memory.has(path >>> 0, pathSize >>> 0) || !memory.has(value >>> 0, valueSize >>> 0)) {
      return Status.InvalidMemoryAccess;
    }
    if (context.stream === null) {
      vm.explain("proxy_set_property: a plugin context has no stream to keep a property with");
      return Status.NotFound;
    }
    const key = STATE_PREFIX + memory.utf8(path >>> 0, pathSize >>> 0);
    const bytes = memory.copy(value >>> 0, valueSize >>> 0);
    return vm.environment.properties.setState(context.stream, key, bytes) ? Status.Ok : readOnly(vm, key);
  },
};

function readOnly(vm: Vm, key: string): Status {
  vm.explain(`proxy_set_property: ${JSON.stringify(key)} is there and must not change`);
  return Status.BadArgument;
}

/** Segments are joined by zero bytes; one more at the end is no segment. */
function splitPath(text: string): string[] {
  if (text === "" || text === "\0") return [];
  return (text.endsWith("\0") ? text.slice(0, -1) : text).split("\0");
}

/** What every plugin may ask about itself, also while its context is being made. */
function ownProperty(context: Context, segments: readonly string[]): Uint8Array | null {
  return segments.length === 1 ? context.root.ownProperties.get(segments[0]!) ?? null : null;
}

/** The bytes of a value as guests expect them; null when it has none. */
export function encodeProperty(value: PropertyValue): Uint8Array | null {
  switch (value.kind) {
    case "latin1":
      return fromLatin1(value.value);
    case "string":
      return fromUtf8(value.value);
    case "bytes":
      return value.value;
    case "int": {
      const view = new DataView(new ArrayBuffer(8));
      view.setBigInt64(0, typeof value.value === "bigint" ? value.value : BigInt(Math.trunc(value.value)), true);
      return new Uint8Array(view.buffer);
    }
    case "double": {
      const view = new DataView(new ArrayBuffer(8));
      view.setFloat64(0, value.value, true);
      return new Uint8Array(view.buffer);
    }
    case "bool":
      return Uint8Array.of(value.value ? 1 : 0);
    case "headers": {
      const pairs: Pair[] = [];
      value.value.forEach((name, text) => pairs.push([name, text]));
      return encodePairs(pairs);
    }
    case "map": {
      const pairs: Pair[] = [];
      for (const [key, entry] of value.value) {
        const bytes = encodeProperty(entry);
        if (bytes === null) return null;
        pairs.push([asLatin1(fromUtf8(key)), asLatin1(bytes)]);
      }
      return encodePairs(pairs);
    }
    case "list": {
      const pairs: Pair[] = [];
      for (const entry of value.value) {
        const bytes = encodeProperty(entry);
        if (bytes === null) return null;
        pairs.push([asLatin1(bytes), ""]);
      }
      return encodePairs(pairs);
    }
    case "opaque":
      return null;
  }
}

function asLatin1(bytes: Uint8Array): string {
  return latin1Slice(bytes, 0, bytes.length);
}
