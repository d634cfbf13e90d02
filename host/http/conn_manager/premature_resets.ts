// host/http/conn_manager/premature_resets.ts: clients that open streams only to reset them.
// pure: no I/O, no clock, no runtime globals
/**
 * A stream that ended within a second, before there was a response, cost the proxy and the upstream more than
 * it cost the client. When at least half of a connection's streams are like that, of as many as make it no
 * accident, the connection ends. What the client makes the codec reset counts alike.
 *
 * @see Envoy: ConnectionManagerImpl::maybeDrainDueToPrematureResets (CVE-2023-44487)
 * @module
 */
import type { StreamInfo } from "../../observe/stream_info.ts";

const MIN_STREAMS = 500;
const MIN_LIFETIME_MS = 1000;

export class PrematureResets {
  premature = 0;
  #streams = 0;
  #found = false;

  isPremature(info: StreamInfo): boolean {
    return info.responseCode === 0 && info.endMs - info.startMs <= MIN_LIFETIME_MS;
  }

  /** Counts a stream; true when the connection should end. */
  onStreamEnded(): boolean {
    this.#streams++;
    if (this.#found || this.premature * 2 < Math.max(MIN_STREAMS, this.#streams)) return false;
    this.#found = true;
    return true;
  }
}
