// host/extensions/filters/http/stateful_session/session_state.ts: reads a client's host from its request, and tells it in the response.
// pure: no I/O, no clock, no runtime globals
// hot: once per request and response
/**
 * | kind | request | response |
 * | --- | --- | --- |
 * | cookie | a cookie of ours, on paths that it is for | `set-cookie` when the host is another |
 * | header | base64 of the address | the same header when the host is another |
 * | envelope | `base64(address);UV:base64(value)`, of which `value` goes on to the upstream | always, around the upstream's one header |
 *
 * @see Envoy: source/extensions/http/stateful_session/
 * @module
 */
import { decodeBase64, encodeBase64 } from "../../../../base/base64.ts";
import { toWireText } from "../../../../base/wire_text.ts";
import type { HeaderMap } from "../../../../http/header_map.ts";
import { setCookieHeader } from "../../../../http/set_cookie.ts";
import { cookieValue } from "../../../../matching/cookies.ts";
import { decodeCookieValue, encodeCookieValue } from "./cookie_value.ts";
import type { CookieSessionPlan, EnvelopeSessionPlan, HeaderSessionPlan, SessionStatePlan } from "./plan.ts";

const UPSTREAM_VALUE = "UV:";

/** False for requests that have no sessions. */
export function hasSession(plan: SessionStatePlan, headers: HeaderMap): boolean {
  return plan.kind !== "cookie" || isOfPath(plan.path, headers.path ?? "");
}

/** The address that a request is to go to, or null. Takes what is ours out of an envelope. */
export function readAddress(plan: SessionStatePlan, headers: HeaderMap, nowSeconds: number): string | null {
  switch (plan.kind) {
    case "cookie": {
      const value = cookieValue(headers.getAll("cookie"), plan.name);
      return value === "" ? null : decodeCookieValue(value, nowSeconds);
    }
    case "header": {
      const value = headers.getAll(plan.name)[0];
      return value === undefined ? null : decodeBase64(value);
    }
    case "envelope":
      return openEnvelope(plan, headers);
  }
}

/** Tells the client where it was. `address` is that of the host, `wanted` the one that it came with. */
export function writeAddress(
  plan: SessionStatePlan,
  headers: HeaderMap,
  address: string,
  wanted: string | null,
  nowSeconds: number,
): void {
  if (plan.kind === "envelope") putInEnvelope(plan, headers, address);
  else if (address !== wanted) {
    plan.kind === "cookie" ? setCookie(plan, headers, address, nowSeconds) : setHeader(plan, headers, address);
  }
}

function setCookie(plan: CookieSessionPlan, headers: HeaderMap, address: string, nowSeconds: number): void {
  const value = encodeCookieValue(address, plan.ttlSeconds === 0 ? 0 : nowSeconds + plan.ttlSeconds);
  headers.add("set-cookie", setCookieHeader(plan, value, plan.ttlSeconds));
}

function setHeader(plan: HeaderSessionPlan, headers: HeaderMap, address: string): void {
  replace(headers, plan.name, encodeBase64(toWireText(address)));
}

function putInEnvelope(plan: EnvelopeSessionPlan, headers: HeaderMap, address: string): void {
  const values = headers.getAll(plan.name);
  if (values.length !== 1) return;
  replace(headers, plan.name, `${encodeBase64(toWireText(address))};${UPSTREAM_VALUE}${encodeBase64(values[0]!)}`);
}

function openEnvelope(plan: EnvelopeSessionPlan, headers: HeaderMap): string | null {
  const header = headers.getAll(plan.name)[0];
  if (header === undefined) return null;
  const [address, ...rest] = header.split(";").filter((part) => part !== "");
  const inner = rest.find((part) => part.startsWith(UPSTREAM_VALUE));
  const value = inner === undefined ? null : decodeBase64(inner.slice(UPSTREAM_VALUE.length));
  if (address === undefined || value === null) return null;
  replace(headers, plan.name, value);
  return decodeBase64(address);
}

/** What is replaced goes to the end. */
function replace(headers: HeaderMap, name: string, value: string): void {
  headers.remove(name);
  headers.add(name, value);
}

/** `/a` is for `/a`, `/a/b` and `/a?b`, not for `/ab`; `/a/` is for what is below it. */
function isOfPath(cookiePath: string, path: string): boolean {
  if (cookiePath === "" || cookiePath === "/") return true;
  if (!path.startsWith(cookiePath)) return false;
  if (cookiePath.endsWith("/") || path.length === cookiePath.length) return true;
  const next = path[cookiePath.length]!;
  return next === "/" || next === "?" || next === "#";
}
