// test/host/server/runtime/runtime_layers.test.ts: layers of files, of the configuration and of the administrator.
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../../host/base/clock.ts";
import { runtimeEntryOfJson } from "../../../../host/config/runtime_entry.ts";
import { FileWatcher } from "../../../../host/config/watch.ts";
import { LogRegistry } from "../../../../host/observe/log.ts";
import { StatsStore } from "../../../../host/observe/stats.ts";
import { detectPlatform } from "../../../../host/platform/detect.ts";
import type { RuntimeLayerPlan } from "../../../../host/server/plan/runtime.ts";
import { readDiskLayer } from "../../../../host/server/runtime/disk_layer.ts";
import { RuntimeLayers } from "../../../../host/server/runtime/runtime_layers.ts";

const layersTest = suite<{ folder: string }>("runtime layers");
const platform = detectPlatform();

layersTest.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), "nuncio-runtime-"));
});
layersTest.after.each(({ folder }) => rmSync(folder, { recursive: true }));

function write(folder: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** Points the link to another folder, in one step. */
function point(link: string, target: string): void {
  symlinkSync(target, `${link}.new`);
  renameSync(`${link}.new`, link);
}

function start(plans: readonly RuntimeLayerPlan[]) {
  const stats = StatsStore.create();
  const clock = new ManualClock();
  const lines: string[] = [];
  const logs = new LogRegistry({ clock, format: "json", destination: { write: (line) => void lines.push(line) } });
  let onEvent = (): void => {};
  const watcher = new FileWatcher({
    clock,
    settleMs: 0,
    pollMs: 0,
    port: {
      watchDirectory(_path, callback) {
        onEvent = callback;
        return { close() {} };
      },
      fileState: (path) => platform.linkFacts(path),
    },
  });
  let changes = 0;
  const layers = new RuntimeLayers({
    platform,
    watcher,
    logger: logs.logger("runtime"),
    stats,
    onChange: () => changes++,
  });
  layers.use(plans, "web");
  const text = () => Object.fromEntries([...layers.values].map(([key, entry]) => [key, entry.text]));
  const counts = () => {
    const { load_success, load_error, override_dir_exists, override_dir_not_exists, ...gauges } = Object.fromEntries(
      [
        ...["load_success", "load_error", "override_dir_exists", "override_dir_not_exists"]
          .map((name) => [name, stats.counter(`runtime.${name}`).value] as const),
        ...["admin_overrides_active", "num_keys", "num_layers"]
          .map((name) => [name, stats.gauge(`runtime.${name}`).value] as const),
      ],
    );
    return [[load_success, load_error], [override_dir_exists, override_dir_not_exists], gauges];
  };
  const moved = () => {
    onEvent();
    clock.advance(0);
    clock.advance(1);
  };
  return { layers, text, counts, lines, moved, changes: () => changes };
}

const STATIC: RuntimeLayerPlan = {
  kind: "static",
  name: "static",
  values: new Map([["a", runtimeEntryOfJson(1)], ["b", runtimeEntryOfJson("text")]]),
};
const ADMIN: RuntimeLayerPlan = { kind: "admin", name: "admin" };

layersTest("files are values by their paths; comments and white space at the end go", ({ folder }) => {
  write(folder, {
    "a": "10\n",
    "health_check/min_interval": "# in ms\n5",
    "x/y/z": "\n3 \n\n",
    "comment": "# nothing\n",
    "fraction": "numerator: 3\n# of\ndenominator: MILLION\n",
  });
  symlinkSync(join(folder, "a"), join(folder, "link"));
  const layer = readDiskLayer(folder, platform);
  assert.ok(layer.ok);
  assert.equal([...layer.ok ? layer.values : []].map(([key, { text }]) => [key, text]).sort(), [
    ["a", "10"],
    ["comment", ""],
    ["fraction", "numerator: 3\ndenominator: MILLION"],
    ["health_check.min_interval", "5"],
    ["link", "10"],
    ["x.y.z", "3"],
  ]);
});

layersTest("a file that is not YAML, a folder too deep or of the system spoils the layer", ({ folder }) => {
  const problem = (path: string) => {
    const layer = readDiskLayer(path, platform);
    return layer.ok ? null : layer.message;
  };
  write(folder, { "bad/a": "a: b: c", [`deep/${"d/".repeat(15)}a`]: "1", [`deeper/${"d/".repeat(16)}a`]: "1" });
  assert.match(problem(join(folder, "bad"))!, /bad\/a: this is not YAML/);
  assert.is(problem(join(folder, "deep")), null);
  assert.match(problem(join(folder, "deeper"))!, /more than 16 deep/);
  assert.match(problem("/proc/self")!, /no folder for values/);
  assert.ok(problem(join(folder, "none")));
});

layersTest("later layers win; what the administrator sets can be taken back", () => {
  const { layers, text, counts } = start([STATIC, ADMIN]);
  assert.equal(text(), { a: "1", b: "text" });
  const gauges = { admin_overrides_active: 0, num_keys: 2, num_layers: 2 };
  assert.equal(counts(), [[2, 0], [0, 2], gauges]);
  assert.is(layers.merge([["a", "2"], ["c", "{numerator: 1}"]]), null);
  assert.equal(text(), { a: "2", b: "text", c: "{numerator: 1}" });
  assert.equal(counts(), [[3, 0], [0, 3], { admin_overrides_active: 1, num_keys: 3, num_layers: 2 }]);
  assert.match(layers.merge([["a", "3"], ["c", "a: b: c"]])!, /not YAML/);
  assert.equal(text(), { a: "2", b: "text", c: "{numerator: 1}" });
  assert.is(layers.merge([["a", ""], ["c", ""], ["d", ""]]), null);
  assert.equal(text(), { a: "1", b: "text" });
  assert.equal(counts()[2], gauges);
  assert.is(start([STATIC]).layers.merge([["a", "2"]]), "No admin layer specified");
});

layersTest("another configuration keeps what the administrator set; the way back is open", () => {
  const { layers, text } = start([STATIC, ADMIN]);
  layers.merge([["a", "2"]]);
  const goBack = layers.use([ADMIN], "");
  assert.equal(text(), { a: "2" });
  goBack();
  assert.equal(text(), { a: "2", b: "text" });
  layers.use([STATIC], "");
  assert.equal(text(), { a: "1", b: "text" });
});

layersTest("folders are read again when their link is another one", ({ folder }) => {
  write(folder, { "v1/envoy/a": "10", "v1/override/web/a": "55", "v2/envoy/a": "77", "v3/envoy/a": "[" });
  const link = join(folder, "current");
  point(link, "v1");
  const disk = (name: string, subdirectory: string, appendsServiceCluster: boolean): RuntimeLayerPlan => {
    return { kind: "disk", name, symlinkRoot: link, subdirectory, appendsServiceCluster };
  };
  const { layers, text, counts, lines, moved, changes } = start([
    STATIC,
    disk("disk", "envoy", false),
    disk("override", "override", true),
  ]);
  assert.equal(text(), { a: "55", b: "text" });
  assert.equal(layers.layers.map(({ name }) => name), ["static", "disk", "override"]);
  assert.equal(counts(), [[2, 0], [2, 0], { admin_overrides_active: 0, num_keys: 2, num_layers: 3 }]);

  writeFileSync(join(folder, "v1/envoy/c"), "1");
  moved();
  assert.is(changes(), 0, "a file more is no other link");

  point(link, "v2");
  moved();
  // Once for each layer of files, as Envoy does it.
  assert.is(changes(), 2);
  assert.equal(text(), { a: "77", b: "text" });
  assert.equal(counts(), [[4, 0], [2, 2], { admin_overrides_active: 0, num_keys: 2, num_layers: 2 }]);

  point(link, "v3");
  moved();
  assert.equal(text(), { a: "1", b: "text" });
  assert.equal(counts()[0], [4, 2]);
  assert.match(lines.at(-1)!, "runtime values of a layer cannot be read");
  layers.close();
});

layersTest.run();
