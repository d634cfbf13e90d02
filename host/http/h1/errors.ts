// host/http/h1/errors.ts: what can be wrong with an HTTP/1 message, as Envoy answers and logs it.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/http/http1/codec_impl.cc Http1ResponseCodeDetails
 * @module
 */
import type { CodecError } from "../codec.ts";

/** 400 with these details. */
export function badMessage(details: string, message: string): CodecError {
  return { status: 400, body: "Bad Request", details, message };
}

/** A message that is no HTTP/1.1. */
export function codecError(message: string): CodecError {
  return badMessage("http1.codec_error", message);
}

/** A message that ended early: nobody is left to answer. */
export function truncated(message: string): CodecError {
  return { status: 0, body: "", details: "http1.codec_error", message };
}

export function notImplemented(message: string): CodecError {
  return { status: 501, body: "Not Implemented", details: "http1.invalid_transfer_encoding", message };
}

export const HTTPS_URL_ON_PLAINTEXT: CodecError = {
  status: 403,
  body: "Forbidden",
  details: "http1.https_url_on_plaintext_connection",
  message: "the request target is an https URL, and the connection has no TLS",
};

export const LOW_VERSION: CodecError = {
  status: 426,
  body: "Upgrade Required",
  details: "low_version",
  message: "expected HTTP/1.1",
};

export const HEADERS_TOO_LARGE: CodecError = {
  status: 431,
  body: "Request Header Fields Too Large",
  details: "http1.headers_too_large",
  message: "the headers have more bytes than allowed",
};

export const TOO_MANY_HEADERS: CodecError = {
  status: 431,
  body: "Request Header Fields Too Large",
  details: "http1.too_many_headers",
  message: "there are more headers than allowed",
};
