// host/upstream/orca/load_report.ts: what a host says in a response of how busy it is.
// pure: no I/O, no clock, no runtime globals
/**
 * | header | value |
 * | --- | --- |
 * | `endpoint-load-metrics-bin` | base64 of an `OrcaLoadReport` message |
 * | `endpoint-load-metrics` | `BIN ` and the same; `JSON ` and the message as JSON; `TEXT ` and `name:number,…` |
 *
 * A report with anything wrong in it is no report.
 *
 * @see https://github.com/cncf/xds/blob/main/xds/data/orca/v3/orca_load_report.proto
 * @see Envoy: source/common/orca/orca_parser.cc
 * @module
 */
import { WireReader, WireType } from "../../api/wire_reader.ts";
import { decodeBase64 } from "../../base/base64.ts";
import { fromLatin1, utf8Slice } from "../../base/bytes.ts";
import { NuncioError } from "../../base/error.ts";
import type { HeaderMap } from "../../http/header_map.ts";

const HEADER = "endpoint-load-metrics";
const BINARY_HEADER = "endpoint-load-metrics-bin";

/** Numbers by name: `cpu_utilization`, `rps_fractional`, `named_metrics.x` and so on; what is 0 may be absent. */
export type LoadReport = ReadonlyMap<string, number>;

const NUMBERS: readonly string[] = [
  "cpu_utilization",
  "mem_utilization",
  "application_utilization",
  "eps",
  "rps_fractional",
];
const MAPS: readonly string[] = ["request_cost", "utilization", "named_metrics"];
/** Those that texts may have. */
const TEXT_MAPS: readonly string[] = ["utilization.", "named_metrics."];
const NUMBER_FIELDS: Readonly<Record<number, string>> = {
  1: "cpu_utilization",
  2: "mem_utilization",
  6: "rps_fractional",
  7: "eps",
  9: "application_utilization",
};
const MAP_FIELDS: Readonly<Record<number, string>> = { 4: "request_cost", 5: "utilization", 8: "named_metrics" };
const DECIMAL = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;

/** The report in the headers or trailers of a response; null when there is none. */
export function readLoadReport(headers: HeaderMap): LoadReport | null {
  const binary = headers.get(BINARY_HEADER);
  if (binary !== null) return parseBinary(binary);
  const value = headers.get(HEADER);
  if (value === null) return null;
  if (value.startsWith("TEXT ")) return parseText(value.slice(5));
  if (value.startsWith("JSON ")) return parseJson(value.slice(5));
  return value.startsWith("BIN ") ? parseBinary(value.slice(4)) : null;
}

function parseText(text: string): LoadReport | null {
  const report = new Map<string, number>();
  for (const part of text.split(",")) {
    const entry = part.trim();
    if (entry === "") continue;
    const colon = entry.indexOf(":");
    const name = colon < 0 ? null : textName(entry, colon);
    const number = entry.slice(colon + 1);
    if (name === null || report.has(name) || !DECIMAL.test(number)) return null;
    const value = Number(number);
    if (!Number.isFinite(value) || value < 0) return null;
    report.set(name, value);
  }
  return report;
}

/** The name that an entry begins with; one text for each that is known, so that no new one is hashed. */
function textName(entry: string, length: number): string | null {
  for (const name of NUMBERS) if (name.length === length && entry.startsWith(name)) return name;
  for (const map of TEXT_MAPS) if (length > map.length && entry.startsWith(map)) return entry.slice(0, length);
  return null;
}

function parseJson(text: string): LoadReport | null {
  const bytes = fromLatin1(text);
  let message: unknown;
  try {
    message = JSON.parse(utf8Slice(bytes, 0, bytes.length));
  } catch {
    return null;
  }
  if (!isObject(message)) return null;
  const report = new Map<string, number>();
  for (const [key, value] of Object.entries(message)) {
    const name = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (value === null) continue;
    if (NUMBERS.includes(name)) {
      if (!setNumber(report, name, value)) return null;
    } else if (MAPS.includes(name)) {
      if (!isObject(value)) return null;
      for (const [inner, number] of Object.entries(value)) {
        if (!setNumber(report, `${name}.${inner}`, number)) return null;
      }
    } else if (name !== "rps") {
      return null;
    }
  }
  return report;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Numbers in JSON may be texts, too. */
function setNumber(report: Map<string, number>, name: string, value: unknown): boolean {
  const number = typeof value === "string" && DECIMAL.test(value) ? Number(value) : value;
  if (typeof number !== "number" || !Number.isFinite(number)) return false;
  report.set(name, number);
  return true;
}

function parseBinary(encoded: string): LoadReport | null {
  const text = decodeBase64(encoded);
  return text === null ? null : parseLoadReport(fromLatin1(text));
}

/** The report in the bytes of an `OrcaLoadReport`; null when they are none. */
export function parseLoadReport(bytes: Uint8Array): LoadReport | null {
  const reader = new WireReader(bytes, 0, bytes.length);
  const report = new Map<string, number>();
  try {
    while (!reader.done) {
      const tag = reader.uint32();
      const field = tag >>> 3, wireType = tag & 7;
      const number = NUMBER_FIELDS[field], map = MAP_FIELDS[field];
      if (field === 0) return null;
      if (number !== undefined && wireType === WireType.Fixed64) report.set(number, reader.double());
      else if (map !== undefined && wireType === WireType.Length) readEntry(reader.sub(), map, report);
      else reader.skip(wireType);
    }
    return report;
  } catch (error) {
    if (error instanceof NuncioError) return null;
    throw error;
  }
}

function readEntry(reader: WireReader, map: string, report: Map<string, number>): void {
  let key = "", value = 0;
  while (!reader.done) {
    const tag = reader.uint32();
    if (tag === (1 << 3 | WireType.Length)) key = reader.string();
    else if (tag === (2 << 3 | WireType.Fixed64)) value = reader.double();
    else reader.skip(tag & 7);
  }
  report.set(`${map}.${key}`, value);
}
