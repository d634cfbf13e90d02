// sdk/component/imports.ts: the functions of proxy-wasm, for components.
/**
 * A component build puts this file in the place of `sdk/src/imports.gen.ts`: what a module asks of its host is done
 * here, with what the component has been given.
 */
import { BufferType, Status } from "../src/enums";
import { proxy_on_memory_allocate } from "../src/memory";
import {
  host_add_metric,
  host_define_metric,
  host_get_metric,
  host_get_property,
  host_get_shared,
  host_log,
  host_log_enabled,
  host_now,
  host_pop,
  host_push,
  host_record_metric,
  host_register_queue,
  host_reset,
  host_resolve_queue,
  host_respond,
  host_send,
  host_set_property,
  host_set_shared,
  host_set_tick,
} from "../component/host";
import {
  calloutBody,
  calloutFailure,
  calloutHeaders,
  calloutTrailers,
  configuration,
  current,
  HeaderList,
  resume,
  setState,
  states,
  StreamState,
} from "../component/state";
import {
  copyBytes,
  decodeEntries,
  Entry,
  otherText,
  records,
  release,
  releaseRecords,
  RESULT,
  text,
  textUnits,
} from "../component/values";

const LAST_STREAM_MAP: i32 = 3;
const CALLOUT_HEADERS: i32 = 6;
const CALLOUT_TRAILERS: i32 = 7;
const LEVELS: i32 = 6;
const MAX_GRPC_STATUS: i32 = 16;

/** Hands bytes to the SDK as a host does. */
function giveBytes(pointer: usize, size: usize, returnData: usize, returnSize: usize): i32 {
  let to: usize = 0;
  if (size != 0) {
    to = proxy_on_memory_allocate(size);
    memory.copy(to, pointer, size);
  }
  store<usize>(returnData, to);
  store<usize>(returnSize, size);
  return Status.Ok;
}

/** What `option<list<u8>>` at `RESULT` holds. */
function giveResult(returnData: usize, returnSize: usize, absent: i32): i32 {
  if (load<u8>(RESULT) == 0) return absent;
  const pointer = load<usize>(RESULT, 4);
  const size = load<usize>(RESULT, 8);
  giveBytes(pointer, size, returnData, returnSize);
  release(pointer, size);
  return Status.Ok;
}

export function proxy_log(level: i32, message: usize, messageSize: usize): i32 {
  const pointer = text(message, messageSize);
  host_log(level, pointer, textUnits());
  return Status.Ok;
}

export function proxy_get_log_level(returnLevel: usize): i32 {
  let level = 0;
  while (level < LEVELS && host_log_enabled(level) == 0) ++level;
  store<i32>(returnLevel, level);
  return Status.Ok;
}

export function proxy_get_current_time_nanoseconds(returnTime: usize): i32 {
  store<u64>(returnTime, host_now());
  return Status.Ok;
}

export function proxy_set_tick_period_milliseconds(periodMs: u32): i32 {
  host_set_tick(periodMs);
  return Status.Ok;
}

export function proxy_get_status(returnCode: usize, returnMessage: usize, returnSize: usize): i32 {
  store<i32>(returnCode, calloutFailure.length == 0 ? 0 : 11);
  const message = String.UTF8.encode(calloutFailure);
  return giveBytes(changetype<usize>(message), message.byteLength, returnMessage, returnSize);
}

/** The parts of a path, which zero bytes divide, as a list of texts; `parts` keeps them alive. */
function pathList(path: usize, pathSize: usize, parts: string[]): usize {
  const whole = String.UTF8.decodeUnsafe(path, pathSize);
  const split = whole.split("\0");
  if (split.length > 1 && split[split.length - 1].length == 0) split.pop();
  const list = heap.alloc(<usize>split.length * 8);
  for (let i = 0; i < split.length; ++i) {
    parts.push(split[i]);
    store<usize>(list + <usize>i * 8, changetype<usize>(parts[i]));
    store<usize>(list + <usize>i * 8, parts[i].length, 4);
  }
  return list;
}

export function proxy_get_property(path: usize, pathSize: usize, returnValue: usize, returnSize: usize): i32 {
  const parts = new Array<string>();
  const list = pathList(path, pathSize, parts);
  host_get_property(list, parts.length, RESULT);
  heap.free(list);
  return giveResult(returnValue, returnSize, Status.NotFound);
}

export function proxy_set_property(path: usize, pathSize: usize, value: usize, valueSize: usize): i32 {
  const parts = new Array<string>();
  const list = pathList(path, pathSize, parts);
  const isSet = host_set_property(list, parts.length, value, valueSize) != 0;
  heap.free(list);
  return isSet ? Status.Ok : Status.BadArgument;
}

function bufferOf(buffer: i32): ArrayBuffer | null {
  const state = current;
  if (state !== null && state.bodyType == buffer) return state.body;
  switch (buffer) {
    case BufferType.HttpCallResponseBody:
      return calloutBody;
    case BufferType.PluginConfiguration:
      return configuration;
    default:
      return null;
  }
}

export function proxy_get_buffer_bytes(buffer: i32, start: u32, maxSize: u32, returnData: usize, returnSize: usize): i32 {
  const bytes = bufferOf(buffer);
  const length: u32 = bytes === null ? 0 : <u32>bytes.byteLength;
  if (bytes === null || start >= length) return giveBytes(0, 0, returnData, returnSize);
  const left = length - start;
  return giveBytes(changetype<usize>(bytes) + start, maxSize < left ? maxSize : left, returnData, returnSize);
}

export function proxy_set_buffer_bytes(buffer: i32, start: u32, size: u32, value: usize, valueSize: usize): i32 {
  const state = current;
  if (state === null || state.bodyType != buffer) return Status.BadArgument;
  const old = changetype<usize>(state.body);
  const length: usize = state.body.byteLength;
  const from: usize = start < <u32>length ? <usize>start : length;
  const left = length - from;
  const gone: usize = <usize>size < left ? <usize>size : left;
  const bytes = new ArrayBuffer(<i32>(length - gone + valueSize));
  const to = changetype<usize>(bytes);
  memory.copy(to, old, from);
  memory.copy(to + from, value, valueSize);
  memory.copy(to + from + valueSize, old + from + gone, left - gone);
  state.body = bytes;
  state.isReplaced = true;
  return Status.Ok;
}

export function proxy_get_buffer_status(buffer: i32, returnSize: usize, returnFlags: usize): i32 {
  const bytes = bufferOf(buffer);
  store<i32>(returnSize, bytes === null ? 0 : bytes.byteLength);
  store<i32>(returnFlags, 0);
  return Status.Ok;
}

/** The headers of a map as they are now; null when there are none. */
function entriesOf(map: i32): Entry[] | null {
  if (map == CALLOUT_HEADERS) return calloutHeaders;
  if (map == CALLOUT_TRAILERS) return calloutTrailers;
  const state = current;
  return state === null || map < 0 || map > LAST_STREAM_MAP ? null : state.maps[map].entries;
}

function openList(map: i32): HeaderList | null {
  const state = current;
  if (state === null || map < 0 || map > LAST_STREAM_MAP) return null;
  const list = state.maps[map];
  return list.isOpen ? list : null;
}

function encodedSize(entries: Entry[]): usize {
  let size: usize = 4;
  for (let i = 0; i < entries.length; ++i) size += 10 + entries[i].name.byteLength + entries[i].value.byteLength;
  return size;
}

export function proxy_get_header_map_size(map: i32, returnSize: usize): i32 {
  const entries = entriesOf(map);
  store<usize>(returnSize, entries === null || entries.length == 0 ? 0 : encodedSize(entries));
  return Status.Ok;
}

export function proxy_get_header_map_pairs(map: i32, returnData: usize, returnSize: usize): i32 {
  const entries = entriesOf(map);
  if (entries === null || entries.length == 0) return giveBytes(0, 0, returnData, returnSize);
  const size = encodedSize(entries);
  const to = proxy_on_memory_allocate(size);
  store<u32>(to, entries.length);
  let at = to + 4 + <usize>entries.length * 8;
  for (let i = 0; i < entries.length; ++i) {
    const name = entries[i].name;
    const value = entries[i].value;
    store<u32>(to + 4 + <usize>i * 8, name.byteLength);
    store<u32>(to + 8 + <usize>i * 8, value.byteLength);
    memory.copy(at, changetype<usize>(name), name.byteLength);
    at += name.byteLength;
    store<u8>(at++, 0);
    memory.copy(at, changetype<usize>(value), value.byteLength);
    at += value.byteLength;
    store<u8>(at++, 0);
  }
  store<usize>(returnData, to);
  store<usize>(returnSize, size);
  return Status.Ok;
}

export function proxy_set_header_map_pairs(map: i32, data: usize, dataSize: usize): i32 {
  const list = openList(map);
  if (list === null) return Status.BadArgument;
  while (list.entries.length != 0) list.remove(list.entries[0].name);
  const entries = decodeEntries(data, dataSize);
  for (let i = 0; i < entries.length; ++i) list.add(lowerCase(entries[i].name), entries[i].value);
  return Status.Ok;
}

/** The name in lower case, which the given bytes become. */
function lowerCase(name: ArrayBuffer): ArrayBuffer {
  const at = changetype<usize>(name);
  for (let i = 0; i < name.byteLength; ++i) {
    const code = load<u8>(at + i);
    if (code >= 0x41 && code <= 0x5a) store<u8>(at + i, code + 0x20);
  }
  return name;
}

export function proxy_get_header_map_value(map: i32, key: usize, keySize: usize, returnValue: usize, returnSize: usize): i32 {
  const entries = entriesOf(map);
  if (entries === null) return Status.NotFound;
  for (let i = 0; i < entries.length; ++i) {
    if (!entries[i].isNamed(key, keySize)) continue;
    const value = entries[i].value;
    return giveBytes(changetype<usize>(value), value.byteLength, returnValue, returnSize);
  }
  return Status.NotFound;
}

export function proxy_add_header_map_value(map: i32, key: usize, keySize: usize, value: usize, valueSize: usize): i32 {
  const list = openList(map);
  if (list === null) return Status.BadArgument;
  list.add(lowerCase(copyBytes(key, keySize)), copyBytes(value, valueSize));
  return Status.Ok;
}

export function proxy_replace_header_map_value(map: i32, key: usize, keySize: usize, value: usize, valueSize: usize): i32 {
  const list = openList(map);
  if (list === null) return Status.BadArgument;
  list.set(lowerCase(copyBytes(key, keySize)), copyBytes(value, valueSize));
  return Status.Ok;
}

export function proxy_remove_header_map_value(map: i32, key: usize, keySize: usize): i32 {
  const list = openList(map);
  if (list === null) return Status.BadArgument;
  list.remove(lowerCase(copyBytes(key, keySize)));
  return Status.Ok;
}

/** Request and response of HTTP, then downstream and upstream, which go on by the same two functions. */
export function proxy_continue_stream(stream: i32): i32 {
  const state = current;
  if (state !== null) resume(state, (stream & 1) == 0);
  return Status.Ok;
}

export function proxy_close_stream(stream: i32): i32 {
  const state = current;
  if (state !== null) host_reset(state.id);
  return Status.Ok;
}

export function proxy_send_local_response(
  statusCode: u32,
  details: usize,
  detailsSize: usize,
  body: usize,
  bodySize: usize,
  headers: usize,
  headersSize: usize,
  grpcStatus: i32,
): i32 {
  const state = current;
  if (state === null) return Status.BadArgument;
  const entries = decodeEntries(headers, headersSize);
  const list = records(entries);
  const reason = text(details, detailsSize);
  const hasGrpcStatus = grpcStatus >= 0 && grpcStatus <= MAX_GRPC_STATUS;
  host_respond(state.id, statusCode, list, entries.length, body, bodySize, reason, textUnits(), hasGrpcStatus ? 1 : 0, hasGrpcStatus ? grpcStatus : 0);
  releaseRecords(list, entries);
  return Status.Ok;
}

export function proxy_set_effective_context(contextId: u32): i32 {
  setState(states.has(contextId) ? states.get(contextId) : null);
  return Status.Ok;
}

export function proxy_done(): i32 {
  return Status.NotFound;
}

export function proxy_http_call(
  upstream: usize,
  upstreamSize: usize,
  headers: usize,
  headersSize: usize,
  body: usize,
  bodySize: usize,
  trailers: usize,
  trailersSize: usize,
  timeoutMs: i32,
  returnToken: usize,
): i32 {
  const entries = decodeEntries(headers, headersSize);
  const list = records(entries);
  const cluster = text(upstream, upstreamSize);
  host_send(cluster, textUnits(), list, entries.length, body, bodySize, timeoutMs, RESULT);
  releaseRecords(list, entries);
  if (load<u8>(RESULT) == 0) {
    const token = load<u32>(RESULT, 4);
    store<u32>(returnToken, token);
    const state = current;
    if (state !== null) state.tokens.push(token);
    return Status.Ok;
  }
  const problem = load<u8>(RESULT, 4);
  if (problem == 3) release(load<usize>(RESULT, 8), load<usize>(RESULT, 12));
  return problem == 0 || problem == 3 ? Status.BadArgument : Status.InternalFailure;
}

export function proxy_grpc_call(upstream: usize, upstreamSize: usize, service: usize, serviceSize: usize, method: usize, methodSize: usize, metadata: usize, metadataSize: usize, message: usize, messageSize: usize, timeoutMs: u32, returnToken: usize): i32 {
  return Status.Unimplemented;
}

export function proxy_grpc_stream(upstream: usize, upstreamSize: usize, service: usize, serviceSize: usize, method: usize, methodSize: usize, metadata: usize, metadataSize: usize, returnToken: usize): i32 {
  return Status.Unimplemented;
}

export function proxy_grpc_send(token: u32, message: usize, messageSize: usize, endOfStream: i32): i32 {
  return Status.Unimplemented;
}

export function proxy_grpc_cancel(token: u32): i32 {
  return Status.Unimplemented;
}

export function proxy_grpc_close(token: u32): i32 {
  return Status.Unimplemented;
}

export function proxy_set_shared_data(key: usize, keySize: usize, value: usize, valueSize: usize, cas: u32): i32 {
  const name = text(key, keySize);
  host_set_shared(name, textUnits(), value, valueSize, cas == 0 ? 0 : 1, cas, RESULT);
  if (load<u8>(RESULT) == 0) return Status.Ok;
  return load<u8>(RESULT, 1) == 0 ? Status.CasMismatch : Status.InternalFailure;
}

export function proxy_get_shared_data(key: usize, keySize: usize, returnValue: usize, returnSize: usize, returnCas: usize): i32 {
  const name = text(key, keySize);
  host_get_shared(name, textUnits(), RESULT);
  const cas = load<u32>(RESULT, 12);
  const status = giveResult(returnValue, returnSize, Status.NotFound);
  if (status == Status.Ok) store<u32>(returnCas, cas);
  return status;
}

export function proxy_register_shared_queue(name: usize, nameSize: usize, returnId: usize): i32 {
  const pointer = text(name, nameSize);
  const id = host_register_queue(pointer, textUnits());
  store<u32>(returnId, id);
  return id == 0 ? Status.InternalFailure : Status.Ok;
}

export function proxy_resolve_shared_queue(vmId: usize, vmIdSize: usize, name: usize, nameSize: usize, returnId: usize): i32 {
  const scope = text(vmId, vmIdSize);
  const scopeUnits = textUnits();
  const pointer = otherText(name, nameSize);
  host_resolve_queue(scope, scopeUnits, pointer, textUnits(), RESULT);
  if (load<u8>(RESULT) == 0) return Status.NotFound;
  store<u32>(returnId, load<u32>(RESULT, 4));
  return Status.Ok;
}

export function proxy_enqueue_shared_queue(id: u32, value: usize, valueSize: usize): i32 {
  return host_push(id, value, valueSize) != 0 ? Status.Ok : Status.NotFound;
}

export function proxy_dequeue_shared_queue(id: u32, returnValue: usize, returnSize: usize): i32 {
  host_pop(id, RESULT);
  return giveResult(returnValue, returnSize, Status.Empty);
}

export function proxy_define_metric(type: i32, name: usize, nameSize: usize, returnId: usize): i32 {
  const pointer = text(name, nameSize);
  const id = host_define_metric(type, pointer, textUnits());
  store<u32>(returnId, id);
  return Status.Ok;
}

export function proxy_increment_metric(id: u32, delta: i64): i32 {
  host_add_metric(id, delta);
  return Status.Ok;
}

export function proxy_record_metric(id: u32, value: u64): i32 {
  host_record_metric(id, value);
  return Status.Ok;
}

export function proxy_get_metric(id: u32, returnValue: usize): i32 {
  store<u64>(returnValue, host_get_metric(id));
  return Status.Ok;
}

export function proxy_call_foreign_function(name: usize, nameSize: usize, args: usize, argumentsSize: usize, returnResults: usize, returnSize: usize): i32 {
  return Status.NotFound;
}
