// host/testing/test_properties.ts: what a filter under test may ask about streams.
/**
 * What the test gives wins; besides there is what the proxy itself answers for such a stream.
 *
 * @module
 */
import { StreamProperties } from "../extensions/common/wasm/properties.ts";
import type { PropertyDeclaration, PropertyPort, PropertyValue, StreamPort } from "../wasm/mod.ts";

/** A value of a property as tests write it. Numbers are 64-bit integers for the filter. */
export type PropertyInit = string | number | bigint | boolean | Uint8Array;

const NODE = { id: "test", cluster: "test", region: "", zone: "", subZone: "", metadata: {} };

export class TestProperties implements PropertyPort {
  readonly #given: ReadonlyMap<string, PropertyValue>;
  readonly #proxy: StreamProperties = new StreamProperties({ current: NODE });

  constructor(given: Readonly<Record<string, PropertyInit>>) {
    this.#given = new Map(Object.entries(given).map(([path, value]) => [path, toPropertyValue(value)]));
  }

  get(stream: StreamPort | null, path: readonly string[]): PropertyValue | null {
    return this.#given.get(path.join(".")) ?? this.#proxy.get(stream, path);
  }

  getState(stream: StreamPort, key: string, path: readonly string[]): PropertyValue | null {
    return this.#proxy.getState(stream, key, path);
  }

  setState(stream: StreamPort, key: string, value: Uint8Array, declaration: PropertyDeclaration | null): boolean {
    return this.#proxy.setState(stream, key, value, declaration);
  }
}

function toPropertyValue(value: PropertyInit): PropertyValue {
  switch (typeof value) {
    case "string":
      return { kind: "string", value };
    case "boolean":
      return { kind: "bool", value };
    case "object":
      return { kind: "bytes", value };
    default:
      return { kind: "int", value };
  }
}
