// host/wasm/grpc_callouts.ts: gRPC calls and streams that a plugin's guest has open.
// pure: no I/O, no clock, no runtime globals
/**
 * What comes while the guest runs waits in a queue, in order. A call gives one message or one failure; a
 * stream is gone when both sides are done. After a cancel nothing comes any more.
 *
 * @see Envoy: source/extensions/common/wasm/context.cc grpcCall, grpcStream
 * @module
 */
import { Status } from "../../abi/mod.ts";
import type { Callout, CalloutCaller, CalloutQuota } from "./callout_quota.ts";
import type {
  CallHandle,
  GrpcCallCallbacks,
  GrpcClientPort,
  GrpcFailure,
  GrpcRequest,
  GrpcStreamCallbacks,
  GrpcStreamHandle,
  HeaderMapPort,
} from "./ports.ts";

/** Low bits of a token tell its kind, as in Envoy. */
const GRPC_CALL = 1;
const GRPC_STREAM = 2;

export type GrpcEvent =
  | { readonly kind: "initial_metadata"; readonly token: number; readonly metadata: HeaderMapPort }
  | { readonly kind: "message"; readonly token: number; readonly message: Uint8Array }
  | { readonly kind: "trailing_metadata"; readonly token: number; readonly metadata: HeaderMapPort }
  | { readonly kind: "close"; readonly token: number; readonly status: number; readonly message: string };

export interface GrpcCalloutOwner {
  /** Delivers what `nextEvent` has once the guest does not run. */
  deliverGrpcEvents(): void;
}

class GrpcCallout implements GrpcCallCallbacks, GrpcStreamCallbacks, Callout {
  readonly token: number;
  readonly caller: CalloutCaller | null;
  readonly bytes: number;
  readonly #callouts: GrpcCallouts;
  call: CallHandle | null = null;
  stream: GrpcStreamHandle | null = null;
  /** What was sent since the upstream has been slower than the guest. */
  waitingBytes = 0;
  isClosedLocally = false;
  isClosedRemotely = false;
  isOver = false;

  constructor(callouts: GrpcCallouts, token: number, caller: CalloutCaller | null, bytes: number) {
    this.#callouts = callouts;
    this.token = token;
    this.caller = caller;
    this.bytes = bytes;
  }

  onInitialMetadata(metadata: HeaderMapPort): void {
    if (!this.isClosedRemotely) this.#callouts.push(this, { kind: "initial_metadata", token: this.token, metadata });
  }

  onMessage(message: Uint8Array): void {
    if (this.isClosedRemotely) return;
    // A call is over with its one message.
    if ((this.token & 3) === GRPC_CALL) this.isClosedRemotely = true;
    this.#callouts.push(this, { kind: "message", token: this.token, message });
  }

  onTrailingMetadata(metadata: HeaderMapPort): void {
    if (!this.isClosedRemotely) this.#callouts.push(this, { kind: "trailing_metadata", token: this.token, metadata });
  }

  onFailure(status: number, message: string): void {
    this.onClose(status, message);
  }

  onClose(status: number, message: string): void {
    if (this.isClosedRemotely) return;
    this.isClosedRemotely = true;
    this.#callouts.push(this, { kind: "close", token: this.token, status, message });
  }
}

export class GrpcCallouts {
  readonly #owner: GrpcCalloutOwner;
  readonly #live: Map<number, GrpcCallout> = new Map();
  readonly #quota: CalloutQuota;
  #events: GrpcEvent[] = [];

  constructor(owner: GrpcCalloutOwner, quota: CalloutQuota) {
    this.#owner = owner;
    this.#quota = quota;
  }

  get size(): number {
    return this.#live.size;
  }

  /** Opens a call, or a stream when `message` is null. `number` makes the token. The token, or a negative status. */
  open(
    port: GrpcClientPort | null,
    request: GrpcRequest,
    message: Uint8Array | null,
    timeoutMs: number,
    number: number,
    caller: CalloutCaller | null,
  ): number {
    // What Envoy answers when it knows no such upstream; without a client no upstream is known.
    if (port === null) return -Status.ParseFailure;
    const token = number * 4 + (message === null ? GRPC_STREAM : GRPC_CALL);
    const callout = new GrpcCallout(this, token, caller, message?.length ?? 0);
    this.#live.set(token, callout);
    this.#quota.begin(callout);
    const opened = message === null
      ? port.openStream(request, callout)
      : port.call(request, message, timeoutMs, callout);
    if (typeof opened === "string") {
      this.#end(callout);
      return -failureStatus(opened);
    }
    if ("cancel" in opened) callout.call = opened;
    else callout.stream = opened;
    return callout.token;
  }

  send(token: number, message: Uint8Array, end: boolean): Status {
    if ((token & 3) !== GRPC_STREAM) return Status.BadArgument;
    const callout = this.#live.get(token);
    if (callout === undefined) return Status.NotFound;
    if (callout.isClosedLocally || callout.isClosedRemotely) return Status.Ok;
    const { stream } = callout;
    if (stream === null || stream.hasRoom !== false) callout.waitingBytes = 0;
    callout.waitingBytes += message.length;
    if (callout.waitingBytes > this.#quota.maxBytes) return Status.InternalFailure;
    stream?.send(message, end);
    if (end) callout.isClosedLocally = true;
    return Status.Ok;
  }

  close(token: number): Status {
    const kind = token & 3;
    if (kind === GRPC_CALL) return this.cancel(token);
    if (kind !== GRPC_STREAM) return Status.BadArgument;
    const callout = this.#live.get(token);
    if (callout === undefined) return Status.NotFound;
    if (!callout.isClosedLocally) {
      callout.isClosedLocally = true;
      if (!callout.isClosedRemotely) callout.stream?.close();
    }
    this.#endWhenDone(callout);
    return Status.Ok;
  }

  cancel(token: number): Status {
    const kind = token & 3;
    if (kind !== GRPC_CALL && kind !== GRPC_STREAM) return Status.BadArgument;
    const callout = this.#live.get(token);
    if (callout === undefined) return Status.NotFound;
    this.#end(callout);
    if (!callout.isClosedRemotely) {
      callout.call?.cancel();
      callout.stream?.reset();
    }
    return Status.Ok;
  }

  cancelAll(): void {
    for (const token of [...this.#live.keys()]) this.cancel(token);
  }

  /** Takes an event from a callout; those of an ended one are dropped. */
  push(callout: GrpcCallout, event: GrpcEvent): void {
    if (callout.isOver) return;
    this.#events.push(event);
    this.#owner.deliverGrpcEvents();
  }

  /** The next event to deliver, or null. */
  nextEvent(): GrpcEvent | null {
    for (;;) {
      const event = this.#events.shift();
      if (event === undefined) return null;
      const callout = this.#live.get(event.token);
      if (callout === undefined || callout.isOver) continue;
      // A call is over with its one event; a stream when the guest has closed its side too.
      if ((event.token & 3) === GRPC_CALL) this.#end(callout);
      else if (event.kind === "close") this.#endWhenDone(callout);
      return event;
    }
  }

  #endWhenDone(callout: GrpcCallout): void {
    if (callout.isClosedLocally && callout.isClosedRemotely) this.#end(callout);
  }

  #end(callout: GrpcCallout): void {
    callout.isOver = true;
    if (this.#live.delete(callout.token)) this.#quota.end(callout);
  }
}

function failureStatus(failure: GrpcFailure): Status {
  switch (failure) {
    case "unknown_upstream":
      return Status.ParseFailure;
    case "invalid_upstream":
      return Status.BadArgument;
    case "send_failed":
      return Status.InternalFailure;
  }
}
