// sdk/src/exports/http.ts: the callbacks of HTTP streams.
import { Body } from "../body";
import { setCurrent } from "../context";
import { BufferType } from "../enums";
import { REQUEST_HEADERS, REQUEST_TRAILERS, RESPONSE_HEADERS, RESPONSE_TRAILERS } from "../http_filter";
import { enterGuest, leaveGuest } from "../memory";
import { httpFilterOf } from "../registry";

export function proxy_on_request_headers(id: u32, count: u32, endOfStream: u32): u32 {
  enterGuest();
  setCurrent(id);
  const status = httpFilterOf(id).onRequestHeaders(REQUEST_HEADERS, endOfStream != 0);
  leaveGuest();
  return status;
}

export function proxy_on_request_body(id: u32, size: u32, endOfStream: u32): u32 {
  enterGuest();
  setCurrent(id);
  const status = httpFilterOf(id).onRequestBody(new Body(BufferType.HttpRequestBody, size), endOfStream != 0);
  leaveGuest();
  return status;
}

export function proxy_on_request_trailers(id: u32, count: u32): u32 {
  enterGuest();
  setCurrent(id);
  const status = httpFilterOf(id).onRequestTrailers(REQUEST_TRAILERS);
  leaveGuest();
  return status;
}

export function proxy_on_response_headers(id: u32, count: u32, endOfStream: u32): u32 {
  enterGuest();
  setCurrent(id);
  const status = httpFilterOf(id).onResponseHeaders(RESPONSE_HEADERS, endOfStream != 0);
  leaveGuest();
  return status;
}

export function proxy_on_response_body(id: u32, size: u32, endOfStream: u32): u32 {
  enterGuest();
  setCurrent(id);
  const status = httpFilterOf(id).onResponseBody(new Body(BufferType.HttpResponseBody, size), endOfStream != 0);
  leaveGuest();
  return status;
}

export function proxy_on_response_trailers(id: u32, count: u32): u32 {
  enterGuest();
  setCurrent(id);
  const status = httpFilterOf(id).onResponseTrailers(RESPONSE_TRAILERS);
  leaveGuest();
  return status;
}
