// host/testing/filter_build/component.ts: from a core module that AssemblyScript has made to a component.
/**
 * `sdk/component` exports its callbacks under names that the language allows; here they get those of the world,
 * everything else that the module exports goes, and the component is put around it.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { COMPONENT_EXPORTS, COMPONENT_PACKAGE, COMPONENT_VERSION } from "../../../abi/mod.ts";
import { NuncioError } from "../../base/error.ts";
import { packageRoot } from "./package_root.ts";

/** What a component filters. */
export type ComponentKind = "http" | "tcp";

const WORLDS: Readonly<Record<ComponentKind, string>> = { http: "http-filter", tcp: "network-filter" };
const RESOURCES: Readonly<Record<ComponentKind, string>> = { http: "stream", tcp: "connection" };
/** The name of the file that is compiled besides the author's; it is nowhere on disk. */
export const COMPONENT_ENTRY = "nuncio-component.ts";

/** What is used of `@bytecodealliance/jco-transpile/wasm-tools`. */
interface WasmTools {
  componentEmbed(options: Readonly<Record<string, unknown>>): Promise<Uint8Array>;
  componentNew(module: Uint8Array, adapters: []): Promise<Uint8Array>;
}

/** The text of that file. */
export function componentEntry(kind: ComponentKind): string {
  return `export * from "nuncio/sdk/component/${kind}";\n`;
}

/** What a filter's sources say that it filters. */
export function componentKind(sources: Iterable<string>): ComponentKind {
  let kind: ComponentKind = "http";
  for (const text of sources) {
    if (/\bHttpFilter(?:Of)?\b/.test(text)) return "http";
    if (/\bNetworkFilter(?:Of)?\b/.test(text)) kind = "tcp";
  }
  return kind;
}

/**
 * Makes a component of a module.
 *
 * @throws filter/no-component-tools
 */
export async function makeComponent(core: Uint8Array, kind: ComponentKind): Promise<Uint8Array> {
  const { componentEmbed, componentNew } = await loadTools();
  const witSource = await readFile(join(packageRoot(), "abi/wit/filter.wit"), "utf8");
  const binary = renameExports(core, exportNames(kind));
  // As the language has its strings.
  const options = { binary, witSource, world: WORLDS[kind], stringEncoding: "utf16" };
  return await componentNew(await componentEmbed(options), []);
}

async function loadTools(): Promise<WasmTools> {
  // Not a literal: the package is optional.
  const name = "@bytecodealliance/jco-transpile/wasm-tools";
  try {
    return (await import(name)) as WasmTools;
  } catch (cause) {
    const message = "components need a package: run `npm install --save-dev @bytecodealliance/jco-transpile@0.15`";
    throw new NuncioError("filter/no-component-tools", message, { cause });
  }
}

/** The names that each export of `sdk/component` gets. */
function exportNames(kind: ComponentKind): Map<string, string[]> {
  const names = new Map<string, string[]>([["memory", ["memory"]], ["cabi_realloc", ["cabi_realloc"]]]);
  names.set("_initialize", ["_initialize"]);
  const resource = RESOURCES[kind];
  const posts: string[] = [];
  for (const row of COMPONENT_EXPORTS) {
    if (row.interface !== "plugin" && row.interface !== kind) continue;
    const name = `${COMPONENT_PACKAGE}/${row.interface}@${COMPONENT_VERSION}#${row.name}`;
    const short = row.name.startsWith("[constructor]") ? `${resource}_new` : row.name.replace(/^\[method\]\w+\./, "");
    names.set(`${row.interface}_${short.replaceAll("-", "_")}`, [name]);
    if (/-(?:headers|trailers)$/.test(row.name)) posts.push(`cabi_post_${name}`);
  }
  names.set(`${kind}_${resource}_drop`, [`${COMPONENT_PACKAGE}/${kind}@${COMPONENT_VERSION}#[dtor]${resource}`]);
  names.set("http_post_headers", posts);
  return names;
}

const EXPORT_SECTION = 7;

/** The module with other names for its exports; those that have none are left out. */
function renameExports(core: Uint8Array, names: ReadonlyMap<string, readonly string[]>): Uint8Array {
  const parts: Uint8Array[] = [core.subarray(0, 8)];
  for (let at = 8; at < core.length;) {
    const [size, start] = readNumber(core, at + 1);
    const end = start + size;
    if (core[at] !== EXPORT_SECTION) {
      // A source map would be of other offsets.
      if (core[at] !== 0 || sectionName(core, start) !== "sourceMappingURL") parts.push(core.subarray(at, end));
    } else {
      const section = renamedSection(core.subarray(start, end), names);
      parts.push(Uint8Array.of(EXPORT_SECTION, ...number(section.length)), Uint8Array.from(section));
    }
    at = end;
  }
  return joined(parts);
}

function sectionName(core: Uint8Array, at: number): string {
  const [size, start] = readNumber(core, at);
  return new TextDecoder().decode(core.subarray(start, start + size));
}

function renamedSection(section: Uint8Array, names: ReadonlyMap<string, readonly string[]>): number[] {
  const entries: number[] = [];
  let kept = 0;
  let [count, at] = readNumber(section, 0);
  for (; count > 0; count--) {
    const [size, start] = readNumber(section, at);
    const name = new TextDecoder().decode(section.subarray(start, start + size));
    const kind = section[start + size]!;
    const [index, next] = readNumber(section, start + size + 1);
    for (const given of names.get(name) ?? []) {
      const bytes = new TextEncoder().encode(given);
      entries.push(...number(bytes.length), ...bytes, kind, ...number(index));
      kept++;
    }
    at = next;
  }
  return [...number(kept), ...entries];
}

/** A LEB128 number and where it ends. */
function readNumber(bytes: Uint8Array, start: number): [value: number, end: number] {
  let value = 0;
  for (let at = start, shift = 0;; at++, shift += 7) {
    value |= (bytes[at]! & 0x7f) << shift;
    if (bytes[at]! < 0x80) return [value >>> 0, at + 1];
  }
}

function number(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push(rest & 0x7f | 0x80);
  return [...bytes, rest];
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
