// test/host/config/codes.test.ts: the catalogue is whole, and the page made of it is the one in docs.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CONFIG_CODES, explainCode, renderCodes } from "../../../host/config/codes.ts";
import { PLAN_CODES } from "../../../host/config/plan_codes.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const ALL = [...CONFIG_CODES, ...PLAN_CODES];
const CATALOGUES = /config\/(plan_)?codes\.ts$/;

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.includes("node_modules"))
    .map((name) => join(ROOT, folder, name))
    .filter((path) => !CATALOGUES.test(path));
}

test("every code that the sources use has a row", () => {
  const known = new Set(ALL.map(({ code }) => code));
  for (const path of sources("host")) {
    for (const [, code] of readFileSync(path, "utf8").matchAll(/"(config\/[a-z0-9-]+)"/g)) {
      assert.ok(known.has(code!), `${path} uses ${code}: add a row to host/config/plan_codes.ts`);
    }
  }
});

test("every row of the configuration catalogue is used", () => {
  const text = sources("host/config").concat(sources("host/api")).map((path) => readFileSync(path, "utf8")).join("\n");
  for (const { code } of CONFIG_CODES) assert.ok(text.includes(`"${code}"`), `${code} is used nowhere`);
});

test("codes are unique and in order, and say something", () => {
  for (const rows of [CONFIG_CODES, PLAN_CODES]) {
    const codes = rows.map(({ code }) => code);
    assert.equal(codes, [...new Set(codes)].sort());
  }
  for (const { summary, explanation } of ALL) {
    assert.ok(summary.length > 10 && !summary.endsWith("."));
    assert.ok(explanation.endsWith("."));
  }
  assert.is(explainCode("config/unknown-field")!.code, "config/unknown-field");
  assert.is(explainCode("config/nope"), null);
});

test("docs/reference/errors.md has every code", () => {
  const page = readFileSync(join(ROOT, "docs/reference/errors.md"), "utf8");
  for (const section of renderCodes(ALL).split("\n## ").slice(1)) {
    assert.ok(page.includes(`## ${section.trimEnd()}\n`), "run node host/config/write_reference.ts");
  }
});

test.run();
