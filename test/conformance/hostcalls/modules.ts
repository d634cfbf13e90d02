// test/conformance/hostcalls/modules.ts: modules that a host can load, or not, beside the real Envoy.
/** @module */
import { ABI_MARKERS, type AbiVersion, HOSTCALLS, SHIMS, valueTypeOf, WASI_FUNCTIONS } from "../../../abi/mod.ts";
import { assemble } from "../../host/wasm/guest.ts";
import { freePorts, type ProxyCommand, spawnProxy } from "../../support/proxy_process.ts";
import { bootstrap, cluster, httpListener } from "../differential/bootstrap.ts";

export interface Module {
  readonly name: string;
  readonly text: string;
  /** What nuncio says, line by line; nothing when it loads the module. */
  readonly says: readonly RegExp[];
}

const list = (keyword: string, types: readonly string[]): string =>
  types.length === 0 ? "" : `(${keyword} ${types.join(" ")})`;

function imported(module: string, name: string, params: readonly string[], results: readonly string[]): string {
  return `(import "${module}" "${name}" (func ${list("param", params)} ${list("result", results)}))`;
}

function hostcall(name: string, params?: readonly string[], results: readonly string[] = ["i32"]): string {
  const row = HOSTCALLS.find((each) => each.name === name)!;
  return imported("env", name, params ?? row.params.map(({ kind }) => valueTypeOf(kind)), results);
}

interface Parts {
  readonly imports?: string;
  readonly version?: AbiVersion | null;
  readonly memory?: string;
  readonly allocator?: string;
  readonly fields?: string;
}

const ALLOCATOR = `(func (export "malloc") (param i32) (result i32) (i32.const 4096))`;

function text(parts: Parts): string {
  const version = parts.version === undefined ? "0.2.1" : parts.version;
  return `(module ${parts.imports ?? ""} ${parts.memory ?? '(memory (export "memory") 1)'}
    ${version === null ? "" : `(func (export "${ABI_MARKERS[version]}"))`}
    ${parts.allocator ?? ALLOCATOR} ${parts.fields ?? ""})`;
}

function allOf(version: AbiVersion): string {
  const rows = HOSTCALLS.filter((row) => row.versions.includes(version));
  return rows.map((row) => hostcall(row.name)).join("\n");
}

/** Types that cpp-host has wrong: it wants fewer parameters than WASI has. */
const NOT_IN_ENVOY = ["path_link", "path_symlink"];

function allOfWasi(module: string): string {
  return WASI_FUNCTIONS.filter((row) => !NOT_IN_ENVOY.includes(row.name))
    .map((row) => imported(module, row.name, row.params, row.results)).join("\n");
}

export const MODULES: readonly Module[] = [
  { name: "every host function of 0.1.0", text: text({ imports: allOf("0.1.0"), version: "0.1.0" }), says: [] },
  { name: "every host function of 0.2.0", text: text({ imports: allOf("0.2.0"), version: "0.2.0" }), says: [] },
  { name: "every host function of 0.2.1", text: text({ imports: allOf("0.2.1") }), says: [] },
  {
    name: "every function of wasi_snapshot_preview1",
    text: text({ imports: allOfWasi("wasi_snapshot_preview1") }),
    says: [],
  },
  { name: "every function of wasi_unstable", text: text({ imports: allOfWasi("wasi_unstable") }), says: [] },
  {
    name: "links of files, as WASI has them",
    text: text({
      imports: NOT_IN_ENVOY.map((name) => WASI_FUNCTIONS.find((row) => row.name === name)!)
        .map((row) => imported("wasi_snapshot_preview1", row.name, row.params, row.results)).join(""),
    }),
    says: [],
  },
  { name: "a function of 0.1.0 in 0.2.1", text: text({ imports: hostcall("proxy_clear_route_cache") }), says: [] },
  {
    name: "a function of 0.2.1 in 0.2.0",
    text: text({ imports: hostcall("proxy_get_log_level"), version: "0.2.0" }),
    says: [],
  },
  {
    name: "functions of 0.1.0 without a result, as it is specified",
    text: text({
      imports: ["proxy_continue_request", "proxy_continue_response", "proxy_clear_route_cache"]
        .map((name) => hostcall(name, [], [])).join(""),
      version: "0.1.0",
    }),
    says: [],
  },
  {
    name: "gRPC functions as AssemblyScript SDKs declare them",
    text: text({
      imports: hostcall("proxy_grpc_call", Array<string>(10).fill("i32")) +
        hostcall("proxy_grpc_stream", Array<string>(7).fill("i32")),
    }),
    says: [],
  },
  ...SHIMS.map((row): Module => ({
    name: `${row.from}: ${row.name}`,
    text: text({ imports: imported(row.module, row.name, row.params, row.results) }),
    says: [],
  })),
  {
    name: "the same function twice",
    text: text({ imports: hostcall("proxy_log") + hostcall("proxy_log") }),
    says: [],
  },
  {
    name: "functions that there are not",
    text: text({
      imports: imported("env", "proxy_absent", ["i32"], ["i32"]) + imported("env", "other", [], []) +
        imported("elsewhere", "proxy_log", ["i32"], []) + imported("wasi_snapshot_preview1", "fd_absent", [], ["i32"]),
    }),
    says: [/env\.proxy_absent/, /env\.other/, /elsewhere\.proxy_log/, /wasi_snapshot_preview1\.fd_absent/],
  },
  {
    name: "functions of other types",
    text: text({
      imports: hostcall("proxy_log", ["i32", "i32"]) + hostcall("proxy_increment_metric", ["i32", "i32"]) +
        imported("wasi_snapshot_preview1", "fd_write", ["i32"], ["i32"]),
    }),
    says: [/env\.proxy_log/, /env\.proxy_increment_metric/, /wasi_snapshot_preview1\.fd_write/],
  },
  {
    name: "one function that there is not, and one of another type",
    text: text({ imports: imported("env", "proxy_absent", [], []) + hostcall("proxy_log", ["i64"]) }),
    says: [/env\.proxy_absent/, /env\.proxy_log/],
  },
  { name: "no version", text: text({ version: null }), says: [/ABI version/] },
  { name: "no allocator", text: text({ allocator: "" }), says: [/malloc/] },
  {
    name: "the specification's allocator",
    text: text({ allocator: ALLOCATOR.replace("malloc", "proxy_on_memory_allocate") }),
    says: [],
  },
  {
    name: "both allocators",
    text: text({ allocator: ALLOCATOR + ALLOCATOR.replace("malloc", "proxy_on_memory_allocate") }),
    says: [],
  },
  { name: "no memory", text: text({ memory: "" }), says: [/memory/] },
  { name: "an imported memory", text: text({ imports: '(import "env" "memory" (memory 1))', memory: "" }), says: [] },
  { name: "an imported table", text: text({ imports: '(import "env" "table" (table 1 funcref))' }), says: [] },
  { name: "an imported global", text: text({ imports: '(import "env" "g" (global i32))' }), says: [/env\.g/] },
  {
    name: "a callback of another type",
    text: text({ fields: '(func (export "proxy_on_tick") (param i64))' }),
    says: [/proxy_on_tick/],
  },
  {
    name: "a callback with fewer parameters",
    text: text({ fields: '(func (export "proxy_on_request_body") (param i32) (result i32) (i32.const 0))' }),
    says: [/proxy_on_request_body/],
  },
  {
    name: "the header callbacks of 0.1.0 in 0.2.1",
    text: text({ fields: '(func (export "proxy_on_request_headers") (param i32 i32) (result i32) (i32.const 0))' }),
    says: [],
  },
  { name: "_initialize", text: text({ fields: '(func (export "_initialize"))' }), says: [] },
  { name: "_start", text: text({ fields: '(func (export "_start"))' }), says: [] },
  {
    name: "_initialize that traps",
    text: text({ fields: '(func (export "_initialize") unreachable)' }),
    says: [/_initialize/],
  },
  {
    name: "a host function in _initialize",
    text: text({
      imports: '(import "env" "proxy_done" (func $done (result i32)))',
      fields: '(func (export "_initialize") (drop (call $done)))',
    }),
    says: [/proxy_done/],
  },
  {
    name: "a refusal",
    text: text({ fields: '(func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 0))' }),
    says: [/proxy_on_configure|refuse/],
  },
];

/** Modules that Envoy refuses and nuncio loads, with the reason. */
export const LOADED_HERE: Readonly<Record<string, string>> = {
  "links of files, as WASI has them": "Envoy's types of them are wrong; all that they do is to refuse",
  "a function of 0.1.0 in 0.2.1": "an AssemblyScript SDK of 0.2.1 declares it",
  "a function of 0.2.1 in 0.2.0": "the versions differ by nothing else",
  "functions of 0.1.0 without a result, as it is specified": "the specification has it so",
  "gRPC functions as AssemblyScript SDKs declare them": "the number of arguments tells which they are",
  "the header callbacks of 0.1.0 in 0.2.1": "the number of parameters tells which they are",
  "AssemblyScript: abort": "its compiler's default",
  "AssemblyScript: seed": "its compiler's default",
  "AssemblyScript: trace": "its compiler's default",
  "AssemblyScript: Date.now": "its compiler's default",
  "AssemblyScript: console.log": "its compiler's default",
  "AssemblyScript: console.debug": "its compiler's default",
  "AssemblyScript: console.info": "its compiler's default",
  "AssemblyScript: console.warn": "its compiler's default",
  "AssemblyScript: console.error": "its compiler's default",
};

/** Modules that Envoy loads and nuncio refuses, with the reason. */
export const REFUSED_HERE: Readonly<Record<string, string>> = {
  "no memory": "a filter without memory can ask for nothing and answer nothing",
};

/** `loaded`, or what Envoy says. */
export async function loadInEnvoy(envoy: ProxyCommand, module: string): Promise<string> {
  const [port, admin, upstream] = await freePorts(3);
  const code = btoa(String.fromCharCode(...assemble(module)));
  const yaml = bootstrap([
    httpListener("web", {
      filters: `- name: wasm
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
    config: { name: test, vm_config: { runtime: envoy.wasm.runtime.v8, code: { local: { inline_bytes: ${code} } } } }
`,
    }),
  ], [cluster("u")]).replace("@web@", String(port)).replace("@admin@", String(admin)).replace("@u@", String(upstream));
  const process = spawnProxy(yaml, { proxy: envoy, args: ["--concurrency", "1", "-l", "info"] });
  try {
    await process.waitForOutput(envoy.readyText);
    return "loaded";
  } catch {
    const lines = process.output().split("\n").filter((line) => /\[(error|critical)\]\[wasm\]/.test(line));
    return lines.map((line) => line.replace(/^(\[[^\]]*\]\s*)+/, "")).join("; ").slice(0, 300);
  } finally {
    await process.stop();
  }
}
