// host/wasm/http_direction.ts: what is known of one direction of a guest's HTTP stream.
// pure: no I/O, no clock, no runtime globals
// hot: runs per callback; see bench/micro/wasm_hostcalls.bench.ts
/** @module */
import { FilterDataStatus, FilterHeadersStatus } from "../../abi/mod.ts";
import type { ByteQueue } from "../base/byte_queue.ts";

/** The request or the response, as one guest sees it. */
export class HttpDirection {
  /** A callback of this direction is on the stack. */
  isRunning = false;
  /** The guest asked to go on from within that callback. */
  isContinued = false;
  /** The guest answered by itself from within that callback. */
  isForcedToStop = false;
  /** A callback has stopped this direction. */
  isPaused = false;
  /** Headers, trailers have not gone on yet and may be changed. */
  headersOpen = false;
  trailersOpen = false;
  /** The last body callback is running, which may make trailers. */
  mayAddTrailers = false;
  /** The message's end was seen. */
  hasEnded = false;
  /** The body in the running callback. */
  body: ByteQueue | null = null;
  /** A body callback has paused: the stream holds the body for this guest. */
  holdsBody = false;
  /** The guest has taken bytes out of the stream. */
  hasDroppedBytes = false;

  enter(): void {
    this.isRunning = true;
    this.isContinued = false;
    this.isForcedToStop = false;
  }

  /** What becomes of headers by the guest's answer; `mayHold` lets a pause keep the headers alone. */
  leaveHeaders(answer: number, mayHold: boolean): FilterHeadersStatus {
    let status: FilterHeadersStatus = FilterHeadersStatus.StopAllIterationAndWatermark;
    if (!this.isForcedToStop) {
      if (this.isContinued || answer === 0 || answer === FilterHeadersStatus.ContinueAndEndStream) {
        status = FilterHeadersStatus.Continue;
      } else if (answer === FilterHeadersStatus.StopIteration && mayHold) {
        status = FilterHeadersStatus.StopIteration;
      } else if (answer === FilterHeadersStatus.StopAllIterationAndBuffer) {
        status = FilterHeadersStatus.StopAllIterationAndBuffer;
      }
    }
    this.#leave(status !== FilterHeadersStatus.Continue);
    return status;
  }

  leaveBody(answer: number): FilterDataStatus {
    let status: FilterDataStatus = FilterDataStatus.StopIterationNoBuffer;
    if (!this.isForcedToStop) {
      if (this.isContinued || answer === 0) status = FilterDataStatus.Continue;
      else if (answer === FilterDataStatus.StopIterationAndBuffer) status = FilterDataStatus.StopIterationAndBuffer;
      else if (answer === FilterDataStatus.StopIterationAndWatermark) {
        status = FilterDataStatus.StopIterationAndWatermark;
      }
    }
    if (status === FilterDataStatus.StopIterationNoBuffer) this.hasDroppedBytes = true;
    this.holdsBody = status === FilterDataStatus.StopIterationAndBuffer ||
      status === FilterDataStatus.StopIterationAndWatermark;
    this.#leave(status !== FilterDataStatus.Continue);
    return status;
  }

  leaveTrailers(answer: number): 0 | 1 {
    const isStopped = this.isForcedToStop || (!this.isContinued && answer !== 0);
    this.#leave(isStopped);
    return isStopped ? 1 : 0;
  }

  #leave(isStopped: boolean): void {
    this.isRunning = false;
    if (isStopped) this.isPaused = true;
    else this.close();
  }

  /** Nothing is held any more: it went on, or the stream is over. */
  close(): void {
    this.isRunning = false;
    this.isPaused = false;
    this.headersOpen = false;
    this.trailersOpen = false;
    this.mayAddTrailers = false;
    this.holdsBody = false;
  }
}
