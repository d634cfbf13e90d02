// sdk/src/config.ts: the configuration that a plugin starts with.
import { Body } from "./body";
import { BufferType } from "./enums";
import { Json } from "./json";

/**
 * What `configuration` holds in the proxy's configuration of this plugin (for `onVmStart`: of its VM). Good
 * during that callback.
 */
export class Config {
  private readonly body: Body;

  constructor(type: BufferType, length: u32) {
    this.body = new Body(type, length);
  }

  /** Size in bytes; 0 when nothing is configured. */
  get length(): u32 {
    return this.body.length;
  }

  /** The bytes. */
  bytes(): ArrayBuffer {
    return this.body.bytes();
  }

  /** The text: a `google.protobuf.StringValue`, or any other message in its JSON form. */
  text(): string {
    return this.body.text();
  }

  /** The text as JSON; `{}` when it is empty, null when it is malformed, and then `Json.error` says why. */
  json(): Json | null {
    return Json.parse(this.text());
  }
}
