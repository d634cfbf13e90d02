// test/host/api/wire.test.ts: our wire format and JSON against those of @bufbuild/protobuf.
import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { messageToJson, toBase64 } from "../../../host/api/json.ts";
import { type Element, type FieldValue, type MapKey, Message, setScalar } from "../../../host/api/message.ts";
import { type FieldSchema, type MessageSchema, type ScalarType } from "../../../host/api/schema.ts";
import { decodeMessage, encodeMessage, unpackAny } from "../../../host/api/wire.ts";
import { NuncioError } from "../../../host/base/error.ts";
import { SeededRandom } from "../../../host/base/random.ts";
import { loadRegistry } from "../../../host/config/load.ts";

const registry = loadRegistry();
const oracle = createFileRegistry(
  fromBinary(FileDescriptorSetSchema, readFileSync(new URL("../../../host/api/gen/envoy.binpb", import.meta.url))),
);
const random = new SeededRandom(7);
const below = (n: number): number => Math.floor(random.fraction() * n);

function randomScalar(type: ScalarType): Element {
  const bits = BigInt(random.uint32()) << BigInt(below(33));
  switch (type) {
    case "string":
      return ["", "a", "ünïcode 😀", "x".repeat(200)][below(4)]!;
    case "bytes":
      return new Uint8Array([1, 2, 255].slice(below(4)));
    case "bool":
      return below(2) === 1;
    case "double":
      return [0, -0.5, 1e300, 3.25][below(4)]!;
    case "float":
      return [0, 1.5, Math.fround(0.1), -2][below(4)]!;
    case "int32":
    case "sint32":
    case "sfixed32":
      return random.uint32() | 0;
    case "uint32":
    case "fixed32":
      return random.uint32();
    case "uint64":
    case "fixed64":
      return bits;
    default:
      return below(2) === 0 ? bits >> 1n : -(bits >> 1n);
  }
}

function randomElement(field: FieldSchema, depth: number): Element {
  if (field.type === "message") return randomMessage(field.message, depth + 1);
  if (field.type === "enum") return field.enum.values[below(field.enum.values.length)]![1];
  return randomScalar(field.type);
}

function randomMessage(schema: MessageSchema, depth: number): Message {
  const message = new Message(schema);
  if (schema.typeName === "google.protobuf.Any") {
    message.packed = randomMessage(registry.requireMessage("envoy.config.core.v3.SocketAddress"), depth + 1);
    message.setByName("type_url", `type.googleapis.com/${message.packed.typeName}`);
    return message;
  }
  if (schema.typeName === "google.protobuf.Duration" || schema.typeName === "google.protobuf.Timestamp") {
    setScalar(message, schema.field("seconds")!, BigInt(below(1e9)));
    setScalar(message, schema.field("nanos")!, below(1e9));
    return message;
  }
  if (schema.typeName === "google.protobuf.Value") {
    message.setByName("string_value", "v");
    return message;
  }
  if (schema.typeName === "google.protobuf.FieldMask") {
    message.setByName("paths", ["foo_bar", "baz"]);
    return message;
  }
  for (const field of schema.fields) {
    if (depth > 4 || below(3) !== 0) continue;
    const count = 1 + below(3);
    if (field.kind === "one") {
      const value = randomElement(field, depth);
      if (value instanceof Message) message.set(field, value);
      else setScalar(message, field, value);
    } else if (field.kind === "list") {
      message.set(field, Array.from({ length: count }, () => randomElement(field, depth)));
    } else {
      const map = new Map<MapKey, Element>();
      for (let i = 0; i < count; i++) map.set(randomScalar(field.keyType) as MapKey, randomElement(field, depth));
      message.set(field, map as FieldValue);
    }
  }
  return message;
}

const TYPES = [
  "envoy.config.bootstrap.v3.Bootstrap",
  "envoy.config.cluster.v3.Cluster",
  "envoy.config.listener.v3.Listener",
  "envoy.config.route.v3.RouteConfiguration",
  "envoy.config.core.v3.HealthCheck",
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
  "envoy.extensions.wasm.v3.PluginConfig",
  "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
  "envoy.config.rbac.v3.RBAC",
  "envoy.service.discovery.v3.DeltaDiscoveryRequest",
  "envoy.data.accesslog.v3.HTTPAccessLogEntry",
  "opentelemetry.proto.common.v1.AnyValue",
];

for (const typeName of TYPES) {
  test(`${typeName} survives the way there and back, and reads the same to the oracle`, () => {
    const schema = registry.requireMessage(typeName);
    const desc = oracle.getMessage(typeName)!;
    for (let round = 0; round < 25; round++) {
      const message = randomMessage(schema, 0);
      const bytes = encodeMessage(message);
      const theirs = fromBinary(desc, bytes);
      const json = toJson(desc, theirs, { registry: oracle, useProtoFieldName: true });
      assert.equal(sorted(messageToJson(message)), sorted(json));
      const back = decodeMessage(schema, toBinary(desc, theirs));
      assert.equal(sorted(messageToJson(back)), sorted(json));
      assert.is(toBase64(encodeMessage(back)), toBase64(bytes));
    }
  });
}

/** Keys in order, so that only contents count. */
function sorted(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(sorted);
  if (json === null || typeof json !== "object") return json;
  return Object.fromEntries(
    Object.entries(json).sort(([a], [b]) => a < b ? -1 : 1).map(([key, value]) => [key, sorted(value)]),
  );
}

test("the schema has the fields of the descriptors", () => {
  let count = 0;
  for (const name of registry.messageNames()) {
    const schema = registry.requireMessage(name);
    const desc = oracle.getMessage(name)!;
    assert.equal(schema.fields.map((f) => [f.name, f.number]), desc.fields.map((f) => [f.name, f.number]), name);
    assert.equal(schema.fields.map((f) => f.jsonName), desc.fields.map((f) => f.jsonName), name);
    for (const { type, typeName } of schema.fields) {
      assert.ok(type === "message" ? registry.message(typeName) : type !== "enum" || registry.enum(typeName), typeName);
    }
    count++;
  }
  assert.ok(count > 1000);
});

test("truncated and foreign bytes are refused, never anything worse", () => {
  const schema = registry.requireMessage("envoy.config.cluster.v3.Cluster");
  const bytes = encodeMessage(randomMessage(schema, 0));
  for (let i = 0; i < 3000; i++) {
    const broken = bytes.slice(0, below(bytes.length + 1));
    for (let k = 0; k < 3 && broken.length > 0; k++) broken[below(broken.length)] = below(256);
    try {
      decodeMessage(schema, broken);
    } catch (error) {
      assert.ok(error instanceof NuncioError && error.code === "config/malformed-binary", String(error));
    }
  }
});

test("unknown fields are noted by number", () => {
  const schema = registry.requireMessage("envoy.config.core.v3.Pipe");
  const message = decodeMessage(schema, new Uint8Array([0x0a, 1, 97, 0xf8, 0x7f, 5]));
  assert.is(message.getByName("path"), "a");
  assert.equal(message.unknownFields, [2047]);
});

test("an Any of an unknown type stays closed, its bytes stay", () => {
  const schema = registry.requireMessage("google.protobuf.Any");
  const any = new Message(schema);
  any.setByName("type_url", "a/b.C");
  any.setByName("value", new Uint8Array([1]));
  assert.is(unpackAny(any), null);
  assert.equal(messageToJson(any), { "@type": "a/b.C", value: "AQ==" });
});

test("secrets are redacted on demand", () => {
  const schema = registry.requireMessage("envoy.extensions.transport_sockets.tls.v3.TlsCertificate");
  const message = new Message(schema);
  const source = new Message(registry.requireMessage("envoy.config.core.v3.DataSource"));
  source.setByName("inline_string", "hunter2");
  message.setByName("private_key", source);
  assert.equal(messageToJson(message, { redact: true }), { private_key: { inline_string: "[redacted]" } });
  assert.equal(messageToJson(message), { private_key: { inline_string: "hunter2" } });
});

test.run();
