// host/http/h2/preface.ts: which protocol a connection's first bytes begin.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/http/conn_manager_utility.cc determineNextProtocol
 * @see RFC 9113 §3.3
 * @module
 */
import { PREFACE, PREFACE_PREFIX_LENGTH } from "./frame.ts";

/** Whether these bytes begin an HTTP/2 connection; null: there are too few of them to say. */
export function beginsHttp2(bytes: Uint8Array): boolean | null {
  for (let i = 0; i < PREFACE_PREFIX_LENGTH; i++) {
    if (i === bytes.length) return null;
    if (bytes[i] !== PREFACE.charCodeAt(i)) return false;
  }
  return true;
}
