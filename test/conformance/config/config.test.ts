// test/conformance/config/config.test.ts: bad configurations and the exact text that they get.
/**
 * Each `*.configtest` is YAML, a dashed line, and the diagnostics expected. `node … --update` (or
 * `UPDATE_GOLDENS=1`) writes what is printed now; read the difference before committing it.
 *
 * @module
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { renderText } from "../../../host/base/diagnostic_render.ts";
import { loadBootstrap, loadRegistry } from "../../../host/config/load.ts";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const DIVIDER = "----------\n";
const registry = loadRegistry();
const names = readdirSync(FOLDER).filter((name) => name.endsWith(".configtest")).sort();

test("there are cases", () => assert.ok(names.length >= 20));

for (const name of names) {
  test(name, () => {
    const path = join(FOLDER, name);
    const [yaml, expected] = readFileSync(path, "utf8").split(DIVIDER) as [string, string];
    const { root, diagnostics } = loadBootstrap({ registry, yaml });
    const text = renderText(diagnostics).replaceAll("--> --config-yaml:", "--> envoy.yaml:");
    if (process.env["UPDATE_GOLDENS"] === "1") writeFileSync(path, yaml + DIVIDER + text);
    else assert.fixture(text, expected);
    assert.is(root === null, diagnostics.hasErrors);
    assert.not.match(text, "hunter2");
  });
}

test.run();
