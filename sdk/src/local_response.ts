// sdk/src/local_response.ts: an answer from the filter itself.
import { Status } from "./enums";
import { Headers } from "./headers";
import { proxy_send_local_response } from "./imports.gen";
import { argument0, argument0Size } from "./memory";

/**
 * A response that the filter gives instead of the upstream. Filled in by chained calls and sent by
 * `HttpFilter.reply()`:
 *
 * ```ts
 * return this.reply(new LocalResponse(401, "no_token").header("www-authenticate", "Bearer").text("who are you?"));
 * ```
 */
export class LocalResponse {
  private readonly headers: Headers = new Headers();
  private payload: ArrayBuffer = new ArrayBuffer(0);

  /**
   * `code`: the HTTP status. `details`: why, in one word, for access logs (`%RESPONSE_CODE_DETAILS%`); the
   * client does not see it.
   */
  constructor(public code: u32, public details: string = "") {}

  /** Adds a header. Without a `content-type` a body is sent as `text/plain`. */
  header(name: string, value: string): LocalResponse {
    this.headers.add(name, value);
    return this;
  }

  /** The body, as text. */
  text(body: string): LocalResponse {
    this.payload = String.UTF8.encode(body);
    return this;
  }

  /** The body, as bytes. */
  bytes(body: ArrayBuffer): LocalResponse {
    this.payload = body;
    return this;
  }

  /** The body, as JSON text, with the `content-type` for it. `Json.quote` makes strings safe. */
  json(body: string): LocalResponse {
    this.headers.add("content-type", "application/json");
    return this.text(body);
  }

  /**
   * Sends it on the current stream. A second response for one stream is ignored by the host.
   * `grpcStatus`: for gRPC requests; -1 derives it from the HTTP status.
   */
  send(grpcStatus: i32 = -1): Status {
    const headers = this.headers.encode();
    const details = argument0(this.details);
    return proxy_send_local_response(
      this.code,
      details,
      argument0Size(),
      changetype<usize>(this.payload),
      this.payload.byteLength,
      changetype<usize>(headers),
      headers.byteLength,
      grpcStatus,
    );
  }
}
