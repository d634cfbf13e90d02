// test/host/http/h1/oracle.ts: a slow, strict reading of RFC 9112 by regular expressions, and a proxy made of codecs.
/**
 * What counts with a bad message is not whether it is refused but that whatever reaches the upstream parses,
 * by a strict parser that shares no line with ours, as exactly the requests that were meant.
 *
 * @module
 */
import { ByteQueue } from "../../../../host/base/byte_queue.ts";
import type { CodecError } from "../../../../host/http/codec.ts";
import type { Http1ServerOptions } from "../../../../host/http/h1/options.ts";
import type { RequestEncoder } from "../../../../host/http/codec.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { bytes, ClientHarness, RecordedMessage, ServerHarness } from "./harness.ts";

export interface CleanMessage {
  readonly start: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

const REQUEST_LINE = /^[-!#$%&'*+.^_`|~0-9A-Za-z]+ [\x21-\x7e]+ HTTP\/1\.1$/;
const STATUS_LINE = /^HTTP\/1\.[01] [1-5][0-9]{2} [\t\x20-\x7e\x80-\xff]*$/;
const FIELD_LINE =
  /^([-!#$%&'*+.^_`|~0-9A-Za-z]+):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*$/;

/** Reads all messages of `text`, or says why they are not clean. */
export function readMessages(text: string, kind: "request" | "response"): CleanMessage[] | string {
  const messages: CleanMessage[] = [];
  let rest = text;
  while (rest !== "") {
    const headEnd = rest.indexOf("\r\n\r\n");
    if (headEnd < 0) return `head without end: ${JSON.stringify(rest)}`;
    const lines = rest.slice(0, headEnd).split("\r\n");
    rest = rest.slice(headEnd + 4);
    const start = lines.shift()!;
    if (!(kind === "request" ? REQUEST_LINE : STATUS_LINE).test(start)) return `start line ${JSON.stringify(start)}`;
    const headers: [string, string][] = [];
    for (const line of lines) {
      const match = FIELD_LINE.exec(line);
      if (match === null) return `field line ${JSON.stringify(line)}`;
      headers.push([match[1]!.toLowerCase(), match[2]!]);
    }
    const all = (name: string): string[] => headers.filter(([each]) => each === name).map(([, value]) => value);
    const lengths = all("content-length");
    const encodings = all("transfer-encoding");
    if (kind === "request" && all("host").length !== 1) return `${all("host").length} Host headers`;
    if (lengths.length > 1 || encodings.length > 1) return "framing given twice";
    if (lengths.length === 1 && encodings.length === 1) return "framing given in two ways";
    let body = "";
    const status = kind === "response" ? Number(start.slice(9, 12)) : 0;
    if (encodings.length === 1) {
      if (encodings[0] !== "chunked") return `transfer-encoding ${encodings[0]}`;
      for (;;) {
        const size = /^([0-9a-f]+)\r\n/.exec(rest);
        if (size === null) return `chunk size in ${JSON.stringify(rest.slice(0, 20))}`;
        const length = parseInt(size[1]!, 16);
        rest = rest.slice(size[0].length);
        if (length === 0) {
          const trailers = /^(?:[-!#$%&'*+.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n/.exec(rest);
          if (trailers === null) return `trailers in ${JSON.stringify(rest.slice(0, 20))}`;
          rest = rest.slice(trailers[0].length);
          break;
        }
        if (rest.length < length + 2 || rest.slice(length, length + 2) !== "\r\n") return "chunk is cut";
        body += rest.slice(0, length);
        rest = rest.slice(length + 2);
      }
    } else if (lengths.length === 1 && status !== 304) {
      if (!/^[0-9]+$/.test(lengths[0]!)) return `content-length ${lengths[0]}`;
      const length = Number(lengths[0]);
      if (rest.length < length) return "body is cut";
      body = rest.slice(0, length);
      rest = rest.slice(length);
    }
    messages.push({ start, headers, body });
  }
  return messages;
}

/** What a proxy made of both codecs did with a client's bytes. */
export interface Proxied {
  /** What each upstream connection got; one per request. */
  readonly upstream: readonly string[];
  /** The requests that were complete. */
  readonly complete: number;
  readonly error: CodecError | null;
  readonly server: ServerHarness;
}

class ForwardedRequest extends RecordedMessage {
  encoderUp: RequestEncoder | null = null;
}

/** Forwards every request over a connection of its own and answers each with an empty 200 when it is whole. */
export function proxy(chunks: readonly (string | Uint8Array)[], options: Partial<Http1ServerOptions> = {}): Proxied {
  const upstream: ClientHarness[] = [];
  let complete = 0;
  const server = new ServerHarness(options);
  server.onRequestHead = (request) => {
    const client = new ClientHarness();
    upstream.push(client);
    const encoder = client.codec.newStream(new ForwardedRequest());
    const headers = request.headers!;
    // What the connection manager does: no authority, no forwarding.
    if (headers.authority === null) headers.authority = "";
    const onData = request.onData.bind(request);
    const failure = encoder.encodeHeaders(headers, false);
    if (typeof failure === "string") throw new Error(failure);
    request.onData = (data, end) => {
      const copy = new ByteQueue();
      copy.push(data.toBytes().slice());
      onData(data, end);
      if (end) complete++;
      encoder.encodeData(copy, end);
    };
    request.onTrailers = (trailers) => {
      complete++;
      encoder.encodeTrailers(trailers);
      request.encoder!.encodeHeaders(HeaderMap.of({ ":status": "200" }), true);
    };
    request.onEnd = (ended) => {
      if (ended.dataCalls === 0) {
        complete++;
        encoder.encodeData(new ByteQueue(), true);
      }
      ended.encoder!.encodeHeaders(HeaderMap.of({ ":status": "200" }), true);
    };
  };
  server.feed(...chunks.map((chunk) => typeof chunk === "string" ? bytes(chunk) : chunk));
  return { upstream: upstream.map((client) => client.connection.output), complete, error: server.error, server };
}

/** Fails unless the upstream got exactly the complete requests, cleanly, and of a cut one no clean whole. */
export function checkUpstream(result: Proxied, label: string): void {
  const whole = result.upstream.slice(0, result.complete);
  for (const output of whole) {
    const messages = readMessages(output, "request");
    if (typeof messages === "string") throw new Error(`${label}: upstream got no clean request: ${messages}`);
    if (messages.length !== 1) throw new Error(`${label}: upstream got ${messages.length} requests for one`);
  }
  for (const output of result.upstream.slice(result.complete)) {
    const messages = readMessages(output, "request");
    // The head of a tunnel is all that is sent before the upstream has accepted.
    if (/^CONNECT |\r\nupgrade:/.test(output)) {
      if (typeof messages === "string" || messages.length !== 1) throw new Error(`${label}: ${JSON.stringify(output)}`);
      continue;
    }
    if (typeof messages !== "string") throw new Error(`${label}: a cut request looks whole: ${JSON.stringify(output)}`);
  }
}
