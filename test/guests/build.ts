// test/guests/build.ts: builds the guests from their sources, where their toolchains are.
/**
 * `node test/guests/build.ts [GUEST…]` writes each `guest.wasm` anew and says which it could not build.
 *
 * Nothing that a build fetches gets into the repository: sources are copied to a folder that goes afterwards.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { AbiVersion } from "../../abi/mod.ts";
import { renderText } from "../../host/base/diagnostic_render.ts";
import { buildFilter } from "../../host/testing/mod.ts";

const run = promisify(execFile);
const FOLDER: string = fileURLToPath(new URL(".", import.meta.url));
const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

export interface Guest {
  readonly name: string;
  readonly language: string;
  readonly sdk: string;
  readonly abi: AbiVersion;
  /** Whether its build asks a package registry. */
  readonly fetches: boolean;
  /** Why it cannot be built here; null when it can. */
  missing(): Promise<string | null>;
  /** Builds in `folder`, a copy of the guest's own, to `outFile`. */
  readonly build: (folder: string, outFile: string) => Promise<void>;
}

/** The committed module of a guest. */
export function guestFile(name: string): string {
  return join(FOLDER, name, "guest.wasm");
}

async function command(file: string, args: readonly string[], cwd: string, env: object = {}): Promise<string> {
  try {
    const { stdout } = await run(file, args, { cwd, env: { ...process.env, ...env }, maxBuffer: 1 << 26 });
    return stdout;
  } catch (error) {
    const { message, stderr } = error as { message: string; stderr?: string };
    throw new Error(`${message}\n${stderr ?? ""}`);
  }
}

/** The first of some programs that answers `--version` (or what else is asked) with what is wanted. */
async function programFor(files: readonly string[], args: readonly string[], wanted: RegExp): Promise<string | null> {
  for (const file of files) {
    try {
      if (wanted.test(await command(file, args, FOLDER))) return file;
    } catch {
      // Not there, or not able to: the next one may be.
    }
  }
  return null;
}

/** A program of this repository's dependencies. */
function ofModules(name: string): string {
  return join(ROOT, "node_modules/.bin", name);
}

async function optimise(file: string, outFile: string): Promise<void> {
  const path = `${join(ROOT, "node_modules/.bin")}${delimiter}${process.env["PATH"]}`;
  const args = ["-Oz", "--strip-debug", "--strip-producers", file, "-o", outFile];
  await command(ofModules("wasm-opt"), args, FOLDER, { PATH: path });
}

/** npm's packages in the folder, with scripts off: compilers and SDKs here are nothing but files. */
async function npmInstall(folder: string, packages: readonly string[]): Promise<void> {
  writeFileSync(join(folder, "package.json"), `{"private": true}`);
  const args = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", ...packages];
  await command("npm", args, folder);
}

async function noNpm(): Promise<string | null> {
  return await programFor(["npm"], ["--version"], /^\d+\./) === null ? "there is no npm" : null;
}

const CLANGS: readonly string[] = ["clang", "clang-19", "clang-16", "clang-14"];

/** Rust's standard library for WebAssembly comes with Debian's rustc, which may stand behind another one. */
const RUSTCS: readonly string[] = ["/usr/bin/rustc", "rustc"];

async function rustLibraries(rustc: string): Promise<boolean> {
  const folder = (await command(rustc, ["--print", "target-libdir", "--target", "wasm32-wasi"], FOLDER)).trim();
  return existsSync(folder);
}

async function wasiRustc(): Promise<string | null> {
  for (const rustc of RUSTCS) {
    try {
      if (await rustLibraries(rustc)) return rustc;
    } catch {
      // Does not know the target, or is not there.
    }
  }
  return null;
}

export const GUESTS: readonly Guest[] = [
  {
    name: "c",
    language: "C",
    sdk: "none",
    abi: "0.1.0",
    fetches: false,
    async missing() {
      const clang = await programFor(CLANGS, ["--print-targets"], /wasm32/);
      if (clang === null) return "there is no clang that knows wasm32";
      return await programFor(["wasm-ld"], ["--version"], /LLD/) === null ? "there is no wasm-ld" : null;
    },
    async build(folder, outFile) {
      const clang = await programFor(CLANGS, ["--print-targets"], /wasm32/);
      const flags = ["--target=wasm32", "-ffreestanding", "-nostdlib", "-Oz", "-Wl,--no-entry", "-Wl,--strip-all"];
      await command(clang!, [...flags, "guest.c", "-o", outFile], folder);
    },
  },
  {
    name: "gcore",
    language: "AssemblyScript",
    sdk: "@gcoredev/proxy-wasm-sdk-as",
    abi: "0.2.1",
    fetches: true,
    missing: noNpm,
    async build(folder, outFile) {
      const sdk = ["@gcoredev/proxy-wasm-sdk-as@1.2.3", "@assemblyscript/wasi-shim@0.1.0"];
      await npmInstall(folder, ["assemblyscript@0.28.20", ...sdk]);
      const config = "node_modules/@assemblyscript/wasi-shim/asconfig.json";
      const args = ["--config", config, "--use", "abort=abort_proc_exit", "-Oz", "--converge", "-o", outFile];
      await command("node", ["node_modules/assemblyscript/bin/asc.js", "guest.ts", ...args], folder);
    },
  },
  {
    name: "go",
    language: "Go",
    sdk: "none",
    abi: "0.2.0",
    fetches: false,
    async missing() {
      const go = await programFor(["go"], ["version"], /go1\.(2[4-9]|[3-9]\d)/);
      return go === null ? "there is no Go 1.24 or newer" : null;
    },
    async build(folder, outFile) {
      const args = ["build", "-trimpath", "-buildvcs=false", "-buildmode=c-shared", "-ldflags=-s -w -buildid="];
      await command("go", [...args, "-o", outFile, "."], folder, { GOOS: "wasip1", GOARCH: "wasm", GOWORK: "off" });
    },
  },
  {
    name: "nuncio",
    language: "AssemblyScript",
    sdk: "nuncio/sdk",
    abi: "0.2.1",
    fetches: false,
    missing: () => Promise.resolve(null),
    async build(_folder, outFile) {
      const built = await buildFilter({ path: join(FOLDER, "nuncio/guest.ts"), outFile, force: true });
      if (built.diagnostics.hasErrors) throw new Error(renderText(built.diagnostics));
    },
  },
  {
    name: "rust",
    language: "Rust",
    sdk: "proxy-wasm",
    abi: "0.2.1",
    fetches: true,
    async missing() {
      if (await wasiRustc() === null) return "there is no rustc with the libraries of wasm32-wasi";
      const cargo = await programFor(["cargo"], ["vendor", "--help"], /vendor/);
      return cargo === null ? "there is no cargo" : null;
    },
    async build(folder, outFile) {
      const rustc = (await wasiRustc())!;
      // Vendored, so that a cargo that is too old for today's registry can build.
      const config = await command("cargo", ["vendor", "--locked", "vendor"], folder);
      mkdirSync(join(folder, ".cargo"));
      writeFileSync(join(folder, ".cargo/config.toml"), config);
      const env = { RUSTC: rustc, RUSTFLAGS: `--remap-path-prefix=${folder}=.`, CARGO_TARGET_DIR: "target" };
      const cargo = rustc.replace("rustc", "cargo");
      const args = ["build", "--offline", "--locked", "--release", "--target", "wasm32-wasi"];
      await command(cargo, args, folder, env);
      await optimise(join(folder, "target/wasm32-wasi/release/guest.wasm"), outFile);
    },
  },
  {
    name: "solo_io",
    language: "AssemblyScript (2020)",
    sdk: "@solo-io/proxy-runtime",
    abi: "0.2.0",
    fetches: true,
    missing: noNpm,
    async build(folder, outFile) {
      await npmInstall(folder, ["assemblyscript@0.14.13", "@solo-io/proxy-runtime@0.1.8"]);
      const args = ["guest.ts", "--use", "abort=abort_proc_exit", "-O3z", "-b", outFile];
      await command("node", ["node_modules/assemblyscript/bin/asc", ...args], folder);
    },
  },
];

/** Builds a guest from a copy of its sources. */
export async function buildGuest(guest: Guest, outFile: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), `nuncio-guest-${guest.name}-`));
  try {
    cpSync(join(FOLDER, guest.name), folder, { recursive: true });
    const built = join(folder, "built.wasm");
    await guest.build(folder, built);
    copyFileSync(built, outFile);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const wanted = process.argv.slice(2);
  for (const guest of GUESTS) {
    if (wanted.length > 0 && !wanted.includes(guest.name)) continue;
    const missing = await guest.missing();
    if (missing !== null) {
      console.log(`${guest.name}: not built: ${missing}`);
      process.exitCode = wanted.includes(guest.name) ? 1 : process.exitCode ?? 0;
      continue;
    }
    await buildGuest(guest, guestFile(guest.name));
    console.log(`${guest.name}: built`);
  }
}
