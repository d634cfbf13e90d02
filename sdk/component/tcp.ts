// sdk/component/tcp.ts: the exports of a component that filters connections.
import { proxy_on_context_create, proxy_on_delete, proxy_on_done, proxy_on_log } from "../src/exports/plugin";
import {
  proxy_on_downstream_connection_close,
  proxy_on_downstream_data,
  proxy_on_new_connection,
  proxy_on_upstream_data,
} from "../src/exports/tcp";
import { ROOT, setState, states, StreamState } from "./state";
import { putBytes, RESULT, takeBytes } from "./values";

export * from "./plugin";

@external("[export]nuncio:filter/tcp@0.1.0", "[resource-new]connection")
declare function newConnection(rep: u32): i32;

/** A connection is known by its id. */
export function tcp_connection_new(id: u32): i32 {
  const state = new StreamState(id);
  states.set(id, state);
  setState(state);
  proxy_on_context_create(id, ROOT);
  return newConnection(id);
}

export function tcp_connection_drop(id: u32): void {
  setState(states.get(id));
  proxy_on_done(id);
  proxy_on_log(id);
  proxy_on_delete(id);
  states.delete(id);
  setState(null);
}

export function tcp_on_open(id: u32): u32 {
  setState(states.get(id));
  return proxy_on_new_connection(id);
}

/** Bytes that the host holds, so that they stay where they are. */
let replacement: ArrayBuffer = new ArrayBuffer(0);

function enter(id: u32, type: i32, data: usize, size: usize): StreamState {
  const state = states.get(id);
  setState(state);
  state.body = takeBytes(data, size);
  state.bodyType = type;
  state.isReplaced = false;
  return state;
}

function dataResult(state: StreamState, status: u32): usize {
  state.bodyType = -1;
  store<u8>(RESULT, <u8>status);
  store<u8>(RESULT, state.isReplaced ? 1 : 0, 4);
  if (state.isReplaced) {
    replacement = state.body;
    putBytes(RESULT + 8, replacement);
  }
  return RESULT;
}

export function tcp_on_downstream(id: u32, data: usize, size: usize, end: u32): usize {
  const state = enter(id, 2, data, size);
  return dataResult(state, proxy_on_downstream_data(id, <u32>size, end));
}

export function tcp_on_upstream(id: u32, data: usize, size: usize, end: u32): usize {
  const state = enter(id, 3, data, size);
  return dataResult(state, proxy_on_upstream_data(id, <u32>size, end));
}

export function tcp_on_close(id: u32, by: u32): void {
  setState(states.get(id));
  proxy_on_downstream_connection_close(id, by);
}
