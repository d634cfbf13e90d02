// test/conformance/config/coverage.test.ts: the reference page of the configuration says what planners read.
/** `UPDATE_GOLDENS=1` writes the page. */
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { renderText } from "../../../host/base/diagnostic_render.ts";
import { Coverage, renderCoverage } from "../../../host/config/coverage.ts";
import { loadRegistry } from "../../../host/config/load.ts";
import type { Configuration } from "../../../host/server/configuration.ts";
import { loaded } from "../../support/loaded_configuration.ts";

const PAGE = fileURLToPath(new URL("../../../docs/reference/configuration.md", import.meta.url));
const fileOf = (name: string): string => fileURLToPath(new URL(`./coverage/${name}.yaml`, import.meta.url));
const EVERYTHING = fileOf("everything");
/** What one configuration cannot choose, another does. */
const FILES = [EVERYTHING, fileOf("alternatives")];

/** Loads a file; wasm code counts as good without being fetched or tried. */
function load(path: string, yaml: string | null = null): Promise<Configuration> {
  return loaded({ path, yaml });
}

test("the reference page lists what is read by configurations without an error", async () => {
  const all = new Coverage();
  for (const { diagnostics, coverage } of await Promise.all(FILES.map((path) => load(path)))) {
    assert.is(diagnostics.hasErrors, false, renderText(diagnostics));
    all.add(coverage);
  }
  const page = renderCoverage(all, loadRegistry());
  if (process.env["UPDATE_GOLDENS"] === "1") writeFileSync(PAGE, page);
  assert.is(readFileSync(PAGE, "utf8"), page, "run this test with UPDATE_GOLDENS=1");
});

test("a field that nobody reads is an error at its place", async () => {
  const { plan, diagnostics } = await load(
    EVERYTHING,
    "cluster_manager: { enable_deferred_cluster_creation: true }",
  );
  assert.is(plan, null);
  assert.match(renderText(diagnostics), /is known to Envoy, but not to nuncio/);
});

test("runtime: what is not known, what cannot be, what has no effect", async () => {
  const { diagnostics } = await load(
    EVERYTHING,
    `layered_runtime:
  layers:
  - { name: limits, static_layer: { nuncio.wasm.cpu_budgets: 1 } }
  - { name: admin, admin_layer: {} }
  - { name: admin2, admin_layer: {} }
  - { name: disk, disk_layer: { symlink_root: /no-such-folder/current } }
  - { name: rtds, rtds_layer: { name: x } }
  - name: disk
    static_layer:
      { envoy.reloadable_features.x: true, outlier_detection.consecutive_5xx: 4, heap.max: 1, c: 1, a: [1] }`,
  );
  const text = renderText(diagnostics);
  assert.match(text, "runtime key nuncio.wasm.cpu_budgets is not known");
  assert.match(text, "there is cpu_budget");
  assert.match(text, "there is an admin_layer before this one");
  assert.match(text, "the folder of '/no-such-folder/current' cannot be watched");
  assert.match(text, "runtime values do not come from a control plane");
  assert.match(text, "runtime key a has a list for a value");
  assert.match(text, "runtime layer 'disk' is there twice");
  assert.match(text, "runtime key envoy.reloadable_features.x has no effect here");
  assert.not.match(text, "runtime key outlier_detection.consecutive_5xx");
  // The key of an access log's filter.
  assert.not.match(text, "runtime key c ");
  // That of a resource monitor.
  assert.not.match(text, "runtime key heap.max ");
});

test.run();
