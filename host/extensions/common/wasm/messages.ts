// host/extensions/common/wasm/messages.ts: Envoy's messages that attributes are, by field and in bytes.
// pure: no I/O, no clock, no runtime globals
/**
 * Plans keep what these messages say as plain data; here they are messages again. Maps are written in the order
 * of their keys, so that equal messages have equal bytes.
 *
 * @see Envoy: api/envoy/config/core/v3/base.proto Metadata, Node, Locality; google/protobuf/struct.proto
 * @module
 */
import { WireType } from "../../../api/wire_reader.ts";
import { WireWriter } from "../../../api/wire_writer.ts";
import type { FilterMetadata, Locality } from "../../../observe/stream_info.ts";
import type { MessageValue, PropertyValue } from "../../../wasm/ports.ts";

/** This proxy as the configuration names it. */
export interface NodeFacts {
  readonly id: string;
  readonly cluster: string;
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

type Json = Readonly<Record<string, unknown>>;

const NO_ENTRIES: PropertyValue = { kind: "map", value: new Map() };
const NO_ITEMS: PropertyValue = { kind: "list", value: [] };
const NULL: PropertyValue = { kind: "null" };

/** `envoy.config.core.v3.Metadata`. */
export class MetadataMessage implements MessageValue {
  readonly #namespaces: FilterMetadata;

  constructor(namespaces: FilterMetadata) {
    this.#namespaces = namespaces;
  }

  field(name: string): PropertyValue | null {
    if (name === "typed_filter_metadata") return NO_ENTRIES;
    if (name !== "filter_metadata") return null;
    const entries = Array.from(this.#namespaces, ([key, value]) => [key, jsonProperty(value) ?? NULL] as const);
    return { kind: "map", value: new Map(entries) };
  }

  encode(): Uint8Array {
    const writer = new WireWriter();
    for (const key of [...this.#namespaces.keys()].sort()) {
      writeNested(writer, 1, () => {
        writeString(writer, 1, key);
        writeNested(writer, 2, () => writeStruct(writer, this.#namespaces.get(key)!));
      });
    }
    return writer.finish();
  }
}

/** `envoy.config.core.v3.Locality`. */
export class LocalityMessage implements MessageValue {
  readonly #locality: Locality;

  constructor(locality: Locality) {
    this.#locality = locality;
  }

  field(name: string): PropertyValue | null {
    switch (name) {
      case "region":
        return text(this.#locality.region);
      case "zone":
        return text(this.#locality.zone);
      case "sub_zone":
        return text(this.#locality.subZone);
      default:
        return null;
    }
  }

  encode(): Uint8Array {
    const writer = new WireWriter();
    writeLocality(writer, this.#locality);
    return writer.finish();
  }
}

/** `envoy.config.core.v3.Node`, as far as a proxy without a control plane fills it. */
export class NodeMessage implements MessageValue {
  readonly #node: NodeFacts;

  constructor(node: NodeFacts) {
    this.#node = node;
  }

  field(name: string): PropertyValue | null {
    const node = this.#node;
    switch (name) {
      case "id":
        return text(node.id);
      case "cluster":
        return text(node.cluster);
      case "metadata":
        return jsonProperty(node.metadata);
      case "locality":
        return { kind: "message", value: new LocalityMessage(node) };
      case "user_agent_name":
        return text(USER_AGENT);
      case "user_agent_version":
        return text("");
      case "dynamic_parameters":
        return NO_ENTRIES;
      case "client_features":
      case "extensions":
      case "listening_addresses":
        return NO_ITEMS;
      default:
        return null;
    }
  }

  encode(): Uint8Array {
    const node = this.#node;
    const writer = new WireWriter();
    writeString(writer, 1, node.id);
    writeString(writer, 2, node.cluster);
    if (Object.keys(node.metadata).length > 0) writeNested(writer, 3, () => writeStruct(writer, node.metadata));
    if (node.region !== "" || node.zone !== "" || node.subZone !== "") {
      writeNested(writer, 4, () => writeLocality(writer, node));
    }
    writeString(writer, 6, USER_AGENT);
    return writer.finish();
  }
}

/** What filters that ask expect of an Envoy. */
const USER_AGENT = "envoy";

function text(value: string): PropertyValue {
  return { kind: "string", value };
}

/** A value of plain JSON as expressions see it in a Struct; null for none. */
export function jsonProperty(value: unknown): PropertyValue | null {
  switch (typeof value) {
    case "string":
      return text(value);
    case "number":
      return { kind: "double", value };
    case "boolean":
      return { kind: "bool", value };
    case "object": {
      if (value === null) return NULL;
      if (Array.isArray(value)) return { kind: "list", value: value.map((each) => jsonProperty(each) ?? NULL) };
      const entries = Object.entries(value).map(([key, each]) => [key, jsonProperty(each) ?? NULL] as const);
      return { kind: "map", value: new Map(entries) };
    }
    default:
      return null;
  }
}

/** What a path leads to in plain JSON; null for nothing. */
export function jsonAt(root: unknown, path: readonly string[]): PropertyValue | null {
  let value = root;
  for (const key of path) {
    if (Array.isArray(value)) value = isIndex(key) ? value[Number(key)] : undefined;
    else if (typeof value === "object" && value !== null && Object.hasOwn(value, key)) {
      value = (value as Record<string, unknown>)[key];
    } else return null;
  }
  return jsonProperty(value);
}

/** What a path leads to inside a value; null for nothing. */
export function memberAt(root: PropertyValue, path: readonly string[]): PropertyValue | null {
  let value: PropertyValue | null = root;
  for (const key of path) {
    if (value.kind === "map") value = value.value.get(key) ?? null;
    else if (value.kind === "list") value = isIndex(key) ? value.value[Number(key)] ?? null : null;
    else if (value.kind === "message") value = value.value.field(key);
    else return null;
    if (value === null) return null;
  }
  return value;
}

function isIndex(key: string): boolean {
  return /^[0-9]{1,9}$/.test(key);
}

function writeNested(writer: WireWriter, number: number, write: () => void): void {
  writer.tag(number, WireType.Length);
  const mark = writer.startLength();
  write();
  writer.endLength(mark);
}

/** Fields with the default value are not written. */
function writeString(writer: WireWriter, number: number, value: string): void {
  if (value === "") return;
  writer.tag(number, WireType.Length);
  writer.string(value);
}

function writeLocality(writer: WireWriter, locality: Locality): void {
  writeString(writer, 1, locality.region);
  writeString(writer, 2, locality.zone);
  writeString(writer, 3, locality.subZone);
}

function writeStruct(writer: WireWriter, fields: Json): void {
  for (const key of Object.keys(fields).sort()) {
    writeNested(writer, 1, () => {
      writeString(writer, 1, key);
      writeNested(writer, 2, () => writeValue(writer, fields[key]));
    });
  }
}

/** `google.protobuf.Value`, whose fields are those of a oneof: written even when they are defaults. */
function writeValue(writer: WireWriter, value: unknown): void {
  if (typeof value === "number") {
    writer.tag(2, WireType.Fixed64);
    writer.double(value);
  } else if (typeof value === "string") {
    writer.tag(3, WireType.Length);
    writer.string(value);
  } else if (typeof value === "boolean") {
    writer.tag(4, WireType.Varint);
    writer.uint32(value ? 1 : 0);
  } else if (Array.isArray(value)) {
    writeNested(writer, 6, () => {
      for (const each of value) writeNested(writer, 1, () => writeValue(writer, each));
    });
  } else if (typeof value === "object" && value !== null) {
    writeNested(writer, 5, () => writeStruct(writer, value as Json));
  } else {
    writer.tag(1, WireType.Varint);
    writer.uint32(0);
  }
}
