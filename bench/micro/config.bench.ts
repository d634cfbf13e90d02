// bench/micro/config.bench.ts: what loading a configuration costs, small and large.
/**
 * The numbers that matter: opening the registry and the first small bootstrap (start-up), and half a
 * megabyte of clusters, with and without a mistake in it.
 *
 * @module
 */
import { bench, run } from "mitata";
import { TypeRegistry } from "../../host/api/schema.ts";
import { decodeMessage, encodeMessage } from "../../host/api/wire.ts";
import { DiagnosticList } from "../../host/base/diagnostic.ts";
import { SourceText } from "../../host/base/source.ts";
import { MessageNode } from "../../host/config/config_node.ts";
import { BOOTSTRAP, loadBootstrap, loadRegistry } from "../../host/config/load.ts";
import { parseYaml } from "../../host/config/yaml.ts";
import { manyClusters } from "../many_clusters.ts";

const registry: TypeRegistry = loadRegistry();

function clusters(count: number): string {
  const list = manyClusters(count, "STRICT_DNS", (i) => `address: host-${i}.example.com, port_value: 80`);
  return `static_resources:\n  clusters:\n${list}`;
}

const small = clusters(3);
const large = clusters(1600);
const wrong = large.replace("connect_timeout", "conect_timeout");
const bytes = encodeMessage((loadBootstrap({ registry, yaml: large }).root as MessageNode).protoMessage);
const schema = registry.requireMessage(BOOTSTRAP);

bench("open the registry", () => loadRegistry());
bench("small YAML, registry new each time", () => loadBootstrap({ registry: loadRegistry(), yaml: small }));
bench("small YAML", () => loadBootstrap({ registry, yaml: small }));
bench(
  `parse ${large.length >> 10} KiB of YAML to a tree`,
  () => parseYaml(new SourceText("x", large), new DiagnosticList()),
);
bench(`load ${large.length >> 10} KiB of YAML`, () => loadBootstrap({ registry, yaml: large }));
bench(`load ${large.length >> 10} KiB of YAML with one mistake`, () => loadBootstrap({ registry, yaml: wrong }));
bench(`decode the same from ${bytes.length >> 10} KiB of bytes`, () => decodeMessage(schema, bytes));

await run();
