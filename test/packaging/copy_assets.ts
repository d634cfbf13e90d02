// test/packaging/copy_assets.ts: puts beside the compiled code what it reads at run time and tsc does not copy.
import { chmodSync, copyFileSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The schema is read at every start; the descriptors are for tools that read protobuf. */
const ASSETS = ["host/api/gen/envoy.schema", "host/api/gen/envoy.binpb"];
const BIN = "dist/host/cli/main.js";

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

mkdirSync(at("dist/host/api/gen"), { recursive: true });
for (const asset of ASSETS) copyFileSync(at(asset), at(`dist/${asset}`));
chmodSync(at(BIN), 0o755);
