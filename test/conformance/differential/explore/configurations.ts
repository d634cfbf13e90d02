// test/conformance/differential/explore/configurations.ts: looks for configurations that one takes and the other does not.
/**
 * `node test/conformance/differential/explore/configurations.ts [--envoy PATH] [--seed N] [--rounds N] [GROUP…]`
 *
 * Each round takes the configuration of a group, changes one field of it by chance (another value, none, one that is
 * at an edge, an element more), and asks Envoy and nuncio whether they take it. What nuncio says is not supported is
 * passed over.
 *
 * @module
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { load } from "js-yaml";
import type { FieldSchema, MessageSchema } from "../../../../host/api/schema.ts";
import { BOOTSTRAP, loadRegistry } from "../../../../host/config/load.ts";
import { validateConfiguration } from "../../../../host/embed/validate.ts";
import { findEnvoy, validateWithEnvoy } from "../../../support/envoy.ts";
import { withAnyPorts } from "../bootstrap.ts";
import { CLUSTER_GROUPS, HEALTH_GROUPS, HTTP_GROUPS, ROUTING_GROUPS } from "../cases/mod.ts";
import { Chance } from "./chance.ts";
import type { Fields } from "./fields.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    envoy: { type: "string" },
    seed: { type: "string", default: "1" },
    rounds: { type: "string", default: "100" },
  },
});
const envoy = findEnvoy(values.envoy);
const registry = loadRegistry();
const groups = [...HTTP_GROUPS, ...ROUTING_GROUPS, ...CLUSTER_GROUPS, ...HEALTH_GROUPS]
  .filter((group) => positionals.length === 0 || positionals.includes(group.name));

/** What nuncio says of what it does not have. */
const UNSUPPORTED =
  /^config\/(?:unsupported|not-implemented|unsupported-extension|unknown-extension|disabled-extension)$/;

/** A message of a configuration: where it is, its fields and its type. */
interface Message {
  readonly path: string;
  readonly fields: Fields;
  readonly schema: MessageSchema;
}

/** Types that are written as something else than their fields. */
const AS_TEXT = /^google\.protobuf\./;

function* messagesOf(fields: Fields, schema: MessageSchema, path: string): Generator<Message> {
  yield { path, fields, schema };
  for (const [key, value] of Object.entries(fields)) {
    const field = schema.field(key);
    if (field === null || field.type !== "message") continue;
    const members: [string, unknown][] = field.kind === "list"
      ? (value as unknown[]).map((each, i) => [`${key}[${i}]`, each])
      : field.kind === "map"
      ? Object.entries(value as Fields).map(([name, each]) => [`${key}.${name}`, each])
      : [[key, value]];
    for (const [name, each] of members) {
      if (typeof each !== "object" || each === null) continue;
      const child = each as Fields;
      if (field.typeName === "google.protobuf.Any") {
        const type = String(child["@type"]).replace("type.googleapis.com/", "");
        const inner = registry.message(type);
        if (inner !== null) yield* messagesOf(child, inner, `${path}.${name}`);
      } else if (!AS_TEXT.test(field.typeName)) {
        yield* messagesOf(child, field.message, `${path}.${name}`);
      }
    }
  }
}

const TEXTS = [
  "",
  "a",
  "u",
  "/",
  "a b",
  "*",
  "x-a",
  ":path",
  "127.0.0.1",
  "10.0.0.0/8",
  "%REQ(x-a)%",
  "%BAD",
  "a\n",
  "(",
  "\u00e4",
  "X_A",
];
const NUMBERS = [0, 1, 2, 5, 100, 101, 65535, 65536, 4294967295, -1, 0.5];
const DURATIONS = ["0s", "0.001s", "1s", "60s", "-1s", "0.0000001s", "1000000000s"];

/** A value for a field, of the right kind, good or not. */
function valueOf(chance: Chance, field: FieldSchema, depth: number): unknown {
  const one = () => oneValue(chance, field, depth);
  if (field.kind === "list") return chance.list(0, 2, one);
  if (field.kind === "map") return Object.fromEntries(chance.list(0, 2, () => [chance.of(TEXTS), one()]));
  return one();
}

function oneValue(chance: Chance, field: FieldSchema, depth: number): unknown {
  switch (field.type) {
    case "bool":
      return chance.oneIn(2);
    case "string":
      return chance.of(TEXTS);
    case "bytes":
      return chance.of(["", "YQ=="]);
    case "double":
    case "float":
      return chance.of(NUMBERS);
    case "enum":
      return chance.of(field.enum.values.map(([name]) => name));
    case "message":
      return messageValue(chance, field, depth);
    default:
      return chance.of(NUMBERS.filter(Number.isInteger));
  }
}

function messageValue(chance: Chance, field: FieldSchema, depth: number): unknown {
  switch (field.typeName) {
    case "google.protobuf.Duration":
      return chance.of(DURATIONS);
    case "google.protobuf.BoolValue":
      return chance.oneIn(2);
    case "google.protobuf.StringValue":
      return chance.of(TEXTS);
    case "google.protobuf.DoubleValue":
    case "google.protobuf.FloatValue":
      return chance.of(NUMBERS);
    case "google.protobuf.UInt32Value":
    case "google.protobuf.UInt64Value":
    case "google.protobuf.Int32Value":
    case "google.protobuf.Int64Value":
      return chance.of(NUMBERS.filter(Number.isInteger));
    case "google.protobuf.Struct":
      return chance.of<Fields>([{}, { a: 1 }, { a: "b", c: { d: true } }]);
    case "google.protobuf.Value":
      return chance.of<unknown>([1, "a", true, null]);
    case "google.protobuf.Timestamp":
      return "2026-01-01T00:00:00Z";
    case "google.protobuf.Any":
      return { "@type": "type.googleapis.com/google.protobuf.Struct", value: {} };
    case "google.protobuf.Empty":
      return {};
  }
  const { fields } = field.message;
  if (depth === 0 || fields.length === 0) return {};
  const chosen = chance.list(0, 2, () => chance.of(fields));
  return Object.fromEntries(chosen.map((each) => [each.name, valueOf(chance, each, depth - 1)]));
}

/** Changes one thing, and says which. */
function mutate(chance: Chance, bootstrap: Fields): string {
  const messages = [...messagesOf(bootstrap, registry.requireMessage(BOOTSTRAP), "")];
  const { path, fields, schema } = chance.of(messages);
  const present = Object.keys(fields).filter((key) => key !== "@type");
  const added = schema.fields.filter(({ disallowed }) => !disallowed);
  if (present.length > 0 && chance.oneIn(4)) {
    const key = chance.of(present);
    const value = fields[key];
    if (Array.isArray(value) && value.length > 0 && chance.oneIn(2)) {
      value.push(structuredClone(chance.of(value)));
      return `${path}.${key}: an element twice`;
    }
    delete fields[key];
    return `${path}.${key}: gone`;
  }
  const field = chance.oneIn(3) && present.length > 0
    ? schema.field(chance.of(present))!
    : chance.of(added.length > 0 ? added : [...schema.fields]);
  if (field === undefined) return "";
  fields[field.name] = valueOf(chance, field, 3);
  return `${path}.${field.name}: ${JSON.stringify(fields[field.name])}`;
}

const folder = mkdtempSync(join(tmpdir(), "nuncio-explore-"));
let differing = 0;
for (let round = 0; round < Number(values.rounds); round++) {
  const seed = Number(values.seed) + round;
  const chance = new Chance(seed);
  const group = chance.of(groups);
  const yaml = withAnyPorts(group.yaml, folder);
  for (const [name, text] of Object.entries(group.files ?? {})) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const bootstrap = load(yaml) as Fields;
  const change = mutate(chance, bootstrap);
  const file = join(folder, "bootstrap.json");
  writeFileSync(file, JSON.stringify(bootstrap));
  const expected = validateWithEnvoy(envoy, file);
  const { problems } = await validateConfiguration({ path: file });
  const errors = problems.filter(({ severity }) => severity === "error");
  const takes = errors.length === 0;
  // Where Envoy dies of a configuration, nobody can say what it would do with it.
  if (expected.died) continue;
  if (expected.takes === takes || errors.some(({ code }) => UNSUPPORTED.test(code))) continue;
  differing++;
  const said = expected.takes
    ? errors.map(({ code, message }) => `${code}: ${message}`).join("; ")
    : expected.output.split("\n").filter((line) => line !== "").slice(-2).join(" ").slice(0, 700);
  console.log(`seed ${seed}, ${group.name}: ${change}\n  ${expected.takes ? "nuncio" : "envoy"} refuses: ${said}`);
}
rmSync(folder, { recursive: true });
console.log(`${values.rounds} rounds, ${differing} that one takes and the other does not`);
