// host/cli/commands/filter_template.ts: an example's files, turned into a project of their own.
// pure: no I/O, no clock, no runtime globals
/**
 * The examples are the templates, so what people start from is what the tests of nuncio run. Three things
 * differ in a project: the name, the place of the built module, and where the harness is imported from.
 *
 * @module
 */

/** The files of an example that a project takes over. */
export interface TemplateFiles {
  readonly "filter.ts": string;
  readonly "filter.test.ts": string;
  readonly "nuncio.yaml": string;
}

/** The files of the project `name`, by file name. */
export function projectFiles(
  name: string,
  template: string,
  files: TemplateFiles,
  versions: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    "filter.ts": renameFilter(files["filter.ts"], template, name),
    "filter.test.ts": renameFilter(files["filter.test.ts"], template, name)
      .replaceAll('"../../host/testing/mod.ts"', '"nuncio/testing"'),
    "nuncio.yaml": renameConfiguration(files["nuncio.yaml"], template, name),
    "package.json": json({
      name,
      private: true,
      type: "module",
      scripts: {
        build: "nuncio filter build",
        test: "nuncio filter test",
        start: "nuncio filter build && nuncio -c nuncio.yaml",
      },
      devDependencies: versions,
    }),
    "asconfig.json": json({
      extends: "nuncio/sdk/asconfig.json",
      entries: ["filter.ts"],
      targets: { debug: { outFile: "build/filter.debug.wasm" }, release: { outFile: "build/filter.wasm" } },
    }),
    "tsconfig.json": json({ extends: "assemblyscript/std/assembly.json", include: ["filter.ts"] }),
    // filter.ts is AssemblyScript, which Deno's checks would take for TypeScript.
    "deno.json": json({ nodeModulesDir: "manual", exclude: ["filter.ts", "build"] }),
    ".gitignore": "node_modules/\nbuild/\n",
    "README.md": `# ${name}

A proxy filter in AssemblyScript, for nuncio, Envoy and other proxy-wasm hosts.

| | |
| --- | --- |
| \`npm run build\` | compiles \`filter.ts\` to \`build/filter.wasm\` |
| \`npm test\` | builds it and runs \`filter.test.ts\` |
| \`npm start\` | builds it and runs the proxy with \`nuncio.yaml\` on http://127.0.0.1:10000 |

How filters are written: \`node_modules/nuncio/sdk/README.md\`.
`,
  };
}

/** Names in code: the root id, metrics, log lines. Other words stay, so that "hello" may stand in a text. */
function renameFilter(text: string, template: string, name: string): string {
  return text
    .replaceAll(`filters-examples/${template}/`, "")
    .replaceAll(`"${template}"`, `"${name}"`)
    .replaceAll(`"${template}.`, `"${name}.`)
    .replaceAll(`"${template}: `, `"${name}: `)
    .replaceAll(`"${template}/`, `"${name}/`)
    .replaceAll(`"${template}_`, `"${name}_`);
}

function renameConfiguration(text: string, template: string, name: string): string {
  return text
    .replaceAll(`filters-examples/${template}/`, "")
    .replace("# Runs as it is on nuncio and on Envoy, from the folder that holds filters-examples.\n", "")
    .replace(new RegExp(`(name|root_id|vm_id): ${template}$`, "gm"), (_, key: string) => `${key}: ${name}`);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
