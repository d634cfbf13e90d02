// host/cli/commands/filter_new.ts: `nuncio filter new`: a project made from one of the examples.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { parseArgs } from "node:util";
import { NuncioError } from "../../base/error.ts";
import { packageRoot } from "../../testing/filter_build/package_root.ts";
import { type CommandOutput, USAGE_ERROR } from "./command_output.ts";
import { projectFiles, type TemplateFiles } from "./filter_template.ts";

const TEMPLATE_OF_KIND: Readonly<Record<string, string>> = { http: "add_header", tcp: "tcp_gate" };
const TEMPLATE_FILES = ["filter.ts", "filter.test.ts", "nuncio.yaml"] as const;

// deno-lint-ignore require-await
export async function filterNew(args: string[], output: CommandOutput): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { kind: { type: "string", default: "http" }, from: { type: "string" } },
  });
  const [path, ...more] = positionals;
  if (path === undefined || more.length > 0) throw new NuncioError(USAGE_ERROR, "expected one name for the filter");
  const name = basename(path);
  if (!/^[a-z][a-z0-9_-]*$/.test(name)) {
    throw new NuncioError(USAGE_ERROR, `${JSON.stringify(name)}: expected a name such as "my_filter"`);
  }
  if (existsSync(path) && readdirSync(path).length > 0) {
    throw new NuncioError("filter/folder-not-empty", `${path}: the folder is not empty`);
  }
  const template = values.from ?? TEMPLATE_OF_KIND[values.kind];
  if (template === undefined) {
    throw new NuncioError(USAGE_ERROR, `--kind ${values.kind}: expected ${Object.keys(TEMPLATE_OF_KIND).join(" or ")}`);
  }
  const files = projectFiles(name, template, readTemplate(template), readVersions());
  mkdirSync(path, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
  const here = relative(".", path);
  output.out(`${here}/ is a copy of the example "${template}". What to do with it:

  cd ${here}
  npm install
  npm run build     compiles filter.ts to build/filter.wasm
  npm test          builds it and runs filter.test.ts
  npm start         builds it and runs the proxy with nuncio.yaml
`);
  return 0;
}

function readTemplate(template: string): TemplateFiles {
  const examples = join(packageRoot(), "filters-examples");
  const known = readdirSync(examples, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(examples, entry.name, "filter.ts")))
    .map((entry) => entry.name);
  if (!known.includes(template)) {
    throw new NuncioError(USAGE_ERROR, `--from ${template}: expected one of ${known.sort().join(", ")}`);
  }
  const read = (file: string) => readFileSync(join(examples, template, file), "utf8");
  return Object.fromEntries(TEMPLATE_FILES.map((file) => [file, read(file)])) as unknown as TemplateFiles;
}

/** The versions that a project made by this version of nuncio depends on. */
function readVersions(): Record<string, string> {
  const manifest = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as {
    version: string;
    peerDependencies?: Record<string, string>;
    devDependencies?: Record<string, string>;
  };
  const versionOf = (name: string) => manifest.devDependencies?.[name] ?? manifest.peerDependencies?.[name] ?? "*";
  return {
    assemblyscript: versionOf("assemblyscript"),
    nuncio: `^${manifest.version}`,
    uvu: versionOf("uvu"),
  };
}
