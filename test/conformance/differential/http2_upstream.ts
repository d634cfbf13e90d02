// test/conformance/differential/http2_upstream.ts: an upstream that speaks HTTP/2 and does what the script says.
/** @module */
import type { Socket } from "node:net";
import { type PeerStream, StreamPeer } from "../../support/http2_stream_peer.ts";
import type { Http2UpstreamStep, Sighting } from "./exchange.ts";
import { lines, within } from "./http2_client.ts";

const LIMIT_MS = 6000;

/** Where the requests of one connection find their script, and are noted. */
export interface Http2Script {
  begin(): { readonly steps: readonly Http2UpstreamStep[]; readonly sighting: Sighting };
  end(): void;
}

export function serveHttp2(socket: Socket, script: Http2Script): void {
  let requests = 0;
  const peer = StreamPeer.accept(socket, (stream) => {
    const { steps, sighting } = script.begin();
    if (requests++ > 0) sighting.reused = true;
    void perform(peer, stream, steps, sighting).then(() => script.end());
  });
}

async function perform(
  peer: StreamPeer,
  stream: PeerStream,
  steps: readonly Http2UpstreamStep[],
  sighting: Sighting,
): Promise<void> {
  sighting.request = { head: lines(stream.head!) };
  let read = 0;
  for (const step of steps) {
    if (step === "request") {
      await within(LIMIT_MS, peer, () => stream.over);
      note(stream, sighting);
    } else if (step === "hang") {
      // It ends with its connection, too: what this upstream sent may have been wrong, and the request be over.
      await within(LIMIT_MS, peer, () => stream.reset !== null || peer.closed);
      note(stream, sighting);
      sighting.ended = true;
      if (peer.goAways.length > 0) sighting.goAway = peer.goAways.at(-1)!;
    } else if (step === "close") {
      peer.close();
    } else if ("pause" in step) {
      await new Promise((resolve) => setTimeout(resolve, step.pause));
    } else if ("head" in step) {
      stream.headers(step.head, step.end === true);
    } else if ("data" in step) {
      stream.data(step.data, step.end === true);
    } else if ("trailers" in step) {
      stream.end(step.trailers);
    } else if ("rst" in step) {
      stream.rst(step.rst);
    } else {
      await within(LIMIT_MS, peer, () => stream.body.length >= read + step.bytes || stream.over);
      sighting.bytes = (sighting.bytes ?? "") + stream.body.slice(read, read + step.bytes);
      read += step.bytes;
    }
  }
}

function note(stream: PeerStream, sighting: Sighting): void {
  const request = sighting.request!;
  if (stream.body !== "" && sighting.bytes === undefined) request.body = stream.body;
  if (stream.trailers !== null) request.trailers = lines(stream.trailers);
  if (stream.reset !== null) request.reset = stream.reset;
  else if (!stream.ended) request.cut = true;
}
