// test/guests/component/build.ts: builds the component guests from their sources, where their toolchains are.
/**
 * `node test/guests/component/build.ts [GUEST…]` writes each `guest.wasm` anew and says which it could not build.
 * What it takes is in README.md.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const FOLDER: string = fileURLToPath(new URL(".", import.meta.url));
const WIT: string = fileURLToPath(new URL("../../../abi/wit/filter.wit", import.meta.url));

const ADAPTER = "wasi-preview1-component-adapter-provider";

interface Guest {
  readonly world: string;
  readonly language: "rust" | "js";
  /** Built with a standard library that asks WASI for things. */
  readonly usesWasi?: boolean;
}

/** The guests with their worlds. */
export const GUESTS: Readonly<Record<string, Guest>> = {
  rust_http: { world: "http-filter", language: "rust" },
  rust_wasi: { world: "http-filter", language: "rust", usesWasi: true },
  rust_tcp: { world: "network-filter", language: "rust" },
  js_http: { world: "http-filter", language: "js" },
};

/** The committed component of a guest. */
export function componentFile(name: string): string {
  return join(FOLDER, name, "guest.wasm");
}

/** The first of some programs that is there. */
async function programFor(files: readonly string[], args: readonly string[], wanted: RegExp): Promise<string | null> {
  for (const file of files) {
    try {
      if (wanted.test((await run(file, args)).stdout)) return file;
    } catch {
      // Not there: the next one may be.
    }
  }
  return null;
}

/** Newer compilers without a standard library for WebAssembly are no help. */
async function rustc(target: string): Promise<string | null> {
  for (const file of ["rustc", "/usr/bin/rustc"]) {
    const root = await run(file, ["--print", "sysroot"]).then((it) => it.stdout.trim(), () => null);
    if (root === null) continue;
    if (existsSync(join(root, "lib/rustlib", target, "lib"))) return file;
  }
  return null;
}

/** What makes WASI 0.2 of the calls that a standard library has for WASI 0.1; null when cargo has not fetched it. */
function wasiAdapter(): Uint8Array | null {
  const home = process.env["CARGO_HOME"] ?? join(process.env["HOME"] ?? "", ".cargo");
  const sources = join(home, "registry/src");
  for (const index of existsSync(sources) ? readdirSync(sources) : []) {
    const crates = readdirSync(join(sources, index)).filter((name) => name.startsWith(`${ADAPTER}-`)).sort();
    const crate = crates.at(-1);
    if (crate !== undefined) {
      return readFileSync(join(sources, index, crate, "artefacts/wasi_snapshot_preview1.reactor.wasm"));
    }
  }
  return null;
}

/** A core module with the world in a section of its own, as a component. */
async function asComponent(core: Uint8Array, adapter: Uint8Array | null): Promise<Uint8Array> {
  const { componentNew } = await import("@bytecodealliance/jco-transpile/wasm-tools");
  return await componentNew(core, adapter === null ? [] : [["wasi_snapshot_preview1", adapter]]);
}

async function buildRust(name: string, { world, usesWasi }: Guest, outFile: string): Promise<string | null> {
  const bindgen = await programFor(["wit-bindgen"], ["--version"], /wit-bindgen.* 0\.30\./);
  if (bindgen === null) return "wit-bindgen 0.30 is not on PATH (cargo install wit-bindgen-cli --version 0.30.0)";
  const target = usesWasi === true ? "wasm32-wasi" : "wasm32-unknown-unknown";
  const compiler = await rustc(target);
  if (compiler === null) return `there is no rustc with ${target}`;
  const adapter = usesWasi === true ? wasiAdapter() : null;
  if (usesWasi === true && adapter === null) return `cargo has not fetched the crate ${ADAPTER}`;
  return await inCopy(name, async (folder) => {
    await run(bindgen, ["rust", WIT, "--world", world, "--out-dir", folder, "--runtime-path", "crate::runtime"]);
    const file = `${world.replaceAll("-", "_")}.rs`;
    const source = [
      "#![allow(dead_code, unknown_lints, static_mut_refs)]",
      readFileSync(join(FOLDER, "runtime.rs"), "utf8"),
      // For compilers before Rust 1.65.
      readFileSync(join(folder, file), "utf8").replaceAll(".cast_mut()", " as *mut _"),
      readFileSync(join(folder, "lib.rs"), "utf8"),
      "export!(Filter);",
    ].join("\n");
    writeFileSync(join(folder, "all.rs"), source);
    const core = join(folder, "core.wasm");
    await run(compiler, [
      ...["--edition", "2021", "--crate-type", "cdylib", "--target", target, "--crate-name", name],
      ...["-C", "opt-level=s", "-C", "lto", "-C", "panic=abort", "-C", "strip=debuginfo", "-o", core],
      `--remap-path-prefix=${folder}=${name}`,
      join(folder, "all.rs"),
    ]);
    writeFileSync(outFile, await asComponent(readFileSync(core), adapter));
    return null;
  });
}

async function buildJs(name: string, world: string, outFile: string): Promise<string | null> {
  const jco = await programFor(["jco"], ["--version"], /^1\./);
  if (jco === null) return "jco is not on PATH (npm install @bytecodealliance/jco componentize-qjs)";
  return await inCopy(name, async (folder) => {
    await run(jco, [
      ...["componentize", join(folder, "filter.js"), "--wit", WIT, "--world-name", world, "-o", outFile],
      ...["--backend", "qjs", "--backend-qjs-disable-async", "--backend-qjs-stub-wasi"],
    ]);
    return null;
  });
}

async function inCopy<T>(name: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "nuncio_component_"));
  try {
    cpSync(join(FOLDER, name), folder, { recursive: true });
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Builds a guest; a text says why it could not be. */
export function buildGuest(name: string, outFile: string = componentFile(name)): Promise<string | null> {
  const guest = GUESTS[name]!;
  return guest.language === "rust" ? buildRust(name, guest, outFile) : buildJs(name, guest.world, outFile);
}

if (import.meta.main) {
  const names = process.argv.slice(2);
  for (const name of names.length === 0 ? Object.keys(GUESTS) : names) {
    const problem = await buildGuest(name);
    console.log(problem === null ? `${name}: built` : `${name}: not built, ${problem}`);
  }
}
