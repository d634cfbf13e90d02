// test/conformance/write_scoreboard.ts: writes docs/reference/abi_scoreboard.md from what the conformance tests have.
/**
 * `node test/conformance/write_scoreboard.ts [--check]`
 *
 * The numbers are those of the recordings and of the committed guests; the tests fail where nuncio does anything else.
 *
 * @module
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { ABI_VERSIONS, type AbiVersion, CALLBACKS, HOSTCALLS, WASI_FUNCTIONS } from "../../abi/mod.ts";
import { guestFile, GUESTS } from "../guests/build.ts";
import { ROOT } from "../support/proxy_process.ts";
import { GUEST_CASES, LACKS } from "./guests/cases.ts";
import { SUPERSETS } from "./hostcalls/supersets.ts";

const FILE: string = join(ROOT, "docs/reference/abi_scoreboard.md");
const RECORDED: string = join(ROOT, "test/conformance/hostcalls/recorded");

interface Recorded {
  readonly envoy: string;
  readonly cases?: readonly {
    readonly name: string;
    readonly version: AbiVersion;
    readonly lines: readonly string[];
  }[];
  readonly modules?: Readonly<Record<string, string>>;
}

function read(name: string): Recorded | null {
  const file = join(RECORDED, `${name}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) as Recorded : null;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

function code(text: string): string {
  return `\`${text}\``;
}

interface Guest {
  readonly name: string;
  readonly imports: ReadonlySet<string>;
  readonly exports: ReadonlySet<string>;
}

function guests(): Guest[] {
  return GUESTS.map(({ name }) => {
    const module = new WebAssembly.Module(readFileSync(guestFile(name)));
    return {
      name,
      imports: new Set(WebAssembly.Module.imports(module).map((each) => each.name)),
      exports: new Set(WebAssembly.Module.exports(module).map((each) => each.name)),
    };
  });
}

/** How many cases of a version there are; nothing where the version has no such function. */
function count(name: string, version: AbiVersion, versions: readonly AbiVersion[]): string {
  if (!versions.includes(version)) return "";
  const cases = read(name)?.cases ?? [];
  return String(cases.filter((each) => each.version === version).length);
}

function supersetsOf(name: string): number {
  return SUPERSETS.filter((each) => each.cases.some((title) => title.startsWith(`${name}: `))).length;
}

function rows(
  all: readonly { readonly name: string; readonly versions: readonly AbiVersion[] }[],
  uses: (name: string) => string,
): string[][] {
  return all.map(({ name, versions }) => [
    code(name),
    ...ABI_VERSIONS.map((version) => count(name, version, versions)),
    String(supersetsOf(name) || ""),
    uses(name),
  ]);
}

/** The page. */
export function renderScoreboard(): string {
  const all = guests();
  const hostcalls = rows(
    HOSTCALLS,
    (name) => all.filter((guest) => guest.imports.has(name)).map((guest) => guest.name).join(", "),
  );
  const compared = CALLBACKS.filter((row) => read(row.name) !== null);
  const callbacks = rows(
    compared,
    (name) => all.filter((guest) => guest.exports.has(name)).map((guest) => guest.name).join(", "),
  );
  const others = CALLBACKS.filter((row) => !compared.includes(row)).map((row) => code(row.name));
  const names = [...HOSTCALLS, ...CALLBACKS].map((row) => row.name);
  const recordings = [...names, "wasi", "allocators"].map(read).filter((each) => each !== null);
  const modules = Object.keys(read("modules")?.modules ?? {}).length;
  const called = new Set((read("wasi")?.cases ?? []).flatMap((each) => each.lines.map((line) => line.split(" ")[0]!)));
  const wasi = WASI_FUNCTIONS.filter((row) => called.has(row.name)).length;
  const total = recordings.reduce((sum, each) => sum + (each.cases?.length ?? 0), 0);
  const guestRows = GUEST_CASES.map((each) => [
    each.name,
    ...GUESTS.map((guest) => LACKS[guest.name]?.[each.name] === undefined ? "yes" : "–"),
  ]);
  const lacks = Object.entries(LACKS).flatMap(([guest, cases]) =>
    Object.entries(cases).map(([name, reason]) => `- ${guest}, "${name}": ${reason}.`)
  );
  return `# ABI scoreboard

Made by \`node test/conformance/write_scoreboard.ts\` from recordings and guests in \`test/\`; edit those.

A probe calls single host functions and tells what became of them. What it told in Envoy ${recordings[0]!.envoy} is
recorded; the tests play the same cases in nuncio on Node and on Deno and compare line by line: ${total} cases of host
functions, callbacks, WASI and allocators, and ${modules} modules that are loaded or refused. Where nuncio does more
than Envoy, or something safer, a [superset](#supersets) is declared; everything else is the same.

## Host functions

Numbers are cases by version of the ABI; an empty cell says that the version has no such function. Guests are those of
\`test/guests\` that import it.

${table(["function", ...ABI_VERSIONS, "supersets", "guests"], hostcalls)}

WASI preview 1: all ${WASI_FUNCTIONS.length} functions are there in both modules; ${wasi} of them are called and answer
what Envoy answers.

## Callbacks

${table(["callback", ...ABI_VERSIONS, "supersets", "guests"], callbacks)}

Not compared with Envoy, which calls them for other protocols or never: ${others.join(", ")}.

## Guests

The same filter with every SDK, unmodified: see [test/guests](../../test/guests/README.md).

${table(["case", ...GUESTS.map((guest) => guest.name)], guestRows)}

What is missing is missing in the SDK:

${lacks.join("\n")}

## Supersets

[\`compat: envoy\`](limits.md) switches them off for all plugins, or for those of a name, but for those of which it is
said here that they stay; the cases are played that way, too, and are then what Envoy did.

${SUPERSETS.map(superset).join("\n")}`;
}

function superset(each: (typeof SUPERSETS)[number]): string {
  return `### ${each.title}

- Envoy ${each.envoy}.
- nuncio ${each.nuncio}.
- Why: ${each.reason}.
- Seen in: ${each.cases.map(code).join(", ")}.
${each.always === true ? "- It stays with `compat: envoy`.\n" : ""}`;
}

/** The page as it stands; null when there is none. */
export function readScoreboard(): string | null {
  return existsSync(FILE) ? readFileSync(FILE, "utf8") : null;
}

if (import.meta.main) {
  const page = renderScoreboard();
  if (!process.argv.includes("--check")) writeFileSync(FILE, page);
  else if (readScoreboard() !== page) {
    console.error("docs/reference/abi_scoreboard.md is out of date: run write_scoreboard.ts");
    process.exitCode = 1;
  }
}
