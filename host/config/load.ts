// host/config/load.ts: files and command-line text to the root node of a configuration.
/**
 * Read, parse, decode, merge, check rules. What `-c FILE` and `--config-yaml TEXT` give is merged as Envoy
 * merges it: as protobuf messages, the text over the file. The only file here that reads files (with
 * `watch.ts`, whose reading is passed in).
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { mergeMessages, Message } from "../api/message.ts";
import { TypeRegistry } from "../api/schema.ts";
import { decodeMessage } from "../api/wire.ts";
import { DiagnosticList } from "../base/diagnostic.ts";
import { NuncioError } from "../base/error.ts";
import { SourceText } from "../base/source.ts";
import { MessageNode } from "./config_node.ts";
import { Coverage } from "./coverage.ts";
import { type DecodeOptions, Decoder } from "./decode.ts";
import { findJsonError } from "./json_error.ts";
import type { ConfigNode } from "./node.ts";
import { ROOT_PLACE } from "./place.ts";
import { Positions } from "./positions.ts";
import { RuleChecker } from "./rules.ts";
import type { TreeNode } from "./tree.ts";
import { parseJsonTree, parseYaml, redactSuspects } from "./yaml.ts";

export const BOOTSTRAP = "envoy.config.bootstrap.v3.Bootstrap";
const SCHEMA_PATH = fileURLToPath(new URL("../api/gen/envoy.schema", import.meta.url));
/** The name under which `--config-yaml` appears in diagnostics. */
const COMMAND_LINE_SOURCE = "--config-yaml";

export interface LoadOptions extends DecodeOptions {
  readonly registry: TypeRegistry;
  /** Files, merged in order: YAML, JSON, or a binary message (`.pb`). */
  readonly paths?: readonly string[];
  /** Text of `--config-yaml`, merged last. */
  readonly yaml?: string;
  /** What that text is called in diagnostics. */
  readonly yamlName?: string;
  /** A message type other than the bootstrap. */
  readonly typeName?: string;
  readonly diagnostics?: DiagnosticList;
  readonly coverage?: Coverage;
}

export interface LoadResult {
  /** Null when there are errors. */
  readonly root: ConfigNode | null;
  /** Planners report into the same list. */
  readonly diagnostics: DiagnosticList;
  readonly sources: readonly SourceText[];
  readonly coverage: Coverage;
}

/**
 * The types of Envoy's API as they were built at install time.
 *
 * @throws config/missing-descriptors
 */
export function loadRegistry(path: string = SCHEMA_PATH): TypeRegistry {
  let text: string;
  try {
    text = readFileSync(path, "latin1");
  } catch (cause) {
    throw new NuncioError(
      "config/missing-descriptors",
      `cannot read the API descriptors at ${path}: run \`node host/api/build.ts\` (npm install does it)`,
      { cause },
    );
  }
  return new TypeRegistry(text);
}

/**
 * Types from a FileDescriptorSet of the user (`--api-descriptors`).
 *
 * @throws config/missing-descriptors
 */
export async function loadRegistryFromDescriptors(path: string): Promise<TypeRegistry> {
  const [{ fromBinary }, { FileDescriptorSetSchema }, { compileSchema }] = await Promise.all([
    import("@bufbuild/protobuf"),
    import("@bufbuild/protobuf/wkt"),
    import("../api/compile_schema.ts"),
  ]);
  try {
    return new TypeRegistry(compileSchema(fromBinary(FileDescriptorSetSchema, readFileSync(path))));
  } catch (cause) {
    throw new NuncioError("config/missing-descriptors", `${path} is no FileDescriptorSet that can be used`, { cause });
  }
}

/** Loads a bootstrap, or another message type, and reports every problem there is. */
export function loadBootstrap(options: LoadOptions): LoadResult {
  const { registry } = options;
  const diagnostics = options.diagnostics ?? new DiagnosticList();
  const coverage = options.coverage ?? new Coverage();
  const positions = new Positions();
  const sources: SourceText[] = [];
  const schema = registry.requireMessage(options.typeName ?? BOOTSTRAP);
  let message: Message | null = null;
  const add = (part: Message | null): void => {
    if (part === null) return;
    message = message === null ? part : mergeMessages(message, part, (into, from) => positions.merge(into, from));
  };
  const addText = (source: SourceText, tree: TreeNode | null): void => {
    sources.push(source);
    if (tree === null) return;
    if (tree.kind === "null") {
      const code = "config/empty";
      diagnostics.add({
        severity: "error",
        code,
        message: `${source.name} is empty`,
        span: { source, start: 0, end: 0 },
      });
      return;
    }
    add(new Decoder(registry, source, positions, diagnostics, options).message(schema, tree, ROOT_PLACE));
  };
  for (const path of options.paths ?? []) {
    const bytes = readConfigFile(path, diagnostics);
    if (bytes === null) continue;
    if (path.endsWith(".pb")) {
      try {
        add(decodeMessage(schema, bytes));
      } catch (error) {
        if (!(error instanceof NuncioError)) throw error;
        diagnostics.add({ severity: "error", code: error.code, message: `${path}: ${error.message}` });
      }
    } else {
      const source = new SourceText(path, new TextDecoder("utf-8").decode(bytes));
      addText(source, parseFile(source, diagnostics));
    }
  }
  if (options.yaml !== undefined) {
    const source = new SourceText(options.yamlName ?? COMMAND_LINE_SOURCE, options.yaml);
    addText(source, parseYaml(source, diagnostics));
  }
  return { root: finish(message, positions, diagnostics, coverage), diagnostics, sources, coverage };
}

/** Checks the rules of a message that came as bytes, and gives its node. */
export function nodeOfMessage(
  message: Message,
  diagnostics: DiagnosticList,
  coverage: Coverage = new Coverage(),
): ConfigNode | null {
  return finish(message, new Positions(), diagnostics, coverage);
}

function finish(
  message: Message | null,
  positions: Positions,
  diagnostics: DiagnosticList,
  coverage: Coverage,
): ConfigNode | null {
  if (message === null) {
    if (diagnostics.total === 0) {
      diagnostics.add({ severity: "error", code: "config/empty", message: "there is no configuration" });
    }
    return null;
  }
  new RuleChecker(positions, diagnostics).check(message, ROOT_PLACE);
  return diagnostics.hasErrors ? null : new MessageNode(message, ROOT_PLACE, {
    positions,
    diagnostics,
    coverage,
    runtimeKeys: new Set(),
  });
}

function readConfigFile(path: string, diagnostics: DiagnosticList): Uint8Array | null {
  if (path.endsWith(".pb_text")) {
    diagnostics.add({
      severity: "error",
      code: "config/unsupported-format",
      message: `${path} is in protobuf's text format, which nuncio does not read`,
      help: ["convert it to YAML, JSON or a binary message (.pb)"],
    });
    return null;
  }
  try {
    return readFileSync(path);
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
    const text = reason === "ENOENT" ? "there is no such file" : reason === "EISDIR" ? "it is a folder" : reason;
    diagnostics.add({ severity: "error", code: "config/cannot-read-file", message: `cannot read ${path}: ${text}` });
    return null;
  }
}

/** By the name of the file, as Envoy does; without a telling name, JSON when it is JSON. */
function parseFile(source: SourceText, diagnostics: DiagnosticList): TreeNode | null {
  if (/\.ya?ml$/.test(source.name)) return parseYaml(source, diagnostics);
  try {
    JSON.parse(source.text);
    return parseJsonTree(source, diagnostics);
  } catch {
    if (!source.name.endsWith(".json")) return parseYaml(source, diagnostics);
    redactSuspects(source);
    const at = findJsonError(source.text);
    diagnostics.add({
      severity: "error",
      code: "config/invalid-json",
      message: "this is not JSON",
      span: { source, start: at, end: at },
    });
    return null;
  }
}
