// host/router/answer.ts: the router's own answers: failures, redirects, direct responses.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { TerminalFilterStream } from "../http/filter.ts";
import type { HeaderMap } from "../http/header_map.ts";
import type { RouteEntry } from "./routes/route.ts";

/** What an answer has besides the headers that every answer gets of its route. */
export interface AnswerHeaders {
  /** Says in `x-envoy-overloaded` that nobody should come back at once. */
  readonly overloaded?: boolean;
  /** Of the response that the answer stands for. */
  readonly response?: HeaderMap;
}

export interface Answer extends AnswerHeaders {
  readonly status: number;
  readonly body: string;
  readonly details: string;
}

/** Answers a request that has a route. */
export function answer(stream: TerminalFilterStream, route: RouteEntry, reply: Answer): void {
  const { status, body, details, overloaded, response } = reply;
  const modifyHeaders = (headers: HeaderMap): void => {
    if (overloaded === true) headers.set("x-envoy-overloaded", "true");
    // There is none yet where the route leads to no cluster.
    if (route.includeAttemptCountInResponse && stream.info.attemptCount > 0) {
      headers.set("x-envoy-attempt-count", String(stream.info.attemptCount));
    }
    if (response === undefined) return;
    for (let i = 0; i < response.fieldCount; i++) headers.add(response.fieldName(i), response.fieldValue(i));
  };
  stream.sendLocalReply({ status, body, details, modifyHeaders });
}

/** Answers with what the route says. */
export function answerDirectly(
  stream: TerminalFilterStream,
  route: RouteEntry,
  request: HeaderMap,
  keepOriginal: boolean,
): void {
  if (route.kind === "redirect") route.rewritePath(request, stream.info, keepOriginal);
  const location = route.location(request, stream.info);
  const body = route.bodyFor(request, stream.info);
  const { bodyType } = route;
  const modifyHeaders = (headers: HeaderMap): void => {
    if (location !== null) headers.add("location", location);
    route.finalizeResponseHeaders(headers, request, stream.info);
    if (bodyType !== "") headers.set("content-type", bodyType);
  };
  stream.sendLocalReply({ status: route.status, body, details: "direct_response", modifyHeaders });
}
