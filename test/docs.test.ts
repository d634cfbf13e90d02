// test/docs.test.ts: what the documents show is true: configurations load, filters compile, links and commands exist.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { load, loadAll } from "js-yaml";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { renderText } from "../host/base/diagnostic_render.ts";
import { parseFlags } from "../host/cli/flags.ts";
import { CONFIG_CODES } from "../host/config/codes.ts";
import { loadBootstrap, loadRegistry } from "../host/config/load.ts";
import { PLAN_CODES } from "../host/config/plan_codes.ts";
import { buildFilter } from "../host/testing/filter_build/build_filter.ts";
import { loaded } from "./support/loaded_configuration.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SKIPPED_FOLDERS = new Set(["node_modules", "dist", "gen", "build", "results"]);
const TYPE = "type.googleapis.com/envoy.extensions.filters";

/** A fenced block of a document. */
interface Block {
  /** `README.md:12`, the line of the fence. */
  readonly place: string;
  readonly language: string;
  readonly text: string;
}

function findDocuments(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) return path.endsWith(".md") ? [path] : [];
    return SKIPPED_FOLDERS.has(entry.name) || entry.name.startsWith(".") ? [] : findDocuments(path);
  });
}

const DOCUMENTS = findDocuments(".").sort();
const TEXTS = new Map(DOCUMENTS.map((path) => [path, readFileSync(join(ROOT, path), "utf8")]));
const BLOCKS = DOCUMENTS.flatMap((path) => fencedBlocks(path, TEXTS.get(path)!));

function fencedBlocks(path: string, text: string): Block[] {
  const blocks: Block[] = [];
  let open: { line: number; language: string; lines: string[] } | null = null;
  for (const [index, line] of text.split("\n").entries()) {
    const fence = /^ {0,3}```(\S*)/.exec(line);
    if (fence === null) open?.lines.push(line);
    else if (open === null) open = { line: index + 1, language: fence[1]!, lines: [] };
    else {
      blocks.push({ place: `${path}:${open.line}`, language: open.language, text: open.lines.join("\n") + "\n" });
      open = null;
    }
  }
  return blocks;
}

/** A document without its fenced blocks. */
function prose(path: string): string {
  return TEXTS.get(path)!.replace(/^ {0,3}```[^]*?^ {0,3}```$/gm, "");
}

/** Problems of a bootstrap, as the proxy finds them before it starts; empty when there are none. */
async function configurationProblems(yaml: string): Promise<string> {
  const { diagnostics } = await loaded({ yaml, triesCode: true });
  return diagnostics.hasErrors ? renderText(diagnostics) : "";
}

/** An HTTP filter as documents show it, inside the least configuration that has one. */
function aroundFilter(filter: string): string {
  const manager = {
    "@type": `${TYPE}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "x",
    route_config: {},
    http_filters: load(filter),
  };
  const address = { socket_address: { address: "127.0.0.1", port_value: 0 } };
  const chain = { filters: [{ name: "http", typed_config: manager }] };
  return JSON.stringify({ static_resources: { listeners: [{ name: "x", address, filter_chains: [chain] }] } });
}

test("whole configurations in documents load", async () => {
  const blocks = BLOCKS.filter(({ language, text }) => language === "yaml" && /^static_resources:/m.test(text));
  assert.ok(blocks.length >= 3);
  for (const { place, text } of blocks) assert.is(await configurationProblems(text), "", place);
});

test("fields of clusters in documents are planned", async () => {
  const blocks = BLOCKS.filter(({ language, text }) =>
    language === "yaml" && text.startsWith("# fields of a cluster\n")
  );
  assert.ok(blocks.length >= 2);
  for (const { place, text } of blocks) {
    const cluster = { name: "x", ...(load(text) as object) };
    assert.is(await configurationProblems(JSON.stringify({ static_resources: { clusters: [cluster] } })), "", place);
  }
});

test("routes in documents are planned", async () => {
  const blocks = BLOCKS.filter(({ language, text }) => language === "yaml" && text.startsWith("# routes\n"));
  assert.ok(blocks.length >= 2);
  for (const { place, text } of blocks) {
    const bootstrap = JSON.parse(
      aroundFilter(`- name: router\n  typed_config: { "@type": ${TYPE}.http.router.v3.Router }`),
    );
    const manager = bootstrap.static_resources.listeners[0].filter_chains[0].filters[0].typed_config;
    manager.route_config = { virtual_hosts: [{ name: "v", domains: ["*"], routes: load(text) }] };
    bootstrap.static_resources.clusters = [{ name: "upstream" }];
    assert.is(await configurationProblems(JSON.stringify(bootstrap)), "", place);
  }
});

test("HTTP filters in documents have fields that exist", () => {
  const registry = loadRegistry();
  const blocks = BLOCKS.filter(({ language, text }) =>
    language === "yaml" && text.startsWith("- name:") && text.includes(`${TYPE}.http.`)
  );
  assert.ok(blocks.length >= 2);
  for (const { place, text } of blocks) {
    const { root, diagnostics } = loadBootstrap({ registry, yaml: aroundFilter(text) });
    assert.ok(root !== null, `${place}: ${renderText(diagnostics)}`);
  }
});

test("other YAML in documents is YAML", () => {
  for (const { place, language, text } of BLOCKS) {
    if (language === "yaml") assert.not.throws(() => loadAll(text), undefined, place);
  }
});

test("deployment files are YAML, and the configuration in them loads", async () => {
  const folder = join(ROOT, "deploy/k8s");
  const kinds: string[] = [];
  for (const name of readdirSync(folder).sort()) {
    for (const document of loadAll(readFileSync(join(folder, name), "utf8")) as Record<string, unknown>[]) {
      kinds.push(String(document["kind"]));
      if (document["kind"] === "Kustomization") {
        assert.equal(
          (document["resources"] as string[]).toSorted(),
          readdirSync(folder).filter((each) => each !== name).sort(),
        );
      }
      if (document["kind"] !== "ConfigMap") continue;
      const { "envoy.yaml": yaml } = document["data"] as { "envoy.yaml": string };
      assert.is(await configurationProblems(yaml), "", name);
    }
  }
  assert.equal(kinds.sort(), [
    "ConfigMap",
    "Deployment",
    "HorizontalPodAutoscaler",
    "Kustomization",
    "PodDisruptionBudget",
    "Service",
  ]);
});

test("flags in deployment files exist", () => {
  const [deployment] = loadAll(readFileSync(join(ROOT, "deploy/k8s/deployment.yaml"), "utf8")) as [
    { spec: { template: { spec: { containers: { args: string[] }[] } } } },
  ];
  assert.is(commandProblem(deployment.spec.template.spec.containers[0]!.args), null);
  const unit = readFileSync(join(ROOT, "deploy/systemd/nuncio.service"), "utf8");
  const start = /^ExecStart=\S+ (.+)$/m.exec(unit);
  assert.is(commandProblem(words(start![1]!)), null);
});

test("filters in documents compile", async () => {
  const blocks = BLOCKS.filter(({ text }) => text.includes('export * from "nuncio/sdk/entry'));
  assert.ok(blocks.length >= 2);
  for (const { place, text } of blocks) {
    // The same text is built once; build records make later runs quick. What only optimises finds no problem.
    const digest = createHash("sha256").update(text).digest("hex").slice(0, 16);
    const folder = join(ROOT, "node_modules/.cache/docs", digest);
    mkdirSync(folder, { recursive: true });
    if (!existsSync(join(folder, "filter.ts"))) writeFileSync(join(folder, "filter.ts"), text);
    const { diagnostics } = await buildFilter({ path: folder, target: "debug" });
    assert.is(diagnostics.hasErrors ? renderText(diagnostics) : "", "", place);
  }
});

test("names that documents import exist", async () => {
  const faces: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    "nuncio": await import("../host/mod.ts"),
    "nuncio/testing": await import("../host/testing/mod.ts"),
    "nuncio/wasm": await import("../host/wasm/mod.ts"),
    "nuncio/abi": await import("../abi/mod.ts"),
  };
  let count = 0;
  for (const { place, text } of BLOCKS) {
    for (const [, names, from] of text.matchAll(/^import \{ ([^}]+) \} from "(nuncio[^"]*)";/gm)) {
      const face = faces[from!];
      for (const name of face === undefined ? [] : names!.split(",").map((each) => each.trim())) {
        count++;
        assert.ok(name.startsWith("type ") || name in face!, `${place}: ${from} exports no ${name}`);
      }
    }
  }
  assert.ok(count > 0);
});

/** The anchor that a heading gets. */
function anchorOf(heading: string): string {
  return heading.trim().toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");
}

test("relative links lead somewhere", () => {
  const broken: string[] = [];
  for (const path of DOCUMENTS) {
    for (const [, link] of prose(path).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link!)) continue;
      const [target, anchor] = link!.split("#");
      const file = target === "" ? path : join(dirname(path), target!);
      if (!existsSync(join(ROOT, file))) broken.push(`${path}: ${link}`);
      else if (anchor !== undefined) {
        const headings = [...readFileSync(join(ROOT, file), "utf8").matchAll(/^#+ (.+)$/gm)];
        if (!headings.some((heading) => anchorOf(heading[1]!) === anchor)) broken.push(`${path}: ${link}`);
      }
    }
  }
  assert.equal(broken, []);
});

test("files that documents name exist", () => {
  const missing: string[] = [];
  const named = /`((?:abi|bench|deploy|docs|filters-examples|host|sdk|test)\/[\w./-]+\.\w+)`|\bnode ([\w/-]+\.ts)\b/g;
  for (const path of DOCUMENTS) {
    for (const [, quoted, run] of TEXTS.get(path)!.matchAll(named)) {
      const file = (quoted ?? run)!;
      // Capitals stand for a name to be chosen; what a build makes need not be there.
      if (/[A-Z]/.test(file) || file.includes("/build/")) continue;
      if (!existsSync(join(ROOT, file))) missing.push(`${path}: ${file}`);
    }
  }
  assert.equal(missing, []);
});

test("scripts and tasks that documents name exist", () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: object };
  const { tasks } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8")) as { tasks: object };
  const unknown: string[] = [];
  for (const path of DOCUMENTS) {
    for (const [, script] of TEXTS.get(path)!.matchAll(/\bnpm run (?:--?\w+ )*([a-z][\w:-]*)/g)) {
      if (!(script! in scripts)) unknown.push(`${path}: npm run ${script}`);
    }
    for (const [, task] of TEXTS.get(path)!.matchAll(/\bdeno task ([a-z][\w:-]*)/g)) {
      if (!(task! in tasks)) unknown.push(`${path}: deno task ${task}`);
    }
  }
  assert.equal(unknown, []);
  assert.ok("start" in scripts && "test" in scripts);
});

/** The words of a shell line up to a comment, a pipe or the next command; quotes keep words together. */
function words(line: string): string[] {
  const found: string[] = [];
  for (const [word] of line.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)) {
    if (/^(?:#|\||&&|;|>|2>)/.test(word)) break;
    found.push(word.replace(/^(["'])(.*)\1$/, "$2"));
  }
  return found;
}

/** What is wrong with nuncio's arguments, or null. */
function commandProblem(args: readonly string[]): string | null {
  const [first, second] = args;
  if (first === "filter") {
    return second === undefined || ["new", "build", "test", "--help"].includes(second) ? null : `filter ${second}`;
  }
  if (first === "explain") {
    const known = [...CONFIG_CODES, ...PLAN_CODES].some((each) => each.code === second);
    return known ? null : `explain ${second}`;
  }
  const parsed = parseFlags(args);
  return parsed.ok ? null : parsed.error;
}

test("commands that documents show are understood", () => {
  const problems: string[] = [];
  let count = 0;
  const check = (place: string, line: string): void => {
    const command = /^\s*(?:\$ )?(?:npx nuncio|nuncio|npm start --|deno task start)(?:\s+(.*))?$/.exec(line);
    if (command === null || /…|\bCODE\b/.test(line)) return;
    count++;
    const problem = commandProblem(words(command[1] ?? ""));
    if (problem !== null) problems.push(`${place}: ${line.trim()}: ${problem}`);
  };
  for (const { place, language, text } of BLOCKS) {
    if (!["", "sh", "shell", "bash", "console"].includes(language)) continue;
    for (const line of text.split("\n")) check(place, line);
  }
  for (const path of DOCUMENTS) {
    for (const [, code] of prose(path).matchAll(/`([^`\n]+)`/g)) {
      if (/^(?:npx nuncio|npm start --|deno task start)\s+\S/.test(code!)) check(path, code!);
    }
  }
  assert.equal(problems, []);
  assert.ok(count > 10);
});

test("every dependency has a row", () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Record<
    "dependencies" | "devDependencies" | "peerDependencies",
    Record<string, string>
  >;
  const versions = { ...manifest.peerDependencies, ...manifest.dependencies, ...manifest.devDependencies };
  const rows = [
    ...TEXTS.get(relative(ROOT, join(ROOT, "docs/dependencies.md")))!.matchAll(/^\| `([^`]+)` \| ([^,]+),/gm),
  ];
  assert.equal(
    Object.fromEntries(rows.map(([, name, version]) => [name!, version!]).sort()),
    Object.fromEntries(Object.entries(versions).sort()),
  );
});

test.run();
