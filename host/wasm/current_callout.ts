// host/wasm/current_callout.ts: what maps 4 to 7 and buffers 4, 5 and 8 hold while a callback about them runs.
// pure: no I/O, no clock, no runtime globals
/** @module */
import { BufferType, MapType } from "../../abi/mod.ts";
import type { CalloutData } from "./context.ts";
import type { HeaderMapPort } from "./ports.ts";

export class CurrentCallout implements CalloutData {
  responseHeaders: HeaderMapPort | null = null;
  responseTrailers: HeaderMapPort | null = null;
  responseBody: Uint8Array | null = null;
  initialMetadata: HeaderMapPort | null = null;
  trailingMetadata: HeaderMapPort | null = null;
  message: Uint8Array | null = null;
  foreignArguments: Uint8Array | null = null;

  map(type: number): HeaderMapPort | null {
    switch (type) {
      case MapType.GrpcCallInitialMetadata:
        return this.initialMetadata;
      case MapType.GrpcCallTrailingMetadata:
        return this.trailingMetadata;
      case MapType.HttpCallResponseHeaders:
        return this.responseHeaders;
      case MapType.HttpCallResponseTrailers:
        return this.responseTrailers;
      default:
        return null;
    }
  }

  buffer(type: number): Uint8Array | null {
    switch (type) {
      case BufferType.HttpCallResponseBody:
        return this.responseBody;
      case BufferType.GrpcCallMessage:
        return this.message;
      case BufferType.ForeignFunctionArguments:
        return this.foreignArguments;
      default:
        return null;
    }
  }
}
