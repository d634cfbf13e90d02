// test/conformance/hostcalls/recording.ts: the files of cases, and what the cases did in the real Envoy.
/** @module */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../support/proxy_process.ts";
import type { Case, CaseObservation } from "./play.ts";

const FOLDER: string = join(ROOT, "test/conformance/hostcalls");

/** Names of all files of cases: host functions, callbacks, and what else there is. */
export const CASE_FILES: readonly string[] = readdirSync(join(FOLDER, "cases"))
  .map((file) => file.slice(0, -".ts".length)).sort();

export interface Recording {
  readonly envoy: string;
  readonly digest: string;
  readonly cases: readonly CaseObservation[];
}

export async function casesOf(name: string): Promise<readonly Case[]> {
  return ((await import(`./cases/${name}.ts`)) as { CASES: readonly Case[] }).CASES;
}

export function recordingFile(name: string): string {
  return join(FOLDER, "recorded", `${name}.json`);
}

export function readRecording(name: string): Recording | null {
  const file = recordingFile(name);
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) as Recording : null;
}

/** Changes when the cases do. */
export function digestOf(cases: readonly Case[]): string {
  const text = JSON.stringify(cases, (_key, value: unknown) => {
    if (typeof value === "bigint") return `${value}n`;
    if (value instanceof RegExp) return value.source;
    return value instanceof Uint8Array ? Array.from(value) : value;
  });
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
