// host/config/rule_checks.ts: one rule of validate.rules against one value, answered in words.
/**
 * Every kind of rule that protoc-gen-validate has. The answer follows the field's name in a sentence, as
 * in `is 0s, expected more than 0s`.
 *
 * @see https://github.com/bufbuild/protoc-gen-validate/blob/main/validate/validate.proto
 * @module
 */
import { type Element, Message } from "../api/message.ts";
import type { FieldSchema, RuleBody } from "../api/schema.ts";
import { quoted } from "../base/diagnostic.ts";
import { parseDuration, Refusal } from "./scalars.ts";

/** What is wrong with `value`, or null; a secret value is not quoted. */
export function brokenScalarRule(
  kind: string,
  rule: RuleBody,
  value: Element,
  field: FieldSchema,
  secret: boolean,
): string | null {
  switch (kind) {
    case "string":
      return brokenString(rule, value as string, secret);
    case "bytes":
      return brokenBytes(rule, value as Uint8Array);
    case "bool":
      return rule["const"] !== undefined && rule["const"] !== value ? `is ${value}, expected ${rule["const"]}` : null;
    case "enum":
      return brokenEnum(rule, value as number, field);
    case "duration":
      return value instanceof Message ? brokenNumber(rule, nanosOf(value), nanosOfText, durationText) : null;
    case "timestamp":
      return value instanceof Message ? brokenTimestamp(rule, value) : null;
    case "any":
      return value instanceof Message ? brokenAny(rule, value) : null;
    case "int64":
    case "uint64":
    case "sint64":
    case "fixed64":
    case "sfixed64":
      return brokenNumber(rule, value as bigint, (text) => BigInt(text), String);
    default:
      return typeof value === "number" ? brokenNumber(rule, value, Number, String) : null;
  }
}

/** Bounds on anything that has an order. A lower bound above the upper one means: outside of the range. */
function brokenNumber<T extends number | bigint>(
  rule: RuleBody,
  value: T,
  read: (text: string) => T,
  show: (value: T) => string,
): string | null {
  if (rule["ignore_empty"] === true && (value === 0 || value === 0n)) return null;
  const bound = (name: string): T | undefined => rule[name] === undefined ? undefined : read(String(rule[name]));
  const is = `is ${show(value)}, expected`;
  const exactly = bound("const");
  if (exactly !== undefined && value !== exactly) return `${is} ${show(exactly)}`;
  const gt = bound("gt"), gte = bound("gte"), lt = bound("lt"), lte = bound("lte");
  const low = gt ?? gte;
  const high = lt ?? lte;
  const above = low === undefined || (gt !== undefined ? value > gt : value >= gte!);
  const below = high === undefined || (lt !== undefined ? value < lt : value <= lte!);
  const lowText = low === undefined ? "" : gt !== undefined ? `more than ${show(low)}` : `at least ${show(low)}`;
  const highText = high === undefined ? "" : lt !== undefined ? `less than ${show(high)}` : `at most ${show(high)}`;
  if (low !== undefined && high !== undefined && low > high) {
    if (!above && !below) return `${is} ${highText} or ${lowText}`;
  } else if (!above || !below) {
    return `${is} ${lowText}${lowText !== "" && highText !== "" ? " and " : ""}${highText}`;
  }
  const allowed = (rule["in"] as string[] | undefined)?.map((item) => read(String(item)));
  if (allowed !== undefined && allowed.length !== 0 && !allowed.includes(value)) {
    return `${is} one of ${allowed.map(show).join(", ")}`;
  }
  const refused = (rule["not_in"] as string[] | undefined)?.map((item) => read(String(item)));
  if (refused?.includes(value)) return `${is} none of ${refused.map(show).join(", ")}`;
  return null;
}

function nanosOf(duration: Message): bigint {
  const seconds = (duration.getByName("seconds") ?? 0n) as bigint;
  return seconds * 1_000_000_000n + BigInt((duration.getByName("nanos") ?? 0) as number);
}

function nanosOfText(text: string): bigint {
  const duration = parseDuration(text);
  return duration instanceof Refusal ? 0n : duration.seconds * 1_000_000_000n + BigInt(duration.nanos);
}

function durationText(nanos: bigint): string {
  return `${Number(nanos) / 1e9}s`;
}

/** Bounds that are fixed times; rules relative to now would make a configuration's verdict a matter of luck. */
function brokenTimestamp(rule: RuleBody, value: Message): string | null {
  const fixed: Record<string, unknown> = {};
  for (const name of ["const", "lt", "lte", "gt", "gte"]) {
    if (typeof rule[name] === "string") fixed[name] = String(Date.parse(rule[name]) * 1e6);
  }
  return brokenNumber(fixed, nanosOf(value), BigInt, (nanos) => new Date(Number(nanos / 1_000_000n)).toISOString());
}

function brokenAny(rule: RuleBody, any: Message): string | null {
  const url = String(any.getByName("type_url") ?? "");
  const allowed = rule["in"] as string[] | undefined;
  if (allowed !== undefined && allowed.length !== 0 && !allowed.includes(url)) {
    return `is a ${url}, expected one of ${allowed.join(", ")}`;
  }
  const refused = rule["not_in"] as string[] | undefined;
  return refused?.includes(url) ? `is a ${url}, expected none of ${refused.join(", ")}` : null;
}

function brokenEnum(rule: RuleBody, value: number, field: FieldSchema): string | null {
  const show = (number: number): string => field.enum.nameOf(number) ?? String(number);
  const numbers = (name: string): number[] => (rule[name] as number[] | undefined) ?? [];
  if (rule["const"] !== undefined && rule["const"] !== value) {
    return `is ${show(value)}, expected ${show(Number(rule["const"]))}`;
  }
  if (rule["defined_only"] === true && field.enum.nameOf(value) === null) {
    return `is ${value}, expected one of ${field.enum.values.map(([name]) => name).join(", ")}`;
  }
  if (numbers("in").length !== 0 && !numbers("in").includes(value)) {
    return `is ${show(value)}, expected one of ${numbers("in").map(show).join(", ")}`;
  }
  if (numbers("not_in").includes(value)) {
    return `is ${show(value)}, expected none of ${numbers("not_in").map(show).join(", ")}`;
  }
  return null;
}

function brokenBytes(rule: RuleBody, value: Uint8Array): string | null {
  if (value.length === 0 && rule["ignore_empty"] === true) return null;
  const size = brokenSize(value.length, rule["len"], rule["min_len"], rule["max_len"], "byte");
  if (size !== null) return size;
  const family = rule["ip"] === true ? [4, 16] : rule["ipv4"] === true ? [4] : rule["ipv6"] === true ? [16] : null;
  if (family !== null && !family.includes(value.length)) return "is no IP address in network order";
  const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
  const given = (name: string): string | null => rule[name] === undefined ? null : atob(String(rule[name]));
  if (given("const") !== null && text(value) !== given("const")) return "is not the bytes that are expected";
  if (given("prefix") !== null && !text(value).startsWith(given("prefix")!)) return "does not start as expected";
  if (given("suffix") !== null && !text(value).endsWith(given("suffix")!)) return "does not end as expected";
  if (given("contains") !== null && !text(value).includes(given("contains")!)) return "lacks the bytes expected in it";
  if (rule["pattern"] !== undefined && !compiled(String(rule["pattern"])).test(text(value))) {
    return `does not match ${rule["pattern"]}`;
  }
  const allowed = (rule["in"] as string[] | undefined)?.map(atob);
  if (allowed !== undefined && allowed.length !== 0 && !allowed.includes(text(value))) {
    return "is none of the bytes allowed";
  }
  if ((rule["not_in"] as string[] | undefined)?.map(atob).includes(text(value))) return "is one of the bytes refused";
  return null;
}

function brokenSize(size: number, exact: unknown, least: unknown, most: unknown, noun: string): string | null {
  const amount = (n: unknown): string => `${n} ${noun}${Number(n) === 1 ? "" : "s"}`;
  const there = size === 0 ? "is empty" : `has ${amount(size)}`;
  if (exact !== undefined && size !== Number(exact)) return `${there}, expected ${amount(exact)}`;
  if (least !== undefined && size < Number(least)) return `${there}, expected at least ${amount(least)}`;
  if (most !== undefined && size > Number(most)) return `${there}, expected at most ${amount(most)}`;
  return null;
}

const encoder = new TextEncoder();

function brokenString(rule: RuleBody, value: string, secret: boolean): string | null {
  if (value === "" && rule["ignore_empty"] === true) return null;
  const characters = brokenSize([...value].length, rule["len"], rule["min_len"], rule["max_len"], "character");
  if (characters !== null) return characters;
  if (rule["len_bytes"] !== undefined || rule["min_bytes"] !== undefined || rule["max_bytes"] !== undefined) {
    const size = encoder.encode(value).length;
    const bytes = brokenSize(size, rule["len_bytes"], rule["min_bytes"], rule["max_bytes"], "byte");
    if (bytes !== null) return bytes;
  }
  const is = secret ? "expected" : `is ${quoted(value)}, expected`;
  for (const [name, holds, words] of STRING_PARTS) {
    const part = rule[name];
    if (part !== undefined && !holds(value, String(part))) return `${is} ${words} ${quoted(String(part))}`;
  }
  if (rule["pattern"] !== undefined && !compiled(String(rule["pattern"])).test(value)) {
    return `${is} a match of ${rule["pattern"]}`;
  }
  const allowed = (rule["in"] as string[] | undefined) ?? [];
  if (allowed.length !== 0 && !allowed.includes(value)) {
    return `${is} one of ${allowed.map((item) => quoted(item)).join(", ")}`;
  }
  const refused = (rule["not_in"] as string[] | undefined) ?? [];
  if (refused.includes(value)) return `${is} none of ${refused.map((item) => quoted(item)).join(", ")}`;
  for (const [name, holds, words] of STRING_FORMS) {
    if (rule[name] === true && !holds(value)) return `${is} ${words}`;
  }
  return brokenHeaderText(rule, value, is);
}

const STRING_PARTS: readonly (readonly [string, (value: string, part: string) => boolean, string])[] = [
  ["const", (value, part) => value === part, "exactly"],
  ["prefix", (value, part) => value.startsWith(part), "a string that starts with"],
  ["suffix", (value, part) => value.endsWith(part), "a string that ends with"],
  ["contains", (value, part) => value.includes(part), "a string that contains"],
  ["not_contains", (value, part) => !value.includes(part), "a string without"],
];

const IPV4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;
const HOSTNAME = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.?$/i;
const STRING_FORMS: readonly (readonly [string, (value: string) => boolean, string])[] = [
  ["email", (value) => /^[^\s@]+@[^\s@]+$/.test(value), "an e-mail address"],
  ["hostname", (value) => HOSTNAME.test(value), "a host name"],
  ["ip", (value) => IPV4.test(value) || isIpv6(value), "an IP address"],
  ["ipv4", (value) => IPV4.test(value), "an IPv4 address"],
  ["ipv6", isIpv6, "an IPv6 address"],
  ["address", (value) => IPV4.test(value) || isIpv6(value) || HOSTNAME.test(value), "an IP address or a host name"],
  ["uri", (value) => URL.canParse(value), "an absolute URI"],
  ["uri_ref", (value) => URL.canParse(value, "http://a/"), "a URI"],
  ["uuid", (value) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value), "a UUID"],
];

function isIpv6(value: string): boolean {
  return value.includes(":") && URL.canParse(`http://[${value}]/`);
}

// The class is protoc-gen-validate's own, whose "+-." is a range.
const HEADER_NAME = /^:?[0-9a-zA-Z!#$%&'*+-.^_|~`]+$/;
// deno-lint-ignore no-control-regex
const HEADER_VALUE = /^[^\u0000-\u0008\u000A-\u001F\u007F]*$/;
// deno-lint-ignore no-control-regex
const LOOSE_HEADER_TEXT = /^[^\u0000\u000A\u000D]*$/;

function brokenHeaderText(rule: RuleBody, value: string, is: string): string | null {
  const form = rule["well_known_regex"];
  if (form === undefined || form === "UNKNOWN") return null;
  const words = form === "HTTP_HEADER_NAME" ? "an HTTP header name" : "an HTTP header value";
  const pattern = rule["strict"] === false
    ? LOOSE_HEADER_TEXT
    : form === "HTTP_HEADER_NAME"
    ? HEADER_NAME
    : HEADER_VALUE;
  return pattern.test(value) ? null : `${is} ${words}`;
}

const patterns = new Map<string, RegExp>();

/** A pattern of the API's own descriptors, all of them simple; never one of a user. */
function compiled(pattern: string): RegExp {
  let regex = patterns.get(pattern);
  if (regex === undefined) {
    regex = new RegExp(pattern);
    patterns.set(pattern, regex);
  }
  return regex;
}
