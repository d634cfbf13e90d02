// host/api/build.ts: makes host/api/gen from the protos that the npm package @grpc/grpc-js-xds ships.
/**
 * `node host/api/build.ts [--force]`: normalises the protos in a temporary folder, compiles them with buf,
 * applies the overlay and writes
 *
 * - `gen/envoy.binpb`: a FileDescriptorSet, for tools and libraries that speak protobuf;
 * - `gen/envoy.schema`: the compact text that the proxy reads at start.
 *
 * Nothing of it is committed; the published package carries both. Works without a network.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { compileSchema } from "./compile_schema.ts";
import { applyOverlay } from "./overlay.ts";
import { OVERLAY_CONFIG } from "./overlay_config.ts";
import { OVERLAY_EXTENSIONS } from "./overlay_extensions.ts";

const ROOTS = ["envoy-api", "googleapis", "xds", "protoc-gen-validate"];
/** Left out: old API versions, and files that import what the package does not carry. */
const LEFT_OUT: readonly RegExp[] = [
  /^envoy\/(.*\/)?v[12](alpha\d*)?\//,
  /^envoy\/service\/(trace|metrics)\/v3\//,
  /^envoy\/config\/trace\/v3\/(opencensus|trace)\.proto$/,
  /^google\/api\/service/,
  /^(tests|java)\//,
];
/** The part of OTLP that access-log configurations name, stated by us. */
const OTLP_COMMON = `syntax = "proto3";
package opentelemetry.proto.common.v1;
message AnyValue {
  oneof value {
    string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
    ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7;
  }
}
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message KeyValue { string key = 1; AnyValue value = 2; }
`;

const IGNORE_EMPTY_NUMBERS: Readonly<Record<string, number>> = { String: 26, Bytes: 14, Repeated: 5, Map: 6 };

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));

/** Builds both files into `outFolder`; gives back the digest of what they were made from. */
export function buildApi(outFolder: string, force: boolean): string {
  const digest = inputDigest();
  const stamp = join(outFolder, "envoy.stamp");
  const schemaPath = join(outFolder, "envoy.schema");
  if (!force && existsSync(schemaPath) && existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return digest;
  const work = mkdtempSync(join(tmpdir(), "nuncio-api-"));
  try {
    const count = writeProtos(join(work, "proto"));
    writeFileSync(join(work, "buf.yaml"), "version: v2\nmodules:\n  - path: proto\n");
    const args = ["build", "--as-file-descriptor-set", "--exclude-source-info", "-o", "api.binpb"];
    const buf = join(dirname(packageJson("@bufbuild/buf")), "bin", "buf");
    execFileSync(process.execPath, [buf, ...args], { cwd: work, stdio: ["ignore", "inherit", "inherit"] });
    const set = fromBinary(FileDescriptorSetSchema, readFileSync(join(work, "api.binpb")));
    applyOverlay(set, [OVERLAY_CONFIG, OVERLAY_EXTENSIONS]);
    const bytes = toBinary(FileDescriptorSetSchema, set);
    const schema = compileSchema(set);
    mkdirSync(outFolder, { recursive: true });
    replaceFile(join(outFolder, "envoy.binpb"), bytes);
    replaceFile(schemaPath, schema);
    replaceFile(stamp, digest);
    console.log(`${count} protos: envoy.binpb ${bytes.length} bytes, envoy.schema ${schema.length} bytes`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return digest;
}

/** Copies the protos, normalised. */
function writeProtos(folder: string): number {
  const deps = join(dirname(packageJson("@grpc/grpc-js-xds")), "deps");
  let count = 0;
  for (const root of ROOTS) {
    for (const entry of readdirSync(join(deps, root), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith(".proto")) continue;
      const from = join(entry.parentPath, entry.name);
      const name = relative(join(deps, root), from).replaceAll("\\", "/");
      if (LEFT_OUT.some((pattern) => pattern.test(name))) continue;
      let text = readFileSync(from, "utf8").replaceAll("\r\n", "\n");
      if (name === "validate/validate.proto") text = withIgnoreEmpty(text);
      const to = join(folder, name);
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(to, text);
      count++;
    }
  }
  const otlp = join(folder, "opentelemetry/proto/common/v1");
  mkdirSync(otlp, { recursive: true });
  writeFileSync(join(otlp, "common.proto"), OTLP_COMMON);
  return count + 1;
}

/** The package pairs its Envoy protos with an older validate.proto, which lacks a field that they and we use. */
function withIgnoreEmpty(text: string): string {
  return text.replace(/message (\w+)Rules \{[^}]*/g, (body: string, kind: string) => {
    const number = IGNORE_EMPTY_NUMBERS[kind] ??
      (/^(Float|Double|[SU]?(Int|Fixed)\d\d|SFixed\d\d)$/.test(kind) ? 8 : 0);
    if (number === 0 || body.includes("ignore_empty")) return body;
    return body.replace("{", `{\n  optional bool ignore_empty = ${number};`);
  });
}

/** Changes whenever the output would. */
function inputDigest(): string {
  const hash = createHash("sha256");
  for (const name of ["@grpc/grpc-js-xds", "@bufbuild/buf", "@bufbuild/protobuf"]) {
    hash.update(readFileSync(packageJson(name)));
  }
  for (const name of ["build", "compile_schema", "overlay", "overlay_config", "overlay_extensions"]) {
    hash.update(readFileSync(join(here, `${name}.ts`)));
  }
  return hash.digest("hex");
}

/** A package that does not export its package.json is found by its folder. */
function packageJson(name: string): string {
  for (const folder of require.resolve.paths(name) ?? []) {
    const path = join(folder, name, "package.json");
    if (existsSync(path)) return path;
  }
  throw new Error(`${name} is not installed: run npm install`);
}

function replaceFile(path: string, content: string | Uint8Array): void {
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}

if (import.meta.main) buildApi(join(here, "gen"), process.argv.includes("--force"));
