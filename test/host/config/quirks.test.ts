// test/host/config/quirks.test.ts: odd YAML is taken and refused as by the real Envoy.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MessageNode } from "../../../host/config/config_node.ts";
import { loadBootstrap, loadRegistry } from "../../../host/config/load.ts";
import { QUIRKS } from "./quirks.ts";

const registry = loadRegistry();

/** The node at a dotted path of fields and indices. */
function nodeAt(root: MessageNode, path: string): MessageNode {
  let node: MessageNode | undefined = root;
  const parts = path.split(".");
  for (let i = 0; i < parts.length; i++) {
    const index = /^\d+$/.test(parts[i + 1] ?? "") ? Number(parts[i + 1]) : null;
    node = (index === null ? node.message(parts[i]!) : node.messages(parts[i]!)[index]) as MessageNode | undefined;
    if (index !== null) i++;
    if (node === undefined || node === null) throw new Error(`nothing at ${path}`);
  }
  return node;
}

function read(node: MessageNode, name: string): unknown {
  const field = node.protoMessage.schema.field(name)!;
  const type = field.typeName === "" ? field.type : field.typeName;
  if (type === "google.protobuf.Duration") return node.durationMs(name, 5000);
  if (type === "google.protobuf.Struct") return node.json(name);
  if (/^(string|google.protobuf.StringValue)$/.test(type)) return node.string(name);
  if (/^(bool|google.protobuf.BoolValue)$/.test(type)) return node.bool(name);
  return node.number(name);
}

for (const quirk of QUIRKS) {
  test(quirk.name, () => {
    const { root, diagnostics } = loadBootstrap({ registry, yaml: quirk.yaml });
    const expected = quirk.differs !== undefined ? !quirk.accepted : quirk.later === true ? true : quirk.accepted;
    const problems = diagnostics.all.filter(({ severity }) => severity === "error").map(({ message }) => message);
    assert.is(!diagnostics.hasErrors, expected, problems.join("; ") || "it was accepted");
    for (const { severity, span } of diagnostics.all) {
      assert.ok(severity !== "error" || span !== undefined, "no position");
    }
    if (quirk.reads === undefined || !expected) return;
    const [path, field, value] = quirk.reads;
    if (path === "struct") {
      const metadata = nodeAt(root as MessageNode, "static_resources.clusters.0.metadata");
      const struct = (metadata.json("filter_metadata") as Record<string, unknown>)["a"];
      assert.equal((struct as Record<string, unknown>)[field], value);
    } else assert.equal(read(nodeAt(root as MessageNode, path), field), value);
  });
}

test.run();
