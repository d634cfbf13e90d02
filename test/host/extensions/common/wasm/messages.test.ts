// test/host/extensions/common/wasm/messages.test.ts: messages by field and in bytes, and protobuf's own as values.
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  jsonAt,
  jsonProperty,
  LocalityMessage,
  memberAt,
  MetadataMessage,
  NodeMessage,
} from "../../../../../host/extensions/common/wasm/messages.ts";
import { decodeWellKnown } from "../../../../../host/extensions/common/wasm/well_known_messages.ts";
import { filterMetadata } from "../../../../../host/observe/stream_info.ts";
import { encodeProperty, type PropertyValue } from "../../../../../host/wasm/mod.ts";

/** Bytes as digits with spaces. */
const hex = (text: string): Uint8Array => Uint8Array.fromHex(text.replaceAll(" ", ""));

test("Metadata is written by key, with every kind of value", () => {
  const rows: [unknown, string][] = [
    ["", "1a00"],
    ["x", "1a0178"],
    [1.5, "11000000000000f83f"],
    [0, "110000000000000000"],
    [false, "2000"],
    [true, "2001"],
    [null, "0800"],
    [[null, true], "3208 0a02 0800 0a02 2001"],
    [{}, "2a00"],
    [{ b: "c" }, "2a0a 0a08 0a0162 1203 1a0163"],
  ];
  for (const [value, expected] of rows) {
    const bytes = hex(expected);
    const inner = [0x0a, 1, 0x6b, 0x12, bytes.length, ...bytes];
    const struct = [0x0a, inner.length, ...inner];
    const entry = [0x0a, 1, 0x6e, 0x12, struct.length, ...struct];
    const message = new MetadataMessage(filterMetadata({ n: { k: value } }));
    assert.is(message.encode().toHex(), Uint8Array.of(0x0a, entry.length, ...entry).toHex(), JSON.stringify(value));
  }
  const two = new MetadataMessage(filterMetadata({ z: {}, a: {} }));
  assert.is(two.encode().toHex(), hex("0a05 0a0161 1200 0a05 0a017a 1200").toHex());
});

test("Metadata, Locality and Node by field", () => {
  const metadata = new MetadataMessage(filterMetadata({ n: { k: 1 } }));
  const value: PropertyValue = { kind: "message", value: metadata };
  assert.equal(memberAt(value, ["filter_metadata", "n", "k"]), { kind: "double", value: 1 });
  assert.is(memberAt(value, ["filter_metadata", "n", "k", "x"]), null);
  assert.is(memberAt(value, ["none"]), null);
  assert.is(memberAt(value, []), value);

  const place = { region: "r", zone: "", subZone: "s" };
  assert.is(new LocalityMessage(place).encode().toHex(), hex("0a0172 1a0173").toHex());
  assert.equal(new LocalityMessage(place).field("sub_zone"), { kind: "string", value: "s" });

  const node = new NodeMessage({ id: "i", cluster: "c", ...place, metadata: { k: "v" } });
  assert.is(
    node.encode().toHex(),
    hex("0a0169 120163 1a0a 0a08 0a016b 1203 1a0176 2206 0a0172 1a0173 3205 656e766f79").toHex(),
  );
  for (
    const name of [
      "id",
      "cluster",
      "metadata",
      "locality",
      "user_agent_name",
      "user_agent_version",
      "dynamic_parameters",
      "client_features",
      "extensions",
      "listening_addresses",
    ]
  ) {
    assert.not.equal(node.field(name), null, name);
  }
  const empty = new NodeMessage({ id: "", cluster: "", region: "", zone: "", subZone: "", metadata: {} });
  assert.is(empty.encode().toHex(), hex("3205 656e766f79").toHex());
});

test("paths in plain JSON", () => {
  const json = { a: [{ b: true }, null], toString: 1 };
  assert.equal(jsonAt(json, ["a", "0", "b"]), { kind: "bool", value: true });
  assert.equal(jsonAt(json, ["a", "1"]), { kind: "null" });
  for (const path of [["a", "2"], ["a", "-1"], ["a", "x"], ["b"], ["hasOwnProperty"], ["a", "0", "b", "c"]]) {
    assert.is(jsonAt(json, path), null, path.join());
  }
  assert.is(jsonProperty(undefined), null);
});

test("protobuf's own messages as values", () => {
  const rows: [string, string, PropertyValue | null][] = [
    ["StringValue", "0a0161", { kind: "string", value: "a" }],
    ["StringValue", "", { kind: "string", value: "" }],
    ["BytesValue", "0a01ff", { kind: "bytes", value: Uint8Array.of(255) }],
    ["BoolValue", "0801", { kind: "bool", value: true }],
    ["Int32Value", "08ffffffffffffffffff01", { kind: "int", value: -1 }],
    ["Int64Value", "08ffffffffffffffffff01", { kind: "int", value: -1n }],
    ["UInt32Value", "0805", { kind: "uint", value: 5 }],
    ["UInt64Value", "08ffffffffffffffffff01", { kind: "uint", value: 2n ** 64n - 1n }],
    ["FloatValue", "0d0000c03f", { kind: "double", value: 1.5 }],
    ["DoubleValue", "09000000000000f83f", { kind: "double", value: 1.5 }],
    ["Duration", "0801 1005", { kind: "duration", value: 1_000_000_005n }],
    ["Timestamp", "08ffffffffffffffffff01", { kind: "timestamp", value: -1_000_000_000n }],
    ["Value", "1a0161", { kind: "string", value: "a" }],
    ["Value", "", { kind: "null" }],
    ["ListValue", "0a02 2001 0a02 0800", { kind: "list", value: [{ kind: "bool", value: true }, { kind: "null" }] }],
    ["Struct", "0a07 0a0161 1202 2001", { kind: "map", value: new Map([["a", { kind: "bool", value: true }]]) }],
    // Fields that nobody knows are skipped; bytes that are no message are none.
    ["StringValue", "1001 0a0161", { kind: "string", value: "a" }],
    ["StringValue", "0a05 61", null],
    ["Struct", "0b", null],
    ["Empty", "", null],
  ];
  for (const [type, bytes, expected] of rows) {
    assert.equal(
      decodeWellKnown(`type.googleapis.com/google.protobuf.${type}`, hex(bytes)),
      expected,
      `${type} ${bytes}`,
    );
  }
  assert.is(decodeWellKnown("none.StringValue", hex("0a0161")), null);
  assert.is(decodeWellKnown("", hex("")), null);
  assert.is(decodeWellKnown("google.protobuf.toString", hex("")), null);
});

test("values that are nested deeper than anybody nests them are none", () => {
  const field = (tag: number, bytes: Uint8Array): Uint8Array => {
    const { length } = bytes;
    return Uint8Array.of(tag, ...(length < 128 ? [length] : [(length & 127) | 128, length >> 7]), ...bytes);
  };
  let bytes = hex("0800");
  for (let depth = 0; depth < 80; depth++) bytes = field(0x32, field(0x0a, bytes));
  assert.is(decodeWellKnown("google.protobuf.Value", bytes), null);
  assert.is(encodeProperty(decodeWellKnown("google.protobuf.Value", hex("0800"))!), null);
});

test.run();
