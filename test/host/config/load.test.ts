// test/host/config/load.test.ts: files of every format, merging, and what goes wrong with them.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { findJsonError } from "../../../host/config/json_error.ts";
import { NuncioError } from "../../../host/base/error.ts";
import { renderText } from "../../../host/base/diagnostic_render.ts";
import {
  loadBootstrap,
  loadRegistry,
  loadRegistryFromDescriptors,
  type LoadResult,
} from "../../../host/config/load.ts";

const registry = loadRegistry();
const folder = mkdtempSync(join(tmpdir(), "nuncio-load-"));
const test = suite("load");
test.after(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function load(paths: string[], yaml?: string): LoadResult {
  return loadBootstrap({ registry, paths, ...(yaml !== undefined && { yaml }) });
}

function codes(result: LoadResult): string[] {
  return result.diagnostics.all.map(({ code }) => code);
}

const YAML = "node: { id: a, cluster: b }\nstatic_resources: { clusters: [{ name: one }] }\n";

test("YAML, JSON and a binary message are the same configuration", () => {
  const fromYaml = load([file("a.yaml", YAML)]).root!;
  const json = JSON.stringify({ node: { id: "a", cluster: "b" }, static_resources: { clusters: [{ name: "one" }] } });
  const bytes = fromYaml.toBinary();
  assert.equal(load([file("a.json", json)]).root!.toBinary(), bytes);
  assert.equal(load([file("a.conf", json)]).root!.toBinary(), bytes);
  assert.equal(load([file("b.conf", YAML)]).root!.toBinary(), bytes);
  assert.equal(load([file("a.pb", bytes)]).root!.toBinary(), bytes);
  assert.equal(load([file("tab.json", JSON.stringify(JSON.parse(json), null, "\t"))]).root!.toBinary(), bytes);
});

test("numbers of JSON stay numbers in a struct, those of YAML with a point are text", () => {
  const metadata = (result: LoadResult) => result.root!.message("node")!.json("metadata");
  assert.equal(metadata(load([file("n.json", '{"node":{"id":"a","cluster":"b","metadata":{"x":1.5}}}')])), { x: 1.5 });
  assert.equal(metadata(load([file("n.yaml", "node: { id: a, cluster: b, metadata: { x: 1.5 } }")])), { x: "1.5" });
});

test("--config-yaml is merged over the file as protobuf merges", () => {
  const result = load([file("a.yaml", YAML)], "node: { id: c }\nstatic_resources: { clusters: [{ name: two }] }");
  const { root, sources } = result;
  assert.is(root!.message("node")!.string("id"), "c");
  assert.is(root!.message("node")!.string("cluster"), "b");
  const clusters = root!.message("static_resources")!.messages("clusters");
  assert.equal(clusters.map((node) => node.string("name")), ["one", "two"]);
  assert.equal(sources.map(({ name }) => name), [join(folder, "a.yaml"), "--config-yaml"]);
  clusters[0]!.error("config/conflict", "first");
  clusters[1]!.error("config/conflict", "second", { field: "name" });
  root!.message("node")!.error("config/conflict", "third", { field: "id" });
  const names = result.diagnostics.all.map(({ span }) => span!.source.name);
  assert.equal(names, [join(folder, "a.yaml"), "--config-yaml", "--config-yaml"]);
});

test("what cannot be read is said, each by its own code", () => {
  assert.equal(codes(load([join(folder, "none.yaml")])), ["config/cannot-read-file"]);
  assert.equal(codes(load([folder])), ["config/cannot-read-file"]);
  assert.equal(codes(load([file("a.pb_text", "")])), ["config/unsupported-format"]);
  assert.equal(codes(load([file("bad.pb", new Uint8Array([10, 200]))])), ["config/malformed-binary"]);
  assert.equal(codes(load([file("bad.json", '{"node": {,}}')])), ["config/invalid-json"]);
  assert.equal(codes(load([])), ["config/empty"]);
  assert.equal(codes(load([], "")), ["config/empty"]);
  assert.equal(codes(load([], "static_resources: { clusters: [{ name: a, nope: 1 }, { name: b, nope: 1 }] }")), [
    "config/unknown-field",
    "config/unknown-field",
  ]);
});

test("JSON errors stand where JSON goes wrong", () => {
  const { diagnostics } = load([file("pos.json", '{\n  "node": nope\n}')]);
  assert.match(renderText(diagnostics), "pos.json:2:11\n");
  const texts: [string, number][] = [
    ['{"a": 1,}', 8],
    ['{"a" 1}', 5],
    ["[1, 2", 5],
    ["[1 2]", 3],
    ['{"a": {"b": [tru]}}', 13],
    ["", 0],
    ["{} x", 3],
    ["// c\n{}", 0],
  ];
  for (const [text, at] of texts) assert.is(findJsonError(text), at, text);
});

test("unknown fields are warnings when they are allowed", () => {
  const { root, diagnostics } = loadBootstrap({
    registry,
    yaml: "nope: 1\nnode: { id: a }\n",
    allowUnknownFields: true,
  });
  assert.is(root!.message("node")!.string("id"), "a");
  assert.is(diagnostics.summary(), "1 warning");
});

test("aliases cannot blow up the proxy", () => {
  let yaml = "x0: &x0 [a, a, a, a, a, a, a, a, a]\n".replace("x0:", "!ignore x0:");
  for (let i = 1; i < 9; i++) yaml += `!ignore x${i}: &x${i} [${Array(9).fill(`*x${i - 1}`).join(", ")}]\n`;
  yaml += "static_resources: { clusters: *x8 }\n";
  const { root, diagnostics } = loadBootstrap({ registry, yaml });
  assert.is(root, null);
  assert.equal(diagnostics.all.map(({ code }) => code), ["config/too-large"]);
  const maps = "!ignore a: &a { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8, i: 9 }\n" +
    "abcdefg".split("").map((name, i, all) => {
      const next = all[i + 1] ?? "z";
      return `!ignore ${next}: &${next} [${Array(9).fill(`*${name}`).join(", ")}]\n`;
    }).join("");
  const struct = loadBootstrap({ registry, yaml: `${maps}node: { id: a, metadata: { all: *z } }\n` });
  assert.ok(struct.diagnostics.all.some(({ code }) => code === "config/too-large"));
});

test("another message type can be loaded", () => {
  const yaml = "resources: [{ '@type': type.googleapis.com/envoy.config.cluster.v3.Cluster, name: c }]";
  const { root } = loadBootstrap({ registry, yaml, typeName: "envoy.service.discovery.v3.DiscoveryResponse" });
  assert.is((root!.messages("resources")[0])!.string("name"), "c");
});

test("without descriptors the command to run is named", () => {
  assert.throws(
    () => loadRegistry(join(folder, "none.schema")),
    (error: unknown) => error instanceof NuncioError && error.message.includes("node host/api/build.ts"),
  );
});

test("descriptors of the user serve as well", async () => {
  const path = fileURLToPath(new URL("../../../host/api/gen/envoy.binpb", import.meta.url));
  const own = await loadRegistryFromDescriptors(path);
  assert.is(own.size, registry.size);
  assert.ok(loadBootstrap({ registry: own, yaml: YAML }).root);
  let code = "";
  await loadRegistryFromDescriptors(file("x.binpb", "nonsense")).catch((error: NuncioError) => code = error.code);
  assert.is(code, "config/missing-descriptors");
});

test.run();
