// test/sdk/readme.test.ts: the code of the SDK's guide compiles and does what the guide says.
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { SourceFilter } from "./support.ts";

const guide = readFileSync(new URL("../../sdk/README.md", import.meta.url), "utf8");
const blocks = [...guide.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]!);

function block(text: string): string {
  const found = blocks.find((code) => code.includes(text));
  assert.ok(found, `no block with ${text}`);
  return found;
}

test("the whole filter of the guide passes the test of the guide", async () => {
  const filter = await SourceFilter.build(block('"nuncio/sdk/entry/http"').replace(/^export \*.*$/m, ""));
  const statements = /async \(\) => \{\n([\s\S]*?)\n\}\);/.exec(block("loadFilter"))![1]!;
  const run = new Function(
    "loadFilter",
    "assert",
    `return (async () => { ${statements.replace("import.meta", "0")} })();`,
  );
  await run((_: unknown, options: Parameters<typeof filter.load>[0]) => filter.load(options), assert);
  filter.dispose();
});

test("the other blocks compile", async () => {
  const source = `
import {
  Config, HttpCallHandler, HttpCallResponse, HttpFilter, HttpFilterOf, Json, LocalResponse, RootContext,
  registerHttpFilterWithRoot,
} from "nuncio/sdk";
class Guard extends HttpFilter {}
${block("class LimitsRoot")}
${block("class Verdict")}
new Verdict(new Guard());
`;
  const filter = await SourceFilter.build(source);
  const host = await filter.load({ config: '{"max_byte": 1}' });
  assert.match(host.refusal, "limits: max_byte: unknown key, expected one of max_bytes");
  assert.ok((await filter.load({ config: '{"max_bytes": 1}' })).configured);
  filter.dispose();
});

test("everything that the guide lists is exported", () => {
  const index = readFileSync(new URL("../../sdk/index.ts", import.meta.url), "utf8");
  const exported = new Set([...index.matchAll(/^export \{([^}]*)\}/gm)].flatMap((match) => match[1]!.match(/\w+/g)!));
  const table = guide.slice(guide.indexOf("## What there is"), guide.indexOf("Every class and method says"));
  const named = [
    ...table.matchAll(/`(?:new )?([A-Z]\w+|nowMillis|nowNanos|base64\w+|equals\w+|callForeign|clientAddress)\b/g),
  ]
    .map((match) => match[1]!);
  assert.ok(named.length >= 20, String(named.length));
  for (const name of named) assert.ok(exported.has(name), name);
});

test.run();
