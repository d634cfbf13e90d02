// host/wasm/hostcalls/header_map.ts: reading and changing headers and trailers.
// pure: no I/O, no clock, no runtime globals
// hot: see bench/micro/wasm_hostcalls.bench.ts
/**
 * Maps 0 to 3 belong to the effective context's stream, 4 to 7 to the plugin's current callout and can be
 * read only. A read of a map that is not there now is NotFound and not Envoy's BadArgument, which the Rust
 * SDK panics on; a change that cannot be made is BadArgument, for it must not be lost in silence.
 *
 * @module
 */
import { decodePairs, enumName, MapType, Status } from "../../../abi/mod.ts";
import { latin1Slice } from "../../base/bytes.ts";
import type { Context } from "../context.ts";
import { MAX_HEADERS } from "../limits.ts";
import { cleanHeaderName, cleanHeaderValue } from "../memory.ts";
import { PairsWriter } from "../pairs_writer.ts";
import type { HeaderMapPort } from "../ports.ts";
import type { Vm } from "../vm.ts";
import type { HostcallTable } from "./family.ts";
import { returnLatin1 } from "../returns.ts";

/** Types 0 to 3 are of streams, above of callouts. */
const LAST_STREAM_MAP = MapType.HttpResponseTrailers;
const LAST_MAP = MapType.HttpCallResponseTrailers;
/** What names of pseudo-headers begin with. */
const COLON = 58;

function readable(context: Context, type: number): HeaderMapPort | null {
  return type <= LAST_STREAM_MAP ? context.streamMap(type) : context.root.calloutData.map(type);
}

function changeable(vm: Vm, hostcall: string, type: number): HeaderMapPort | null {
  const context = vm.context ?? vm.refuse(hostcall);
  const map = type >= 0 && type <= LAST_STREAM_MAP ? context.streamMapToChange(type) : null;
  if (map === null) {
    vm.log.explain(`${hostcall}: map ${enumName(MapType, type)} cannot be changed now`);
  }
  return map;
}

export const headerMapHostcalls: HostcallTable = {
  proxy_get_header_map_value:
    (vm) => (type: number, key: number, keySize: number, returnValue: number, returnSize: number): Status => {
      const context = vm.context ?? vm.refuse("proxy_get_header_map_value");
      const memory = vm.memory;
      const ptr = key >>> 0;
      const size = keySize >>> 0;
      if (type < 0 || type > LAST_MAP) return Status.BadArgument;
      if (!memory.has(ptr, size)) return Status.InvalidMemoryAccess;
      const map = readable(context, type);
      if (map === null) {
        return vm.isEnvoyCompatible && !context.isLogging ? Status.BadArgument : Status.NotFound;
      }
      const entries = map.size;
      if (entries > CHEAP_ENTRIES) vm.charge(entries);
      const name = memory.headerName(ptr, size);
      const value = name === null ? null : map.get(name);
      if (value !== null) return returnLatin1(vm, value, returnValue >>> 0, returnSize >>> 0);
      return vm.abiVersion === "0.1.0" ? returnLatin1(vm, "", returnValue >>> 0, returnSize >>> 0) : Status.NotFound;
    },

  proxy_add_header_map_value:
    (vm) => (type: number, key: number, keySize: number, value: number, valueSize: number): Status => {
      const map = changeable(vm, "proxy_add_header_map_value", type);
      if (map === null) return Status.BadArgument;
      const memory = vm.memory;
      if (!memory.has(key >>> 0, keySize >>> 0) || !memory.has(value >>> 0, valueSize >>> 0)) {
        return Status.InvalidMemoryAccess;
      }
      const name = memory.headerName(key >>> 0, keySize >>> 0);
      if (name === null) return badName(vm, "proxy_add_header_map_value", key, keySize);
      if (!mayAdd(vm, vm.context!, map, map.size, (keySize >>> 0) + (valueSize >>> 0))) return Status.BadArgument;
      const text = memory.headerValue(value >>> 0, valueSize >>> 0);
      const before = vm.isEnvoyCompatible && name.charCodeAt(0) === COLON ? map.get(name) : null;
      map.add(name, before === null || name === ":status" ? text : `${before},${text}`);
      vm.context!.onMapChanged(type);
      return Status.Ok;
    },

  proxy_replace_header_map_value:
    (vm) => (type: number, key: number, keySize: number, value: number, valueSize: number): Status => {
      const map = changeable(vm, "proxy_replace_header_map_value", type);
      if (map === null) return Status.BadArgument;
      const memory = vm.memory;
      if (!memory.has(key >>> 0, keySize >>> 0) || !memory.has(value >>> 0, valueSize >>> 0)) {
        return Status.InvalidMemoryAccess;
      }
      const name = memory.headerName(key >>> 0, keySize >>> 0);
      if (name === null) return badName(vm, "proxy_replace_header_map_value", key, keySize);
      if (!mayAdd(vm, vm.context!, map, map.size, (keySize >>> 0) + (valueSize >>> 0))) return Status.BadArgument;
      const text = memory.headerValue(value >>> 0, valueSize >>> 0);
      // As in Envoy the field that comes is the last one.
      if (name.charCodeAt(0) !== COLON) map.remove(name);
      map.set(name, text);
      vm.context!.onMapChanged(type);
      return Status.Ok;
    },

  proxy_remove_header_map_value: (vm) => (type: number, key: number, keySize: number): Status => {
    const map = changeable(vm, "proxy_remove_header_map_value", type);
    if (map === null) return Status.BadArgument;
    if (!vm.memory.has(key >>> 0, keySize >>> 0)) return Status.InvalidMemoryAccess;
    if (map.size > CHEAP_ENTRIES) vm.charge(map.size);
    const name = vm.memory.headerName(key >>> 0, keySize >>> 0);
    // Nothing has a name that is none, so there is nothing to remove.
    if (name !== null) {
      map.remove(name);
      vm.context!.onMapChanged(type);
    }
    return Status.Ok;
  },

  proxy_get_header_map_pairs: (vm) => {
    const writer = new PairsWriter();
    return (type: number, returnData: number, returnSize: number): Status => {
      const context = vm.context ?? vm.refuse("proxy_get_header_map_pairs");
      if (type < 0 || type > LAST_MAP) return Status.BadArgument;
      const map = readable(context, type);
      if (map === null || map.size === 0) return returnLatin1(vm, "", returnData >>> 0, returnSize >>> 0);
      if (map.size > CHEAP_ENTRIES) vm.charge(map.size * UNITS_PER_PAIR);
      return writer.returnMap(vm, map, returnData >>> 0, returnSize >>> 0);
    };
  },

  proxy_set_header_map_pairs: (vm) => (type: number, data: number, dataSize: number): Status => {
    const map = changeable(vm, "proxy_set_header_map_pairs", type);
    if (map === null) return Status.BadArgument;
    const ptr = data >>> 0;
    const size = dataSize >>> 0;
    if (!vm.memory.has(ptr, size)) return Status.InvalidMemoryAccess;
    const read = readPairs(vm, ptr, size);
    if (read === null) vm.log.explain("proxy_set_header_map_pairs: the pairs are malformed");
    if (read === null && !vm.isEnvoyCompatible) return Status.BadArgument;
    const pairs = read ?? [];
    if (!mayAdd(vm, vm.context!, map, 0, size)) return Status.BadArgument;
    map.clear();
    for (const [name, value] of pairs) map.add(name, value);
    vm.context!.onMapChanged(type);
    return Status.Ok;
  },

  proxy_get_header_map_size: (vm) => (type: number, returnSize: number): Status => {
    const context = vm.context ?? vm.refuse("proxy_get_header_map_size");
    if (type < 0 || type > LAST_MAP) return Status.BadArgument;
    const map = readable(context, type);
    if (map === null) return vm.isEnvoyCompatible ? Status.BadArgument : size(vm, 0, returnSize);
    if (vm.isEnvoyCompatible) return size(vm, map.byteSize, returnSize);
    return size(vm, map.size === 0 ? 0 : 4 + map.size * 10 + map.byteSize, returnSize);
  },
};

/** Up to this many entries a map is searched for what the call itself costs. */
const CHEAP_ENTRIES = 64;
/** What a guest pays for each pair of many that it is given, and for each that it gives. */
const UNITS_PER_PAIR = 8;
export const UNITS_PER_NEW_PAIR = 64;

/**
 * Whether an entry of so many bytes may come into a map that has `entries` others. The bytes are summed up,
 * and what the map really has is counted only when the sum is beyond the limit.
 */
export function mayAdd(vm: Vm, context: Context, map: HeaderMapPort, entries: number, bytes: number): boolean {
  if (entries > CHEAP_ENTRIES) vm.charge(entries);
  const { maxHeaderBytes } = vm.options;
  context.headerBytes += bytes;
  if (context.headerBytes > maxHeaderBytes) {
    const before = entries === 0 ? 0 : map.byteSize;
    context.headerBytes = before + bytes;
    if (context.headerBytes > maxHeaderBytes) {
      context.headerBytes = before;
      vm.log.onLimit("header_bytes", `a header map may have ${maxHeaderBytes} bytes; what is beyond is not added`);
      return false;
    }
  }
  if (entries < MAX_HEADERS) return true;
  vm.log.onLimit("header_bytes", `a header map may have ${MAX_HEADERS} entries; further ones are not added`);
  return false;
}

function size(vm: Vm, value: number, returnSize: number): Status {
  return vm.memory.setU32(returnSize >>> 0, value) ? Status.Ok : Status.InvalidMemoryAccess;
}

function badName(vm: Vm, hostcall: string, ptr: number, size: number): Status {
  const shown = vm.memory.latin1(ptr >>> 0, Math.min(size >>> 0, 64));
  vm.log.explain(`${hostcall}: ${JSON.stringify(shown)} is no header name`);
  return Status.BadArgument;
}

/** Header pairs out of guest memory; null when they are malformed or a name is none. */
export function readPairs(vm: Vm, ptr: number, size: number): [string, string][] | null {
  const pairs = decodePairs(vm.memory.view(ptr, size), latin1Slice);
  if (pairs === null) return null;
  vm.charge(pairs.length * UNITS_PER_NEW_PAIR);
  for (const pair of pairs) {
    const name = cleanHeaderName(pair[0]);
    if (name === null) return null;
    pair[0] = name;
    pair[1] = cleanHeaderValue(pair[1]);
  }
  return pairs;
}
