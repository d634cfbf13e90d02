// host/config/scalars.ts: scalars of a tree as values of protobuf fields, with protobuf's JSON rules.
/**
 * A reader gives the value, or a `Refusal` that says what was expected. Nothing here knows positions.
 *
 * @see https://protobuf.dev/programming-guides/json/
 * @module
 */
import type { ScalarType } from "../api/schema.ts";
import { quoted } from "../base/diagnostic.ts";
import { describeNode, type TreeNode, type TreeScalar } from "./tree.ts";

/** Why a scalar does not fit. */
export class Refusal {
  readonly code: string;
  readonly message: string;
  readonly help: string | null;

  constructor(code: string, message: string, help: string | null = null) {
    this.code = code;
    this.message = message;
    this.help = help;
  }
}

export type Scalar = string | number | bigint | boolean | Uint8Array;

/** What Envoy's JSON reader takes in quotes, which is more than JSON's own numbers. */
const NUMBER = /^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$/;
const HEX_NUMBER = /^([-+]?)(0[xX][0-9a-fA-F]+)$/;
const INFINITY = /^([-+]?)(inf|infinity)$/i;
const TRUE_TEXT = /^(true|t|yes|y|1)$/i;
const FALSE_TEXT = /^(false|f|no|n|0)$/i;
const INT_RANGES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};
const MAX_FLOAT = 3.4028234663852886e38;

/** A scalar for a field of this type. */
export function readScalar(type: ScalarType, node: TreeNode, secret: boolean): Scalar | Refusal {
  if (node.kind === "map" || node.kind === "list") return wrongType(typeLabel(type), node, secret);
  switch (type) {
    case "string":
      return readString(node, secret);
    case "bytes":
      return readBytes(node, secret);
    case "bool":
      return readBool(node, secret);
    case "double":
    case "float":
      return readFloat(type, node, secret);
    default:
      return readInteger(type, node, secret);
  }
}

function typeLabel(type: ScalarType): string {
  switch (type) {
    case "string":
      return "a string";
    case "bytes":
      return "base64 text";
    case "bool":
      return "a bool";
    case "double":
    case "float":
      return "a number";
    default:
      return `a whole number (${type})`;
  }
}

function wrongType(expected: string, node: TreeNode, secret: boolean): Refusal {
  const there = secret ? "something else" : node.kind === "string" ? quoted(node.text) : describeNode(node);
  return new Refusal("config/wrong-type", `expected ${expected}, found ${there}`);
}

function readString(node: TreeScalar, secret: boolean): string | Refusal {
  if (node.kind === "string") return node.value as string;
  const there = secret ? `a ${node.kind}` : describeNode(node);
  const help = secret ? "put it in quotes" : `put it in quotes: "${node.text}"`;
  return new Refusal("config/wrong-type", `expected a string, found ${there}`, help);
}

function readBool(node: TreeScalar, secret: boolean): boolean | Refusal {
  if (node.kind === "bool") return node.value as boolean;
  if (node.kind === "string" && TRUE_TEXT.test(node.text)) return true;
  if (node.kind === "string" && FALSE_TEXT.test(node.text)) return false;
  return wrongType("a bool (true or false)", node, secret);
}

function readFloat(type: "double" | "float", node: TreeScalar, secret: boolean): number | Refusal {
  const value = node.kind === "number"
    ? node.value as number
    : node.kind === "string"
    ? floatOfText(node.text.trim())
    : null;
  if (value === null) return wrongType("a number", node, secret);
  if (type === "float" && Number.isFinite(value) && Math.abs(value) > MAX_FLOAT) {
    return new Refusal("config/number-out-of-range", `${node.text} does not fit a ${type}`);
  }
  return type === "float" ? Math.fround(value) : value;
}

function floatOfText(text: string): number | null {
  if (NUMBER.test(text)) return Number(text);
  if (/^[-+]?nan$/i.test(text)) return Number.NaN;
  const infinity = INFINITY.exec(text);
  if (infinity !== null) return infinity[1] === "-" ? -Infinity : Infinity;
  const hex = HEX_NUMBER.exec(text);
  return hex === null ? null : hex[1] === "-" ? -Number(hex[2]) : Number(hex[2]);
}

function readInteger(type: ScalarType, node: TreeScalar, secret: boolean): number | bigint | Refusal {
  const wide = type.endsWith("64");
  const range = type.startsWith("u") || type.startsWith("fixed")
    ? INT_RANGES[wide ? "uint64" : "uint32"]!
    : INT_RANGES[wide ? "int64" : "int32"]!;
  const value = node.kind === "number" || node.kind === "string" ? wholeNumber(node) : null;
  if (value === null) {
    return wrongType(`a whole number from ${range[0]} to ${range[1]}`, node, secret);
  }
  if (value < range[0] || value > range[1]) {
    return new Refusal(
      "config/number-out-of-range",
      `${node.text} does not fit a ${type}, whose range is ${range[0]} to ${range[1]}`,
    );
  }
  return wide ? value : Number(value);
}

/** `7`, `"7"`, `7.0`, `7e2` and `"0x7"` are whole. */
function wholeNumber(node: TreeScalar): bigint | null {
  if (node.kind === "number" && Number.isSafeInteger(node.value)) return BigInt(node.value as number);
  const { text } = node;
  if (/^[-+]?[0-9]+$/.test(text)) return BigInt(text.replace("+", ""));
  const hex = HEX_NUMBER.exec(text);
  if (hex !== null) return hex[1] === "-" ? -BigInt(hex[2]!) : BigInt(hex[2]!);
  if (!NUMBER.test(text)) return null;
  const value = Number(text);
  return Number.isInteger(value) ? BigInt(value) : null;
}

function readBytes(node: TreeScalar, secret: boolean): Uint8Array | Refusal {
  if (node.kind !== "string") return wrongType("base64 text", node, secret);
  const bytes = decodeBase64(node.text);
  if (bytes !== null) return bytes;
  return new Refusal(
    "config/invalid-base64",
    `expected base64 text${secret ? "" : `, found ${quoted(node.text, 40)}`}`,
    "encode the bytes with base64, or use the field for text if there is one, for example inline_string",
  );
}

/** Standard or URL-safe base64, padded or not; null when it is neither. */
export function decodeBase64(text: string): Uint8Array | null {
  const plain = text.replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, "");
  if (!/^[A-Za-z0-9+/]*$/.test(plain) || plain.length % 4 === 1) return null;
  const binary = atob(plain);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

const DURATION = /^(-?)([0-9]+)(?:\.([0-9]{1,9}))?s$/;
const MAX_DURATION_SECONDS = 315_576_000_000n;

/** Seconds and nanoseconds of `1.5s`. */
export function parseDuration(text: string): { seconds: bigint; nanos: number } | Refusal {
  const match = DURATION.exec(text);
  if (match === null) {
    return new Refusal("config/invalid-duration", `${quoted(text)} is not a duration`, durationHelp(text));
  }
  const seconds = BigInt(match[2]!);
  if (seconds > MAX_DURATION_SECONDS) {
    return new Refusal("config/invalid-duration", `${quoted(text)} is longer than 10000 years`);
  }
  const nanos = Number((match[3] ?? "").padEnd(9, "0"));
  return match[1] === "-" ? { seconds: -seconds, nanos: nanos === 0 ? 0 : -nanos } : { seconds, nanos };
}

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  ms: 0.001,
  us: 1e-6,
  ns: 1e-9,
  m: 60,
  min: 60,
  h: 3600,
  d: 86400,
};

function durationHelp(text: string): string {
  const match = /^([0-9]*\.?[0-9]+) ?(ms|us|ns|s|m|min|h|d)?$/.exec(text);
  const unit = match?.[2] ?? "s";
  const seconds = match === null ? Number.NaN : Number(match[1]) * (UNIT_SECONDS[unit] ?? 1);
  if (Number.isNaN(seconds)) return "write seconds with an s, for example 0.25s";
  return `write it in seconds: ${Number(seconds.toFixed(9))}s`;
}

/** Seconds and nanoseconds of an RFC 3339 time. */
export function parseTimestamp(text: string): { seconds: bigint; nanos: number } | Refusal {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[-+]\d\d:\d\d)$/.exec(text);
  const ms = match === null ? Number.NaN : Date.parse(match[1]! + match[3]!);
  if (Number.isNaN(ms)) {
    return new Refusal(
      "config/wrong-type",
      `${quoted(text)} is not a time`,
      "write it as in RFC 3339, for example 2026-01-31T12:00:00Z",
    );
  }
  return { seconds: BigInt(ms / 1000), nanos: Number((match![2] ?? "").padEnd(9, "0")) };
}
