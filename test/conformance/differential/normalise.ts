// test/conformance/differential/normalise.ts: takes out of an observation what differs from run to run.
/** @module */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { networkInterfaces } from "node:os";
import type { Message, Observation } from "./exchange.ts";

/** Longer bodies are noted by length and digest. */
const BODY_LIMIT = 400;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Where base64 may hold an address: that of a host, in sessions. */
const BASE64 = /[A-Za-z0-9+/]{16,}={0,2}/g;
/** When a session ends: the second field behind an address. */
// deno-lint-ignore no-control-regex
const EXPIRY = /(127\.0\.0\.1:\d{5})\x10[\x80-\xff]*[\x00-\x7f]$/;

/** Puts base64 in place of `(base64:text)`. */
export function encodeMarks(text: string): string {
  return text.replace(/\(base64:([^)]*)\)/g, (_mark, inner: string) => Buffer.from(inner, "latin1").toString("base64"));
}

/** The reverse, for base64 that holds an address. */
function decodeAddresses(text: string): string {
  return text.replace(BASE64, (encoded) => {
    const inner = Buffer.from(encoded, "base64").toString("latin1");
    return /127\.0\.0\.1:\d{4,5}/.test(inner) ? `(base64:${inner.replace(EXPIRY, "$1\x10(expiry)")})` : encoded;
  });
}

/** Makes observations of different runs comparable; `ports` are those that the configuration named. */
export function normaliser(
  ports: ReadonlyMap<string, number>,
): (observation: Observation, wholeBodies: boolean) => Observation {
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
    .filter(({ internal, family }) => !internal && family === "IPv4").map(({ address }) => address);
  const names = new Map([...ports].map(([name, port]) => [String(port), `@${name}@`]));

  const text = (before: string): string => {
    let after = decodeAddresses(before).replace(UUID, "(uuid)")
      .replace(/(date: )[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT/gi, "$1(date)")
      .replace(/(x-envoy-upstream-service-time: )\d+/gi, "$1(ms)")
      .replace(/(PROXY TCP4 \S+ \S+ )\d+/g, "$1(ephemeral)")
      .replace(/\b\d{4,5}\b/g, (digits) => names.get(digits) ?? digits)
      .replace(/127\.0\.0\.1:\d{4,5}/g, "127.0.0.1:(ephemeral)");
    after = after.replace(/\/\S*\/nuncio-proxy-\w+\//g, "(folder)/");
    for (const address of own) after = after.replaceAll(address, "(own address)");
    return after;
  };
  const message = (before: Message, wholeBodies: boolean): Message => {
    const after: Message = { ...before, head: timeLeft(before.head).map(text) };
    if (before.body !== undefined) after.body = wholeBodies ? text(before.body) : bodyText(text(before.body));
    return after;
  };
  const logLine = (line: string): string => {
    // The default format: its time, duration and service time.
    const plain = line.replace(/^\[\d{4}-[^\]]*\]/, "[(time)]")
      .replace(
        /^(\[\(time\)\] "[^"]*" \d+ \S+ \d+ \d+) \d+ (\d+|-) /,
        (_all, before: string, service: string) => `${before} (ms) ${service === "-" ? "-" : "(ms)"} `,
      )
      .replace(/"(start_time|date|timestamp)":"[^"]*"/g, '"$1":"(time)"')
      .replace(/"(duration|service_time)":"?\d+"?/g, '"$1":"(ms)"');
    return text(plain);
  };
  return (before, wholeBodies) => ({
    name: before.name,
    client: before.client.map((each) => {
      if (typeof each !== "string") return message(each, wholeBodies);
      return wholeBodies ? text(each) : bodyText(text(each));
    }),
    upstreams: before.upstreams.map((each) => ({
      ...each,
      ...(each.request === undefined ? {} : { request: message(each.request, wholeBodies) }),
      ...(each.bytes === undefined ? {} : { bytes: bodyText(text(each.bytes)) }),
    })),
    log: before.log.map(logLine),
  });
}

/** Further attempts have the rest of the 15 seconds that a request may take. */
function timeLeft(head: readonly string[]): readonly string[] {
  if (!head.some((line) => /^x-envoy-attempt-count: ([2-9]|\d\d)/.test(line))) return head;
  return head.map((line) => line.replace(/^(x-envoy-expected-rq-timeout-ms: )(1[34]\d{3}|15000)$/, "$1(rest)"));
}

function bodyText(body: string): string {
  if (body.length <= BODY_LIMIT) return body;
  return `(${body.length} bytes, sha256 ${createHash("sha256").update(body, "latin1").digest("hex").slice(0, 12)})`;
}
