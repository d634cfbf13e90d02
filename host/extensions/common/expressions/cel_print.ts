// host/extensions/common/expressions/cel_print.ts: values of CEL as text, and as plain JSON.
/**
 * @see Envoy: source/extensions/filters/common/expr/evaluator.cc print
 * @module
 */
import { isCelList, isCelMap, isCelType, isCelUint } from "@bufbuild/cel";
import { isReflectMessage } from "@bufbuild/protobuf/reflect";
import { DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { encodeBase64 } from "../../../base/base64.ts";
import { latin1Slice } from "../../../base/bytes.ts";
import { generalText } from "../../../base/number_text.ts";
import { toWireText } from "../../../base/wire_text.ts";
import { type FormatValue, fromJson } from "../../../observe/formatter/command.ts";

const NANOS_PER_SECOND = 1_000_000_000;

/** A value as wire text, as `%CEL%` prints it. */
export function printCel(value: unknown): string {
  switch (typeof value) {
    case "string":
      return toWireText(value);
    case "bigint":
    case "boolean":
      return String(value);
    case "number":
      return generalText(value);
  }
  if (value === null) return "NULL";
  if (value instanceof Uint8Array) return latin1Slice(value, 0, value.length);
  if (isCelUint(value)) return String(value.value);
  if (isCelList(value)) return "CelList value";
  if (isCelType(value)) return "CelType value";
  const time = timeOf(value);
  if (time === null) return "CelMap value";
  return time.kind === "duration" ? durationText(time) : timestampText(time, 1).replace("Z", "+00:00");
}

/** A value for a JSON format, as `%TYPED_CEL%` has it. */
export function typedCel(value: unknown): FormatValue {
  return fromJson(plain(value));
}

function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return encodeBase64(latin1Slice(value, 0, value.length));
  if (isCelUint(value)) return Number(value.value);
  if (isCelList(value)) return Array.from(value, plain);
  if (isCelMap(value)) return Object.fromEntries(Array.from(value, ([key, each]) => [printCel(key), plain(each)]));
  const time = timeOf(value);
  if (time === null) return null;
  return time.kind === "timestamp" ? timestampText(time, 3) : `${time.seconds}${fraction(time.nanos, 3)}s`;
}

interface Time {
  readonly kind: "duration" | "timestamp";
  readonly seconds: number;
  readonly nanos: number;
}

/** Null for what is neither a duration nor a point in time. */
function timeOf(value: unknown): Time | null {
  if (!isReflectMessage(value)) return null;
  const { message } = value;
  const isDuration = message.$typeName === DurationSchema.typeName;
  if (!isDuration && message.$typeName !== TimestampSchema.typeName) return null;
  const { seconds, nanos } = message as unknown as { seconds: bigint; nanos: number };
  return { kind: isDuration ? "duration" : "timestamp", seconds: Number(seconds), nanos };
}

/** Parts of a second behind a point, without zeros at the end, but for groups of so many digits; "" for none. */
function fraction(nanos: number, group: number): string {
  if (nanos === 0) return "";
  let digits = String(Math.abs(nanos)).padStart(9, "0").replace(/0+$/, "");
  while (digits.length % group !== 0) digits += "0";
  return `.${digits}`;
}

function timestampText({ seconds, nanos }: Time, group: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19) + fraction(nanos, group) + "Z";
}

/** `1h2m3.5s`, and units of less than a second alone. */
function durationText({ seconds, nanos }: Time): string {
  const sign = seconds < 0 || nanos < 0 ? "-" : "";
  const whole = Math.abs(seconds), rest = Math.abs(nanos);
  if (whole === 0) {
    if (rest === 0) return "0";
    if (rest < 1000) return `${sign}${rest}ns`;
    return rest < 1_000_000 ? `${sign}${rest / 1000}us` : `${sign}${rest / 1_000_000}ms`;
  }
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  const inMinute = whole % 60 + rest / NANOS_PER_SECOND;
  return sign + (hours > 0 ? `${hours}h` : "") + (minutes > 0 ? `${minutes}m` : "") +
    (inMinute > 0 ? `${whole % 60}${fraction(rest, 1)}s` : "");
}
