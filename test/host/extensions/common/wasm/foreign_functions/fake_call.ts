// test/host/extensions/common/wasm/foreign_functions/fake_call.ts: calls foreign functions without a guest.
/** @module */
import { Status } from "../../../../../../abi/mod.ts";
import { FOREIGN_FUNCTIONS } from "../../../../../../host/extensions/common/wasm/foreign_functions/mod.ts";
import type { ForeignCall, PropertyDeclaration, PropertyValue, StreamPort } from "../../../../../../host/wasm/mod.ts";

/** A plugin that calls foreign functions. */
export class Caller {
  readonly declarations: Map<string, PropertyDeclaration> = new Map();
  readonly properties: Map<string, PropertyValue> = new Map();
  readonly explained: string[] = [];
  readonly pluginData: Map<string, unknown> = new Map();
  stream: StreamPort | null = null;
  charged = 0;
  routeCacheClears = 0;

  /** The status, or the result. */
  call(name: string, args: Uint8Array | string = ""): Status | Uint8Array {
    const call: ForeignCall = {
      source: { pluginName: "p", rootId: "r", vmId: "v" },
      stream: this.stream,
      pluginData: this.pluginData,
      clearRouteCache: () => void this.routeCacheClears++,
      property: (path) => this.properties.get(path.join(".")) ?? null,
      declareProperty: (each, declaration) => {
        if (this.declarations.has(each)) return false;
        this.declarations.set(each, declaration);
        return true;
      },
      charge: (units) => void (this.charged += units),
      explain: (text) => void this.explained.push(text),
    };
    return FOREIGN_FUNCTIONS.get(name)!(call, typeof args === "string" ? new TextEncoder().encode(args) : args);
  }

  /** The result, which there has to be. */
  result(name: string, args: Uint8Array | string = ""): Uint8Array {
    const result = this.call(name, args);
    if (typeof result === "number") throw new Error(`status ${result}: ${this.explained.join("; ")}`);
    return result;
  }

  /** The result in hexadecimal digits, or the status. */
  answer(name: string, args: Uint8Array | string = ""): string | Status {
    const result = this.call(name, args);
    return typeof result === "number" ? result : result.toHex();
  }
}

/** A protobuf message: strings, bytes or numbers by field number. */
export function message(fields: Readonly<Record<number, string | Uint8Array | number>>): Uint8Array {
  const bytes: number[] = [];
  const varint = (value: number): void => {
    for (; value > 127; value = Math.floor(value / 128)) bytes.push(value % 128 + 128);
    bytes.push(value);
  };
  for (const [number, value] of Object.entries(fields)) {
    varint(Number(number) * 8 + (typeof value === "number" ? 0 : 2));
    if (typeof value === "number") varint(value);
    else {
      const content = typeof value === "string" ? new TextEncoder().encode(value) : value;
      varint(content.length);
      for (const byte of content) bytes.push(byte);
    }
  }
  return Uint8Array.from(bytes);
}

export { Status };
