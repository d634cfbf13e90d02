// sdk/component/http.ts: the exports of a component that filters HTTP.
import {
  proxy_on_request_body,
  proxy_on_request_headers,
  proxy_on_request_trailers,
  proxy_on_response_body,
  proxy_on_response_headers,
  proxy_on_response_trailers,
} from "../src/exports/http";
import { proxy_on_context_create, proxy_on_delete, proxy_on_done, proxy_on_http_call_response, proxy_on_log } from "../src/exports/plugin";
import { editCount, releaseEdits, ROOT, setCallout, setState, states, StreamState, takeEdits } from "./state";
import { putBytes, release, RESULT, takeBytes, takeEntries } from "./values";

export * from "./plugin";

@external("[export]nuncio:filter/http@0.1.0", "[resource-new]stream")
declare function newStream(rep: u32): i32;

const ALL_CALLBACKS: u32 = 127;
const PAUSE: u8 = 1;
const BODY_REPLACE: u8 = 1;
const BODY_BUFFER: u8 = 2;
const BODY_HOLD: u8 = 3;

export function http_interests(): u32 {
  return ALL_CALLBACKS;
}

/** A stream is known by its id. */
export function http_stream_new(id: u32): i32 {
  const state = new StreamState(id);
  states.set(id, state);
  setState(state);
  proxy_on_context_create(id, ROOT);
  return newStream(id);
}

export function http_stream_drop(id: u32): void {
  const state = enter(id);
  finish(state);
  proxy_on_delete(id);
  states.delete(id);
  setState(null);
  // The host answers these to nobody any more.
  for (let i = 0; i < state.tokens.length; ++i) proxy_on_http_call_response(ROOT, state.tokens[i], 0, 0, 0);
}

function enter(id: u32): StreamState {
  const state = states.get(id);
  setState(state);
  return state;
}

function finish(state: StreamState): void {
  if (state.isDone) return;
  state.isDone = true;
  proxy_on_done(state.id);
}

export function http_on_log(id: u32): void {
  const state = enter(id);
  finish(state);
  setState(state);
  proxy_on_log(id);
}

/** The answer of a callback about headers or trailers. */
function headersAction(state: StreamState, map: i32, status: u32): usize {
  const list = state.maps[map];
  if (status != 0) {
    // What was edited goes along when the stream goes on.
    store<u8>(RESULT, PAUSE);
    return RESULT;
  }
  const edits = takeEdits(list);
  list.isOpen = false;
  store<u8>(RESULT, 0);
  store<usize>(RESULT, edits, 4);
  store<usize>(RESULT, editCount(), 8);
  return RESULT;
}

export function http_post_headers(result: usize): void {
  releaseEdits();
}

function open(id: u32, map: i32, list: usize, count: usize): StreamState {
  const state = enter(id);
  state.maps[map].entries = takeEntries(list, count);
  state.maps[map].isOpen = true;
  return state;
}

export function http_on_request_headers(id: u32, list: usize, count: usize, end: u32): usize {
  const state = open(id, 0, list, count);
  return headersAction(state, 0, proxy_on_request_headers(id, <u32>count, end));
}

export function http_on_request_trailers(id: u32, list: usize, count: usize): usize {
  const state = open(id, 1, list, count);
  return headersAction(state, 1, proxy_on_request_trailers(id, <u32>count));
}

export function http_on_response_headers(id: u32, list: usize, count: usize, end: u32): usize {
  const state = open(id, 2, list, count);
  return headersAction(state, 2, proxy_on_response_headers(id, <u32>count, end));
}

export function http_on_response_trailers(id: u32, list: usize, count: usize): usize {
  const state = open(id, 3, list, count);
  return headersAction(state, 3, proxy_on_response_trailers(id, <u32>count));
}

function holdBody(id: u32, type: i32, chunk: usize, size: usize): StreamState {
  const state = enter(id);
  state.body = takeBytes(chunk, size);
  state.bodyType = type;
  state.isReplaced = false;
  return state;
}

/** Bytes that the host holds, so that they stay where they are. */
let replacement: ArrayBuffer = new ArrayBuffer(0);

function bodyAction(state: StreamState, status: u32): usize {
  state.bodyType = -1;
  if (status == 1) store<u8>(RESULT, BODY_BUFFER);
  else if (status == 2) store<u8>(RESULT, BODY_HOLD);
  else if (status == 3 || state.isReplaced) {
    replacement = status == 3 ? new ArrayBuffer(0) : state.body;
    store<u8>(RESULT, BODY_REPLACE);
    putBytes(RESULT + 4, replacement);
  } else store<u8>(RESULT, 0);
  return RESULT;
}

export function http_on_request_body(id: u32, chunk: usize, size: usize, end: u32): usize {
  const state = holdBody(id, 0, chunk, size);
  return bodyAction(state, proxy_on_request_body(id, <u32>size, end));
}

export function http_on_response_body(id: u32, chunk: usize, size: usize, end: u32): usize {
  const state = holdBody(id, 1, chunk, size);
  return bodyAction(state, proxy_on_response_body(id, <u32>size, end));
}

export function http_on_callout(id: u32, token: u32, failed: u32, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize): void {
  const state = enter(id);
  const index = state.tokens.indexOf(token);
  if (index >= 0) state.tokens.splice(index, 1);
  if (failed == 0) {
    const headers = takeEntries(a, b);
    const body = takeBytes(c, d);
    const trailers = takeEntries(e, f);
    setCallout(headers, body, trailers, "");
    proxy_on_http_call_response(ROOT, token, headers.length, body.byteLength, trailers.length);
  } else {
    if (a == 3) release(b, c);
    setCallout([], new ArrayBuffer(0), [], a == 1 ? "timeout" : "reset");
    proxy_on_http_call_response(ROOT, token, 0, 0, 0);
  }
  setCallout([], new ArrayBuffer(0), [], "");
}
