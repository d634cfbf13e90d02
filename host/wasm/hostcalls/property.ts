// host/wasm/hostcalls/property.ts: attributes of the stream, and what filters keep with it.
// pure: no I/O, no clock, no runtime globals
/**
 * The embedder knows the attributes; here are the plugin's own (`plugin_name`, …), the state that
 * `proxy_set_property` writes, and the encoding.
 *
 * @see Envoy: source/extensions/common/wasm/context.cc getProperty, serializeValue
 * @module
 */
import { encodePairs, MapType, type Pair, Status } from "../../../abi/mod.ts";
import { fromLatin1, fromUtf8, latin1Slice } from "../../base/bytes.ts";
import type { Context } from "../context.ts";
import { CHEAP_BYTES, MAX_NAME_BYTES } from "../limits.ts";
import type { HeaderMapPort, PropertyPort, PropertyValue, StreamPort, VisibleHeaders } from "../ports.ts";
import type { Vm } from "../vm.ts";
import type { HostcallTable } from "./family.ts";
import { returnBytes, returnLatin1 } from "../returns.ts";

/** Under this prefix a stream's filter state holds what guests set. */
const STATE_PREFIX = "wasm.";

/** Guests ask for the same few paths again and again. */
const MAX_KNOWN_PATHS = 100;
const MAX_KNOWN_PATH_LENGTH = 200;

/** Other than header maps, maps and lists without entries are a count of 0. */
const NO_ENTRIES = new Uint8Array(4);

export const propertyHostcalls: HostcallTable = {
  proxy_get_property: (vm) => {
    const paths = new Map<string, readonly string[]>();
    return (path: number, pathSize: number, returnValue: number, returnSize: number): Status => {
      const context = vm.context ?? vm.refuse("proxy_get_property");
      const ptr = path >>> 0;
      const size = pathSize >>> 0;
      if (!vm.memory.has(ptr, size)) return Status.InvalidMemoryAccess;
      if (size > MAX_NAME_BYTES) return Status.NotFound;
      // Each byte may be a segment of its own.
      if (size > CHEAP_BYTES) vm.charge(size << 2);
      const text = vm.memory.utf8(ptr, size);
      let segments = paths.get(text);
      if (segments === undefined) {
        segments = splitPath(text);
        if (paths.size < MAX_KNOWN_PATHS && text.length < MAX_KNOWN_PATH_LENGTH) paths.set(text, segments);
      }
      if (segments.length === 0) return Status.SerializationFailure;
      const value = findProperty(vm.environment.properties, context, segments, vm.isEnvoyCompatible);
      if (value === null) return Status.NotFound;
      if (value.kind === "latin1") return returnLatin1(vm, value.value, returnValue >>> 0, returnSize >>> 0);
      const bytes = encodeProperty(value);
      return bytes === null ? Status.SerializationFailure : returnBytes(vm, bytes, returnValue >>> 0, returnSize >>> 0);
    };
  },

  proxy_set_property: (vm) => (path: number, pathSize: number, value: number, valueSize: number): Status => {
    const context = vm.context ?? vm.refuse("proxy_set_property");
    const memory = vm.memory;
    if (!memory.has(path >>> 0, pathSize >>> 0) || !memory.has(value >>> 0, valueSize >>> 0)) {
      return Status.InvalidMemoryAccess;
    }
    if (context.stream === null) {
      vm.log.explain("proxy_set_property: a plugin context has no stream to keep a property with");
      return Status.NotFound;
    }
    if (pathSize >>> 0 > MAX_NAME_BYTES) return refuseName(vm);
    const name = memory.utf8(path >>> 0, pathSize >>> 0);
    return setProperty(vm, context, context.stream, name, memory.view(value >>> 0, valueSize >>> 0));
  },
};

function refuseName(vm: Vm): Status {
  vm.log.onLimit("names", `proxy_set_property: a name has at most ${MAX_NAME_BYTES} bytes; this one is not set`);
  return Status.Ok;
}

/** Keeps a copy of the value with the stream. SDKs take no refusal for what their guest cannot know. */
export function setProperty(vm: Vm, context: Context, stream: StreamPort, name: string, value: Uint8Array): Status {
  if (name.length > MAX_NAME_BYTES) return refuseName(vm);
  const { maxPropertyBytes } = vm.options;
  if (!context.countProperty(name, value.length + name.length, maxPropertyBytes)) {
    vm.log.onLimit(
      "property_bytes",
      `proxy_set_property: a stream has at most ${maxPropertyBytes} bytes of properties`,
    );
    return Status.Ok;
  }
  const declaration = context.root.declaration(name);
  const isSet = vm.environment.properties.setState(stream, STATE_PREFIX + name, value.slice(), declaration);
  return isSet ? Status.Ok : refuseToSet(vm, name);
}

function refuseToSet(vm: Vm, name: string): Status {
  vm.log.explain(`proxy_set_property: ${JSON.stringify(name)} is there and must not change`);
  return Status.BadArgument;
}

/** Segments are joined by zero bytes; one more at the end is no segment. */
function splitPath(text: string): string[] {
  if (text === "") return [];
  return (text.endsWith("\0") ? text.slice(0, -1) : text).split("\0");
}

/**
 * What a guest finds at a path: an attribute, a fact of its plugin, or what was set before.
 *
 * @param asEnvoy No more than in Envoy.
 */
export function findProperty(
  port: PropertyPort,
  context: Context,
  segments: readonly string[],
  asEnvoy = false,
): PropertyValue | null {
  const { stream } = context;
  // What every plugin may ask about itself, also while its context is being made.
  const own = segments.length === 1 ? context.root.ownProperties.get(segments[0]!) : undefined;
  if (own !== undefined) return { kind: "bytes", value: own };
  const attribute = port.get(stream, segments, asEnvoy ? visibleHeaders(context) : undefined);
  if (attribute !== null || stream === null) return attribute;
  const state = port.getState(stream, STATE_PREFIX + segments[0], segments.slice(1));
  if (state !== null || segments.length === 1 || asEnvoy) return state;
  return port.getState(stream, STATE_PREFIX + segments.join("\0"), []);
}

function visibleHeaders(context: Context): VisibleHeaders {
  return {
    requestHeaders: context.streamMap(MapType.HttpRequestHeaders) !== null,
    responseHeaders: context.streamMap(MapType.HttpResponseHeaders) !== null,
    responseTrailers: context.streamMap(MapType.HttpResponseTrailers) !== null,
  };
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
    case "int":
    case "uint":
    case "duration":
    case "timestamp": {
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
    case "headers":
      return encodeEntries(joinedHeaders(value.value));
    case "map": {
      const pairs: Pair[] = [];
      for (const [key, entry] of value.value) {
        const bytes = encodeProperty(entry);
        if (bytes === null) return null;
        pairs.push([asLatin1(fromUtf8(key)), asLatin1(bytes)]);
      }
      return encodeEntries(pairs);
    }
    case "list": {
      const pairs: Pair[] = [];
      for (const entry of value.value) {
        const bytes = encodeProperty(entry);
        if (bytes === null) return null;
        pairs.push([asLatin1(bytes), ""]);
      }
      return encodeEntries(pairs);
    }
    case "message":
      return value.value.encode();
    case "null":
    case "opaque":
      return null;
  }
}

/** Each name once, with all its values. */
function joinedHeaders(headers: HeaderMapPort): Pair[] {
  const names = new Set<string>();
  headers.forEach((name) => names.add(name));
  return Array.from(names, (name): Pair => [name, headers.getJoined(name) ?? ""]);
}

function encodeEntries(pairs: readonly Pair[]): Uint8Array {
  return pairs.length === 0 ? NO_ENTRIES : encodePairs(pairs);
}

function asLatin1(bytes: Uint8Array): string {
  return latin1Slice(bytes, 0, bytes.length);
}
