// test/conformance/differential/exchange.ts: what a group of exchanges is made of, as data.
/**
 * A group is one configuration and the exchanges that are played through it, one after the other. Bytes are
 * latin1 text, so that a case can say exactly what is on the wire.
 *
 * @module
 */

import type { Fields } from "../../support/http2_frames.ts";

/** One configuration and what is asked of it. */
export interface Group {
  readonly name: string;
  /** Envoy v3 YAML. `@name@` stands for the port of a listener, of an upstream, or, if nobody is there, a dead port. */
  readonly yaml: string;
  /** Files beside the configuration, which names them as `FOLDER/name`; ports stand in them likewise. */
  readonly files?: Readonly<Record<string, string>>;
  /** The names of listeners, the first being the default. */
  readonly listeners: readonly string[];
  /** The names of scripted upstreams. */
  readonly upstreams: readonly string[];
  /** Where health checks go, by name. */
  readonly checked?: Readonly<Record<string, CheckedUpstreamScript>>;
  readonly exchanges: readonly Exchange[];
}

export interface Exchange {
  readonly name: string;
  /** The group's first listener unless said otherwise. */
  readonly listener?: string;
  /** A text alone is a request of which the response is awaited. */
  readonly client: string | readonly ClientStep[] | Http2Client | FrameScript | HealthScript;
  /** Further clients, each on a connection of its own, at the same time. */
  readonly others?: readonly (readonly ClientStep[])[];
  /** Which host comes first is left to chance: what was observed is compared without its order. */
  readonly unordered?: true;
  /** Which of several open connections takes a request depends on when each was there: reuse is not compared. */
  readonly anyConnection?: true;
  /** Of responses the status and the body are noted: who answers is the admin interface, with headers of its own. */
  readonly withoutHeaders?: true;
  /** Bodies are JSON, of which the keys come in any order. */
  readonly sortedJson?: true;
  /** Bodies are noted as they are, however long. */
  readonly wholeBodies?: true;
  /** What upstreams do, by name; one that is not named answers 200 with `ok`. */
  readonly upstreams?: Readonly<Record<string, UpstreamScript>>;
}

/** What answers health checks, and nothing else. */
export interface CheckedUpstreamScript {
  readonly kind: "http" | "http2" | "tcp";
  /** The answer to checks that no exchange waits for, until one has given another. */
  readonly usual: CheckAnswer;
}

/** Bytes, or what is done in their place; steps of a stream in HTTP/2. */
export type CheckAnswer = string | "close" | "reset" | "silence" | readonly CheckStep[];

export type CheckStep =
  | { readonly head: Fields; readonly end?: boolean }
  | { readonly data: string; readonly end?: boolean }
  | { readonly trailers: Fields }
  | { readonly rst: string }
  /** With this error code. */
  | { readonly goAway: number };

/** Health checks of a cluster, one after the other. */
export interface HealthScript {
  readonly health: readonly HealthStep[];
  readonly cluster: string;
}

export type HealthStep =
  /** Waits for the next check at this upstream, and notes it. */
  | { readonly see: string }
  /** Waits for it, answers it, and notes what that counts as and what the hosts are then. */
  | { readonly at: string; readonly answer: CheckAnswer }
  /** Asks for a path and notes who answers what. */
  | { readonly get: string }
  /** Waits until this was counted once more. */
  | { readonly counted: string }
  /** Notes what the hosts are. */
  | "flags";

/** What the client does on its one connection. */
export type ClientStep =
  /** Sends it; `@name@` stands for a port as in the configuration. */
  | string
  /** Reads a whole response, after informational ones. */
  | "response"
  | "response to HEAD"
  | "response to CONNECT"
  /** Sends its end. */
  | "end"
  /** Drops the connection. */
  | "reset"
  /** Waits for the proxy's end; noted is whether it came. */
  | "closed"
  /** Waits so many milliseconds. */
  | { readonly pause: number }
  /** Puts a number in a file of the proxy's folder, and waits until it was seen. */
  | { readonly pressure: number; readonly of: string }
  /** Reads so many bytes. */
  | { readonly bytes: number }
  /** Reads until this text. */
  | { readonly until: string }
  /** Waits until an upstream noted so many requests or connections. */
  | { readonly seen: number };

/** A client that speaks HTTP/2, on one connection, with one stream after the other. */
export interface Http2Client {
  readonly http2: readonly Http2ClientStep[];
}

/** What a client does that writes frames as they are given. Each stream that is mentioned is noted. */
export interface FrameScript {
  readonly frames: readonly FrameStep[];
  /** What its SETTINGS say. */
  readonly settings?: readonly (readonly [id: number, value: number])[];
  /** Preface and SETTINGS are among the steps. */
  readonly raw?: true;
}

export type FrameStep =
  /** Sends these frames (`test/support/http2_frames.ts`). */
  | string
  /** Waits until the stream is over, and, if `reset` says so, for the reset that follows. */
  | { readonly stream: number; readonly reset?: true }
  /** Waits for the head of the stream's response. */
  | { readonly head: number }
  /** Waits for so many GOAWAY frames. */
  | { readonly goAways: number }
  /** Waits for so many answers to PING. */
  | { readonly pongs: number }
  /** Notes the proxy's settings. */
  | "settings"
  | "end"
  | "reset"
  | "closed"
  | { readonly pause: number }
  | { readonly seen: number };

export type Http2ClientStep =
  /** Opens the stream that the next steps are about; its message ends with the head unless `end` is false. */
  | { readonly ask: Fields; readonly end?: boolean }
  | { readonly data: string; readonly end?: boolean }
  /** Ends the message. */
  | { readonly trailers: Fields }
  /** Resets the stream, with the error code of this name. */
  | { readonly rst: string }
  /** Reads until the stream is over. */
  | "response"
  /** Reads until the response's head is there. */
  | "head"
  /** Reads so many bytes of the body. */
  | { readonly bytes: number }
  | "end"
  | "reset"
  | "closed"
  | { readonly pause: number }
  | { readonly seen: number };

/** Requests in order of arrival get these answers; the last one is for all that follow. */
export interface UpstreamScript {
  readonly http?: readonly (string | Answer)[];
  /** For upstreams that speak HTTP/2: the steps of each request, from its head on. */
  readonly http2?: readonly (readonly Http2UpstreamStep[])[];
  /** For upstreams that speak no HTTP: the steps of every connection. */
  readonly tcp?: readonly UpstreamStep[];
}

export interface Answer {
  /** When the steps begin: at once, after the request's head, after the whole request (the default). */
  readonly when?: "connected" | "head" | "request";
  readonly steps: readonly UpstreamStep[];
}

export type UpstreamStep =
  | string
  /** Ends its side. */
  | "end"
  | "close"
  | "reset"
  /** Waits until the proxy ends the connection, and notes that it did. */
  | "hang"
  | { readonly pause: number }
  /** Reads and notes so many bytes. */
  | { readonly bytes: number };

export type Http2UpstreamStep =
  | { readonly head: Fields; readonly end?: boolean }
  | { readonly data: string; readonly end?: boolean }
  /** Ends the message. */
  | { readonly trailers: Fields }
  /** Resets the stream, with the error code of this name. */
  | { readonly rst: string }
  /** Reads the request to its end, and notes it. */
  | "request"
  /** Waits until the stream is over, and notes how. */
  | "hang"
  /** Drops the connection. */
  | "close"
  | { readonly pause: number }
  /** Reads and notes so many bytes of the body. */
  | { readonly bytes: number };

/** A message as it was on the wire, its framing undone. */
export interface Message {
  /** The first line and the header lines; the pseudo-headers and the others in HTTP/2. */
  readonly head: string[];
  body?: string;
  trailers?: string[];
  /** The body has no end but that of the connection. */
  untilClose?: true;
  /** The connection ended before the message did. */
  cut?: true;
  /** Name of the error code by which its stream was reset. */
  reset?: string;
}

/** A request or a connection that an upstream saw. */
export interface Sighting {
  readonly upstream: string;
  request?: Message;
  /** On a connection that brought a request before. */
  reused?: true;
  /** What came on a connection that speaks no HTTP. */
  bytes?: string;
  /** How the connection ended, where the script waited for that. */
  ended?: true;
  /** The last GOAWAY, where the script waited for the end. */
  goAway?: string;
}

/** What happened in an exchange. */
export interface Observation {
  readonly name: string;
  /** What the client got; what others got follows behind their numbers. */
  readonly client: (Message | string)[];
  readonly upstreams: Sighting[];
  /** The access log's lines. */
  readonly log: string[];
}

export interface GroupObservation {
  readonly group: string;
  /** Of the configuration and the script: tells a recording that is no longer of these exchanges. */
  readonly digest: string;
  readonly exchanges: Observation[];
  /** Counters that moved, and gauges that are not back at rest, when all exchanges were over. */
  readonly stats: Record<string, number>;
}
