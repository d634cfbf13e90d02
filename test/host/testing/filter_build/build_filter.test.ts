// test/host/testing/filter_build/build_filter.test.ts: building filters, and not building them again.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { NuncioError } from "../../../../host/base/error.ts";
import { buildFilter, type BuildResult } from "../../../../host/testing/filter_build/build_filter.ts";

const SOURCE = `export * from "nuncio/sdk/entry/http";
import { HttpFilter, HeadersStatus, RequestHeaders, registerHttpFilter } from "nuncio/sdk";
import { VALUE } from "./value";
class Adder extends HttpFilter {
  onRequestHeaders(headers: RequestHeaders, endOfStream: bool): HeadersStatus {
    headers.set("x-a", VALUE);
    return HeadersStatus.Continue;
  }
}
registerHttpFilter<Adder>("adder");
`;

const test = suite<{ folder: string }>("buildFilter");
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), "nuncio-build-"));
  writeFileSync(join(context.folder, "filter.ts"), SOURCE);
  writeFileSync(join(context.folder, "value.ts"), 'export const VALUE: string = "one";\n');
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

/** Debug builds are quick; what is tested here does not depend on the target. */
function build(folder: string, force = false): Promise<BuildResult> {
  return buildFilter({ path: folder, target: "debug", force });
}

function messages(result: BuildResult): string[] {
  return result.diagnostics.all.map(({ message, span }) => {
    if (span === undefined) return message;
    const { line, column } = span.source.position(span.start);
    return `${span.source.name.replace(/.*\//, "")}:${line}:${column}: ${message}`;
  });
}

test("a filter outside any package finds SDK and compiler, and is built once", async ({ folder }) => {
  const first = await build(folder);
  assert.equal(messages(first), []);
  assert.is(first.outFile, join(folder, "build/filter.debug.wasm"));
  assert.is(first.sizeBytes, statSync(first.outFile).size);
  assert.not(first.upToDate);
  const exports = WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(first.outFile)));
  assert.ok(exports.some((row) => row.name === "proxy_on_request_headers"));
  assert.not(exports.some((row) => row.name === "proxy_on_downstream_data"));
  assert.ok(JSON.parse(readFileSync(`${first.outFile}.map`, "utf8")).sources.includes("filter.ts"));

  const second = await build(folder);
  assert.ok(second.upToDate);
  assert.is(second.sizeBytes, first.sizeBytes);
});

test("a change of an imported file, of the options or of the output builds again", async ({ folder }) => {
  const { outFile } = await build(folder);
  writeFileSync(join(folder, "value.ts"), 'export const VALUE: string = "another value";\n');
  assert.not((await build(folder)).upToDate);
  assert.ok(readFileSync(outFile).includes(new TextEncoder().encode("a\0n\0o\0t\0h\0e\0r")));

  writeFileSync(join(folder, "asconfig.json"), '{ "options": { "runtime": "stub" } }');
  assert.not((await build(folder)).upToDate);

  writeFileSync(outFile, "damaged");
  assert.not((await build(folder)).upToDate);
  assert.ok((await build(folder)).upToDate);
  assert.not((await build(folder, true)).upToDate);
});

test("an error has its place and leaves no record behind that would hide it", async ({ folder }) => {
  await build(folder);
  writeFileSync(join(folder, "filter.ts"), SOURCE.replace("headers.set(", "headers.put("));
  for (let i = 0; i < 2; i++) {
    const result = await build(folder);
    assert.ok(result.diagnostics.hasErrors);
    assert.equal(messages(result), [
      "filter.ts:6:13: Property 'put' does not exist on type '~lib/nuncio/sdk/src/headers/RequestHeaders' (TS2339)",
    ]);
  }
});

test("what AssemblyScript lacks comes with what to write instead", async ({ folder }) => {
  writeFileSync(
    join(folder, "filter.ts"),
    SOURCE.replace("return", "const f = (): void => { this.activate(); }; f(); JSON.parse(VALUE); return"),
  );
  const help = (await build(folder)).diagnostics.all.flatMap((diagnostic) => diagnostic.help ?? []);
  assert.ok(help.includes('use `Json.parse` of "nuncio/sdk"'), help.join());
});

test("a module that imports what proxies do not have is refused", async ({ folder }) => {
  writeFileSync(join(folder, "value.ts"), "export const VALUE: string = Date.now().toString();\n");
  const result = await build(folder);
  assert.equal(messages(result), ['the module imports "env.Date.now", which proxies do not have']);
  assert.is(result.sizeBytes, 0);
});

test("a filter that forgets the entry exports is told", async ({ folder }) => {
  writeFileSync(join(folder, "filter.ts"), "export function f(): i32 { return 1; }\n");
  const [problem] = (await build(folder)).diagnostics.all;
  assert.is(problem?.help?.[0], 'write `export * from "nuncio/sdk/entry";` in the file that is compiled');
});

test("decorators do the registration when the transform is on", async ({ folder }) => {
  writeFileSync(
    join(folder, "filter.ts"),
    SOURCE.replace('export * from "nuncio/sdk/entry/http";\n', "").replace(/registerHttpFilter<.*\n/, "")
      .replace("class Adder", '@http("adder")\nexport class Adder'),
  );
  writeFileSync(join(folder, "asconfig.json"), '{ "options": { "transform": ["nuncio/sdk/transform.mjs"] } }');
  const result = await build(folder);
  assert.equal(messages(result), []);
  const exports = WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(result.outFile)));
  assert.ok(exports.some((row) => row.name === "proxy_on_request_headers"));
  assert.not(exports.some((row) => row.name === "proxy_on_request_body"));
});

test("a path without a filter, and a broken asconfig.json, are errors with a code", async ({ folder }) => {
  const codeOf = async (path: string) => {
    try {
      await build(path);
    } catch (error) {
      return error instanceof NuncioError ? error.code : error;
    }
    return "built";
  };
  assert.is(await codeOf(join(folder, "none")), "filter/not-found");
  writeFileSync(join(folder, "asconfig.json"), "{");
  assert.is(await codeOf(folder), "filter/bad-asconfig");
  rmSync(join(folder, "asconfig.json"));
  rmSync(join(folder, "filter.ts"));
  assert.is(await codeOf(folder), "filter/not-found");
});

test.run();
