// abi/generate.ts: writes what is made from the tables: the SDK's imports and the reference page.
/**
 * `node abi/generate.ts` writes `sdk/src/imports.gen.ts` and `docs/reference/abi.md`; with `--check` it
 * writes nothing and fails when a file differs from what it would write.
 *
 * @module
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import {
  ABI_MARKERS,
  ABI_VERSIONS,
  ALLOCATORS,
  CALLBACKS,
  enumName,
  FOREIGN_FUNCTIONS,
  HOSTCALLS,
  type ParamKind,
  PROPERTIES,
  SHIMS,
  Status,
  valueTypeOf,
  WASI_FUNCTIONS,
} from "./mod.ts";

const SDK_VERSION = "0.2.1";

/** The AssemblyScript type of a parameter. */
function assemblyScriptType(kind: ParamKind): string {
  switch (kind) {
    case "i32":
    case "u32":
    case "i64":
    case "u64":
      return kind;
    default:
      return "usize";
  }
}

function camelCase(name: string): string {
  const camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return camel === "arguments" ? "args" : camel;
}

/** The SDK's import declarations. */
export function renderSdkImports(): string {
  const lines = [
    "// sdk/src/imports.gen.ts: the host functions of proxy-wasm 0.2.1. Made by abi/generate.ts; edit abi/hostcalls.ts.",
  ];
  for (const row of HOSTCALLS) {
    if (!row.versions.includes(SDK_VERSION) || row.envoyOnly) continue;
    const parameters = row.params.map((p) => `${camelCase(p.name)}: ${assemblyScriptType(p.kind)}`).join(", ");
    lines.push(
      "",
      `/** ${row.doc} */`,
      `@external("env", "${row.name}")`,
      `export declare function ${row.name}(${parameters}): i32;`,
    );
  }
  return lines.join("\n") + "\n";
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

function code(text: string): string {
  return "`" + text + "`";
}

/** The reference page. */
export function renderReference(): string {
  const versions = (of: readonly string[]): string => of.length === ABI_VERSIONS.length ? "all" : of.join(", ");
  return `# The proxy-wasm ABI

Made by \`node abi/generate.ts\` from the tables in \`abi/\`; edit those.

A module says which version it speaks by exporting one of ${
    ABI_VERSIONS.map((version) => code(ABI_MARKERS[version])).join(", ")
  }. Results are placed in memory that the guest gives by ${ALLOCATORS.map(code).join(" or ")}.

## Host functions

Module \`env\`. All parameters are \`i32\` but those marked \`i64\`; the result is a status. A name is also its capability.

${
    table(
      ["function", "parameters", "versions", "statuses", "what it does"],
      HOSTCALLS.map((row) => [
        code(row.name) + (row.envoyOnly ? " (Envoy only)" : ""),
        row.params.map((p) => code(valueTypeOf(p.kind) === "i64" ? `${p.name}: i64` : p.name)).join(", "),
        versions(row.versions),
        row.statuses.map((status) => enumName(Status, status)).join(", "),
        row.doc,
      ]),
    )
  }

## Callbacks

Exports of the guest, all optional. All parameters and results are \`i32\`.

${
    table(
      ["export", "parameters", "result", "versions", "when"],
      CALLBACKS.map((row) => [
        code(row.name) + (row.alias === undefined ? "" : ` or ${code(row.alias)}`),
        row.params.map(code).join(", ") + (row.lastParamOptional ? " (the last may be absent)" : ""),
        row.result,
        row.extension ? "extension" : versions(row.versions),
        row.doc,
      ]),
    )
  }

## Properties

Paths are shown with dots; on the wire their segments are joined by a zero byte.

${
    table(
      ["path", "type", ""],
      PROPERTIES.map((row) => [
        code(row.path),
        row.type,
        row.legacyFor === undefined ? (row.withoutStream ? "also without a stream" : "") : `now ${code(row.legacyFor)}`,
      ]),
    )
  }

## Foreign functions

${
    table(
      ["name", "takes", "gives", "statuses"],
      FOREIGN_FUNCTIONS.map((row) => [
        code(row.name),
        row.takes,
        row.gives,
        row.statuses.map((status) => enumName(Status, status)).join(", "),
      ]),
    )
  }

## WASI

Modules \`wasi_snapshot_preview1\` and \`wasi_unstable\`.

${
    table(
      ["function", "type", "answer"],
      WASI_FUNCTIONS.map((row) => [
        code(row.name),
        `(${row.params.join(", ")}) → ${row.results.join() || "nothing"}`,
        row.answer.kind === "computed"
          ? "computed"
          : `errno ${row.answer.errno}${row.answer.kind === "stdio" ? " for 1 and 2, otherwise 8" : ""}`,
      ]),
    )
  }

## Functions of compilers' run times

${
    table(
      ["import", "type", "of", "what it does"],
      SHIMS.map((row) => [
        code(`${row.module}.${row.name}`),
        `(${row.params.join(", ")}) → ${row.results.join() || "nothing"}`,
        row.from,
        row.doc,
      ]),
    )
  }
`;
}

/** Every generated file: path from the repository's root, and its text. */
export function generatedFiles(): readonly (readonly [path: string, text: string])[] {
  return [["sdk/src/imports.gen.ts", renderSdkImports()], ["docs/reference/abi.md", renderReference()]];
}

function main(check: boolean): number {
  let stale = 0;
  for (const [path, text] of generatedFiles()) {
    const file = fileURLToPath(new URL(`../${path}`, import.meta.url));
    if (check) {
      if (readFileSync(file, "utf8") === text) continue;
      console.error(`${path} is not what abi/generate.ts writes; run: node abi/generate.ts`);
      stale++;
    } else {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      console.log(`wrote ${path}`);
    }
  }
  return stale === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = main(process.argv.includes("--check"));
