// test/fuzz/h2_frames.test.ts: frames that nobody meant, to both sides of a connection.
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromLatin1 } from "../../host/base/bytes.ts";
import {
  frameHeader,
  FrameType,
  goAwayFrame,
  pingFrame,
  rstStreamFrame,
  SETTINGS_ACK,
  settingsFrame,
  windowUpdateFrame,
} from "../../host/http/h2/frame.ts";
import { FrameEvent, FrameReader } from "../../host/http/h2/frame_reader.ts";
import { ClientSide, type Fields, GET, POST, ServerSide } from "../host/http/h2/harness.ts";

/** A header block that is a literal without indices: blocks are then the same wherever they stand. */
function block(fields: Fields): string {
  const part = (text: string): string => String.fromCharCode(text.length) + text;
  return fields.map(([name, value]) => `\0${part(name)}${part(value)}`).join("");
}

function headers(streamId: number, fields: Fields, flags: number): string {
  const text = block(fields);
  return frameHeader(text.length, FrameType.Headers, flags, streamId) + text;
}

function data(streamId: number, text: string, flags = 0): string {
  return frameHeader(text.length, FrameType.Data, flags, streamId) + text;
}

const REQUESTS: readonly string[] = [
  headers(1, GET, 5),
  headers(1, POST, 4),
  headers(3, GET, 5),
  headers(5, [...POST, ["content-length", "3"]], 4),
  headers(1, [["x-t", "1"]], 5),
  headers(7, [...GET, ["cookie", "a"], ["cookie", "b"]], 1),
  frameHeader(2, FrameType.Continuation, 4, 7) + "\x82\x84",
  data(1, "abc"),
  data(1, "abc", 1),
  data(5, "abc", 1),
  data(1, "\x02abc\0\0", 9),
  data(1, "", 1),
];
const CONTROL: readonly string[] = [
  settingsFrame([]),
  settingsFrame([[1, 0], [3, 1], [4, 0], [5, 16384], [6, 100]]),
  settingsFrame([[4, 0x7fffffff]]),
  SETTINGS_ACK,
  pingFrame("12345678", false),
  pingFrame("12345678", true),
  rstStreamFrame(1, 8),
  rstStreamFrame(3, 0),
  windowUpdateFrame(0, 1),
  windowUpdateFrame(1, 0x7fffffff),
  goAwayFrame(0, 0),
  frameHeader(5, FrameType.Priority, 0, 1) + "\0\0\0\0\x10",
  frameHeader(4, FrameType.PushPromise, 4, 1) + "\0\0\0\x02",
  frameHeader(3, 0x20 as FrameType, 0, 0) + "xyz",
];
const RESPONSES: readonly string[] = [
  headers(1, [[":status", "200"]], 4),
  headers(1, [[":status", "200"]], 5),
  headers(1, [[":status", "103"], ["link", "x"]], 4),
  headers(1, [[":status", "200"], ["content-length", "3"]], 4),
  headers(1, [["grpc-status", "0"]], 5),
  data(1, "abc"),
  data(1, "abc", 1),
  data(1, "", 1),
];

// Not `fc.double`, whose values lie near zero.
const fraction = fc.integer({ min: 0, max: 9999 }).map((each) => each / 10_000);

/** Frames in any order, some of them with other bytes in them. */
function frames(seeds: readonly string[]): fc.Arbitrary<string> {
  const bytes = fc.uint8Array({ maxLength: 3 }).map((each) => String.fromCharCode(...each));
  const edit = fc.tuple(fraction, fc.integer({ min: 0, max: 3 }), bytes);
  const frame = fc.tuple(fc.constantFrom(...seeds, ...CONTROL), fc.option(edit, { nil: null, freq: 2 }))
    .map(([text, change]) => {
      if (change === null) return text;
      const at = Math.floor(change[0] * (text.length + 1));
      return text.slice(0, at) + change[2] + text.slice(at + change[1]);
    });
  return fc.array(frame, { minLength: 1, maxLength: 12 }).map((all) => all.join(""));
}

const cuts = fc.array(fraction, { maxLength: 5 });

function cut(text: string, at: readonly number[]): string[] {
  const offsets = [0, ...at.map((each) => Math.floor(each * text.length)).sort((a, b) => a - b), text.length];
  return offsets.slice(1).map((end, index) => text.slice(offsets[index]!, end));
}

/** What is written for a frame that came: an acknowledgement, an answer, a reset, or the end. */
const BYTES_PER_FRAME = 200;

function serve(pieces: readonly string[]): { readonly state: unknown; readonly side: ServerSide } {
  const side = new ServerSide().answering();
  for (const piece of pieces) side.feed(piece);
  const output = side.connection.output;
  // Whatever is written is frames.
  side.peer.read(output);
  return {
    state: { error: side.error, requests: side.requests.map((request) => [request.headers?.entries(), request.body]) },
    side,
  };
}

test("a server: no throw, little written, nothing served after an error, however it is cut", () => {
  fc.assert(
    fc.property(frames(REQUESTS), cuts, (input, at) => {
      const { state, side } = serve([input]);
      assert.ok(side.connection.output.length <= BYTES_PER_FRAME * (1 + input.length / 9), "too much is written");
      const served = side.requests.length;
      if (side.error !== null) {
        side.feed(headers(99, GET, 5));
        assert.is(side.requests.length, served);
      }
      // A body may come in more parts, and windows be given back in other steps.
      assert.equal(serve(cut(input, at)).state, state);
    }),
    { seed: 20261211, numRuns: 800 },
  );
});

test("a server: any bytes behind the preface, and instead of it", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (input, begun) => {
      const side = new ServerSide({}, begun).answering();
      side.feed(String.fromCharCode(...input));
      side.peer.read(side.connection.output);
      assert.ok(side.connection.output.length <= BYTES_PER_FRAME * (2 + input.length / 9));
    }),
    { seed: 20261212, numRuns: 1000 },
  );
});

test("a client: one end for its request, whatever the upstream sends", () => {
  fc.assert(
    fc.property(frames(RESPONSES), cuts, (input, at) => {
      const play = (pieces: readonly string[]): unknown => {
        const side = new ClientSide();
        const { response } = side.send();
        for (const piece of pieces) side.feed(piece);
        side.peer.read(side.connection.output);
        assert.ok(side.connection.output.length <= BYTES_PER_FRAME * (2 + input.length / 9));
        return [side.error, response.headers?.entries(), response.body, response.ended, response.reset];
      };
      assert.equal(play(cut(input, at)), play([input]));
    }),
    { seed: 20261213, numRuns: 1000 },
  );
});

test("the frame reader takes every byte once, and holds no more than a frame's head", () => {
  fc.assert(
    fc.property(frames([...REQUESTS, ...RESPONSES]), cuts, (input, at) => {
      const read = (pieces: readonly string[]): string[] => {
        const reader = new FrameReader();
        const seen: string[] = [];
        for (const piece of pieces) {
          const bytes = fromLatin1(piece);
          for (let from = 0;;) {
            const event = reader.next(bytes, from);
            assert.ok(reader.offset >= from && reader.offset <= bytes.length);
            if (event === FrameEvent.NeedMore) break;
            if (event === FrameEvent.TooLarge || event === FrameEvent.BadPadding) return [...seen, `stop ${event}`];
            assert.ok(reader.offset > from || reader.end === reader.start);
            // Data comes as it is there: only what is whole compares.
            if (reader.type !== FrameType.Data) seen.push(`${reader.type} ${reader.flags} ${reader.streamId}`);
            from = reader.offset;
          }
        }
        return seen;
      };
      assert.equal(read(cut(input, at)), read([input]));
    }),
    { seed: 20261214, numRuns: 1000 },
  );
});

test.run();
