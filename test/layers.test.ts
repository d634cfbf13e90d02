// test/layers.test.ts: who may import whom, and what pure files may not name.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** A folder's layer: it may import layers below its own, and itself. `only` narrows that further. */
interface Layer {
  readonly folder: string;
  readonly rank: number;
  readonly only?: readonly string[];
  readonly never?: readonly string[];
}

const LAYERS: readonly Layer[] = [
  { folder: "abi", rank: 0, only: [] },
  { folder: "host/base", rank: 0, only: [] },
  { folder: "host/platform", rank: 1 },
  { folder: "host/api", rank: 1 },
  { folder: "host/config", rank: 2 },
  { folder: "host/observe", rank: 2 },
  { folder: "host/matching", rank: 2.5, never: ["host/observe"] },
  { folder: "host/wasm", rank: 2, only: ["abi", "host/base"] },
  { folder: "host/net", rank: 3, never: ["host/wasm"] },
  { folder: "host/http", rank: 4, never: ["host/wasm"] },
  { folder: "host/upstream", rank: 5, never: ["host/wasm"] },
  { folder: "host/router", rank: 6, never: ["host/wasm"] },
  { folder: "host/extensions", rank: 7 },
  { folder: "host/server", rank: 8 },
  { folder: "host/admin", rank: 9 },
  { folder: "host/testing", rank: 9 },
  { folder: "host/builder", rank: 9, only: ["host/base", "host/extensions"] },
  { folder: "host/embed", rank: 10 },
  { folder: "host/cli", rank: 11 },
];

/** Folders, or files, in which everything comes in through ports. */
const PURE = ["abi/", "host/base/", "host/api/", "host/wasm/", "host/matching/", "host/router/", "host/http/"];
/** Programs and readers of generated files inside those folders. */
const NOT_PURE = new Set(["abi/generate.ts", "host/api/build.ts", "host/config/write_reference.ts"]);
const FORBIDDEN_IN_PURE: readonly (readonly [RegExp, string])[] = [
  [/from "node:/, "a node: import"],
  [/\bDate\.now\b/, "Date.now"],
  [/\bMath\.random\b/, "Math.random"],
  [/(?<![\w.])set(?:Timeout|Interval)\((?!callback: )/, "a timeout"],
];

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "gen" ? [] : sources(path);
    return path.endsWith(".ts") ? [path] : [];
  });
}

const FILES = [...sources("abi"), ...sources("host")];
const TEXTS = new Map(FILES.map((file) => [file, readFileSync(join(ROOT, file), "utf8")]));

/** Text without comments: examples in doc comments are no imports. */
function code(file: string): string {
  return TEXTS.get(file)!.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}

/** Files that a file imports, types too; dynamic imports count when `dynamic` is set. */
function imports(file: string, dynamic: boolean): string[] {
  const pattern = dynamic ? /(?:from\s+|import\(\s*|import\s+)"(\.[^"]+)"/g : /(?:from\s+|import\s+)"(\.[^"]+)"/g;
  return [...code(file).matchAll(pattern)].map((match) => relative(ROOT, join(ROOT, dirname(file), match[1]!)));
}

function layerOf(file: string): Layer | null {
  return LAYERS.find((layer) => file.startsWith(layer.folder + "/")) ?? null;
}

test("every folder of abi and host has a layer", () => {
  assert.equal(FILES.filter((file) => layerOf(file) === null && file !== "host/mod.ts"), []);
});

test("imports go downwards only", () => {
  const problems: string[] = [];
  for (const file of FILES) {
    const layer = layerOf(file);
    if (layer === null) continue;
    for (const target of imports(file, true)) {
      const below = layerOf(target);
      if (below === null || below === layer) continue;
      const allowed = layer.only?.includes(below.folder) ??
        (below.rank < layer.rank && !(layer.never?.includes(below.folder) ?? false));
      if (!allowed) problems.push(`${file} imports ${target}`);
    }
  }
  assert.equal(problems, []);
});

test("only the command line awaits while it loads", () => {
  // A worker that waits for its modules misses what it is told meanwhile (Deno 2.9).
  const awaiting = FILES.filter((file) => /^(?:(?:export )?(?:const|let) [^=]*= )?await /m.test(code(file)));
  assert.equal(awaiting.filter((file) => !file.startsWith("host/cli/")), []);
});

test("an extension does not import another extension", () => {
  const home = (file: string): string | null =>
    /^host\/extensions\/(?!common\/|define\.ts|standard\.ts)((?:filters\/[a-z]+|[a-z_]+)\/[a-z_0-9]+)\//.exec(file)
      ?.[1] ?? null;
  const problems: string[] = [];
  for (const file of FILES) {
    const from = home(file);
    if (from === null) continue;
    for (const target of imports(file, true)) {
      const to = home(target);
      if (to !== null && to !== from && !to.endsWith("/common")) problems.push(`${file} imports ${target}`);
    }
  }
  assert.equal(problems, []);
});

test("no import cycles", () => {
  const state = new Map<string, "open" | "done">();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === "done" || !TEXTS.has(file)) return;
    if (state.get(file) === "open") {
      cycles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
      return;
    }
    state.set(file, "open");
    for (const target of imports(file, false)) visit(target, [...path, file]);
    state.set(file, "done");
  };
  for (const file of FILES) visit(file, []);
  assert.equal(cycles, []);
});

test("pure files name no clock, no randomness, no runtime", () => {
  const problems: string[] = [];
  for (const file of FILES) {
    if (!PURE.some((folder) => file.startsWith(folder)) || NOT_PURE.has(file)) continue;
    const text = code(file).replace(/"[^"\n]*"(?!;)/g, '""');
    for (const [pattern, what] of FORBIDDEN_IN_PURE) if (pattern.test(text)) problems.push(`${file} names ${what}`);
  }
  assert.equal(problems, []);
});

test("only the platform and the command line name the runtime", () => {
  const problems: string[] = [];
  for (const file of FILES) {
    if (file.startsWith("host/platform/") || file.startsWith("host/cli/") || NOT_PURE.has(file)) continue;
    if (/(?<![\w.])Deno\./.test(code(file))) problems.push(`${file} names Deno`);
    if (/(?<![\w.])process\./.test(code(file))) problems.push(`${file} names process`);
    // As a global; what is imported is any module's that may import from Node.
    const isGlobal = file !== "host/base/bytes.ts" && !code(file).includes('from "node:buffer"');
    if (isGlobal && /(?<![\w.])Buffer\./.test(code(file))) problems.push(`${file} names Buffer`);
  }
  assert.equal(problems, []);
});

test("workers load no configuration code", () => {
  const problems = new Set<string>();
  const seen = new Set<string>();
  // Value imports only: types are gone at run time.
  const valueImports = (file: string): string[] =>
    [
      ...code(file).matchAll(
        /(?:^|\n)\s*(?:import|export)(?!\s+type\b)[^;]*?from\s+"(\.[^"]+)"|import\(\s*"(\.[^"]+)"/g,
      ),
    ]
      .map((match) => relative(ROOT, join(ROOT, dirname(file), (match[1] ?? match[2])!)));
  const visit = (file: string): void => {
    if (seen.has(file) || !TEXTS.has(file)) return;
    seen.add(file);
    // The primitives of the wire format know no messages.
    if (/^host\/(config|api)\/(?!wire_(reader|writer)\.ts)|\/plan\/|\/planner\.ts$/.test(file)) problems.add(file);
    for (const target of valueImports(file)) {
      // Rows of `standard.ts` name planners that only main loads.
      if (file !== "host/extensions/standard.ts") visit(target);
    }
  };
  visit("host/server/worker_main.ts");
  for (const file of FILES) if (/^host\/extensions\/.*\/(module|logger)\.ts$/.test(file)) visit(file);
  assert.equal([...problems], []);
});

test.run();
