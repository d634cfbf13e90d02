// test/guests/component/build.ts: builds the component guests from their sources, where their toolchains are.
/**
 * `node test/guests/component/build.ts [GUEST…]` writes each `guest.wasm` anew and says which it could not build.
 * What it takes is in README.md.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const FOLDER: string = fileURLToPath(new URL(".", import.meta.url));
const WIT: string = fileURLToPath(new URL("../../../abi/wit/filter.wit", import.meta.url));

/** The guests with their worlds. */
export const GUESTS: Readonly<Record<string, { readonly world: string; readonly language: "rust" | "js" }>> = {
  rust_http: { world: "http-filter", language: "rust" },
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
async function rustc(): Promise<string | null> {
  for (const file of ["rustc", "/usr/bin/rustc"]) {
    const root = await run(file, ["--print", "sysroot"]).then((it) => it.stdout.trim(), () => null);
    if (root === null) continue;
    const target = await run("ls", [join(root, "lib/rustlib/wasm32-unknown-unknown/lib")]).then(
      () => true,
      () => false,
    );
    if (target) return file;
  }
  return null;
}

/** A core module with the world in a section of its own, as a component. */
async function asComponent(core: Uint8Array): Promise<Uint8Array> {
  const { componentNew } = await import("@bytecodealliance/jco-transpile/wasm-tools");
  return await componentNew(core, []);
}

async function buildRust(name: string, world: string, outFile: string): Promise<string | null> {
  const bindgen = await programFor(["wit-bindgen"], ["--version"], /wit-bindgen.* 0\.30\./);
  if (bindgen === null) return "wit-bindgen 0.30 is not on PATH (cargo install wit-bindgen-cli --version 0.30.0)";
  const compiler = await rustc();
  if (compiler === null) return "there is no rustc with wasm32-unknown-unknown";
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
      ...["--edition", "2021", "--crate-type", "cdylib", "--target", "wasm32-unknown-unknown", "--crate-name", name],
      ...["-C", "opt-level=s", "-C", "lto", "-C", "panic=abort", "-C", "strip=debuginfo", "-o", core],
      `--remap-path-prefix=${folder}=${name}`,
      join(folder, "all.rs"),
    ]);
    writeFileSync(outFile, await asComponent(readFileSync(core)));
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
  const { world, language } = GUESTS[name]!;
  return language === "rust" ? buildRust(name, world, outFile) : buildJs(name, world, outFile);
}

if (import.meta.main) {
  const names = process.argv.slice(2);
  for (const name of names.length === 0 ? Object.keys(GUESTS) : names) {
    const problem = await buildGuest(name);
    console.log(problem === null ? `${name}: built` : `${name}: not built, ${problem}`);
  }
}
