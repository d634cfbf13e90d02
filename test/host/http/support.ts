// test/host/http/support.ts: a stream's owner that writes down, and filters that do as they are told.
import { ByteQueue } from "../../../host/base/byte_queue.ts";
import { fromLatin1 } from "../../../host/base/bytes.ts";
import { ManualClock } from "../../../host/base/clock.ts";
import {
  DataStatus,
  HeadersStatus,
  type HttpFilter,
  type HttpFilterFactory,
  type TerminalFilterStream,
  TrailersStatus,
} from "../../../host/http/filter.ts";
import { FilterManager } from "../../../host/http/filter_manager/filter_manager.ts";
import type { FilterManagerCallbacks } from "../../../host/http/filter_manager/filter_manager_callbacks.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import type { RewrittenReply } from "../../../host/http/local_reply.ts";
import type { ConnectionInfo } from "../../../host/observe/stream_info.ts";
import { StreamInfo } from "../../../host/observe/stream_info.ts";

export function queue(text: string): ByteQueue {
  const bytes = new ByteQueue();
  if (text !== "") bytes.push(fromLatin1(text));
  return bytes;
}

export function textOf(bytes: ByteQueue): string {
  return String.fromCharCode(...bytes.toBytes());
}

/** `end` where a message ends with this part. */
function mark(end: boolean): string {
  return end ? " end" : "";
}

/** What a stream's owner saw. */
export class Owner implements FilterManagerCallbacks {
  readonly clock: ManualClock = new ManualClock();
  readonly info: StreamInfo = new StreamInfo({} as ConnectionInfo, 0, 0);
  readonly random = 0;
  bufferLimitBytes = 10;
  requestBufferLimitBytes?: number;
  readonly seen: string[] = [];
  manager: FilterManager | null = null;
  paused = 0;
  routeLookups = 0;
  rewrite: (headers: HeaderMap, status: number, body: Uint8Array) => RewrittenReply | null = () => null;

  route(): null {
    this.routeLookups++;
    return null;
  }

  clearRouteCache(): void {
    this.seen.push("clear route");
  }

  encode1xxHeaders(headers: HeaderMap): void {
    this.seen.push(`informational ${headers.status}`);
  }

  encodeHeaders(headers: HeaderMap, end: boolean): void {
    this.seen.push(`headers ${headers.status}${mark(end)}`);
  }

  encodeData(data: ByteQueue, end: boolean): void {
    this.seen.push(`body ${textOf(data)}${mark(end)}`);
    data.clear();
  }

  encodeTrailers(trailers: HeaderMap): void {
    this.seen.push(`trailers ${trailers.fieldCount}`);
  }

  rewriteLocalReply(headers: HeaderMap, status: number, body: Uint8Array): RewrittenReply | null {
    return this.rewrite(headers, status, body);
  }

  resetStream(details: string): void {
    this.seen.push(`reset ${details}`);
    this.manager?.destroy();
  }

  readDisable(disable: boolean): void {
    this.paused += disable ? 1 : -1;
  }

  take(): string[] {
    return this.seen.splice(0);
  }
}

type Part = "headers" | "body" | "trailers";

/** Answers `Continue` until told otherwise; writes down what it is given. */
export class ScriptedFilter implements HttpFilter {
  readonly name: string;
  readonly stream: TerminalFilterStream;
  readonly #seen: string[];
  /** Statuses for the next calls of a kind; the last one stays. */
  readonly request: Partial<Record<Part, number>> = {};
  readonly response: Partial<Record<Part, number>> = {};
  wantsEndApart = false;
  /** Runs inside the callback of this name: `request headers`, `response body`, … */
  readonly during: Record<string, ((part: HeaderMap | ByteQueue) => void) | undefined> = {};

  constructor(name: string, stream: TerminalFilterStream, seen: string[]) {
    this.name = name;
    this.stream = stream;
    this.#seen = seen;
  }

  onRequestHeaders(headers: HeaderMap, end: boolean): HeadersStatus {
    this.#note("request headers", mark(end), headers);
    return (this.request.headers ?? HeadersStatus.Continue) as HeadersStatus;
  }

  onRequestBody(body: ByteQueue, end: boolean): DataStatus {
    this.#note("request body", ` ${textOf(body)}${mark(end)}`, body);
    return (this.request.body ?? DataStatus.Continue) as DataStatus;
  }

  onRequestTrailers(trailers: HeaderMap): TrailersStatus {
    this.#note("request trailers", "", trailers);
    return (this.request.trailers ?? TrailersStatus.Continue) as TrailersStatus;
  }

  onResponseHeaders(headers: HeaderMap, end: boolean): HeadersStatus {
    this.#note("response headers", ` ${headers.status}${mark(end)}`, headers);
    return (this.response.headers ?? HeadersStatus.Continue) as HeadersStatus;
  }

  onResponseBody(body: ByteQueue, end: boolean): DataStatus {
    this.#note("response body", ` ${textOf(body)}${mark(end)}`, body);
    return (this.response.body ?? DataStatus.Continue) as DataStatus;
  }

  onResponseTrailers(trailers: HeaderMap): TrailersStatus {
    this.#note("response trailers", "", trailers);
    return (this.response.trailers ?? TrailersStatus.Continue) as TrailersStatus;
  }

  onDone(): void {
    this.#seen.push(`${this.name} done`);
  }

  onLog(): void {
    this.#seen.push(`${this.name} log`);
  }

  onDestroy(): void {
    this.#seen.push(`${this.name} destroy`);
  }

  #note(callback: string, text: string, part: HeaderMap | ByteQueue): void {
    this.#seen.push(`${this.name} ${callback}${text}`);
    this.during[callback]?.(part);
  }
}

export interface Chain {
  readonly owner: Owner;
  readonly manager: FilterManager;
  /** By name. */
  readonly filters: Readonly<Record<string, ScriptedFilter>>;
}

/** A stream of filters with these names; the last one is where responses come in. */
export function chain(...names: string[]): Chain {
  const owner = new Owner();
  const filters: Record<string, ScriptedFilter> = {};
  const factories = names.map((name): { create: HttpFilterFactory } => ({
    create: (stream) => filters[name] = new ScriptedFilter(name, stream, owner.seen),
  }));
  const manager = new FilterManager(owner, factories);
  owner.manager = manager;
  const last = filters[names.at(-1)!]!;
  last.request.headers = HeadersStatus.StopIteration;
  last.request.body = DataStatus.StopIterationNoBuffer;
  last.request.trailers = TrailersStatus.StopIteration;
  return { owner, manager, filters };
}

export function requestHeaders(more: Readonly<Record<string, string>> = {}): HeaderMap {
  return HeaderMap.of({ ":method": "GET", ":path": "/", ":authority": "a", ...more });
}

export function responseHeaders(status = "200"): HeaderMap {
  return HeaderMap.of({ ":status": status });
}
