// test/host/http/h2/frame_reader.test.ts: frames at every split point, padding, sizes.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromLatin1, latin1Slice } from "../../../../host/base/bytes.ts";
import {
  frameHeader,
  FrameType,
  goAwayFrame,
  headersFrames,
  pingFrame,
  rstStreamFrame,
  settingsFrame,
  windowUpdateFrame,
} from "../../../../host/http/h2/frame.ts";
import { FrameEvent, FrameReader } from "../../../../host/http/h2/frame_reader.ts";

/** Frames as "type flags stream payload"; the pieces of a DATA frame are joined. */
function read(chunks: readonly string[]): string[] {
  const reader = new FrameReader();
  const frames: string[] = [];
  let data = "";
  for (const chunk of chunks) {
    const bytes = fromLatin1(chunk);
    for (let from = 0;;) {
      const event = reader.next(bytes, from);
      from = reader.offset;
      if (event === FrameEvent.NeedMore) break;
      if (event === FrameEvent.TooLarge || event === FrameEvent.BadPadding) {
        frames.push(event === FrameEvent.TooLarge ? "too large" : "bad padding");
        break;
      }
      const payload = latin1Slice(reader.bytes, reader.start, reader.end);
      if (event === FrameEvent.Frame) {
        frames.push(`${reader.type} ${reader.flags} ${reader.streamId} ${payload}`);
        continue;
      }
      if (reader.isFirst) data = "";
      data += payload;
      if (reader.isLast) frames.push(`0 ${reader.flags} ${reader.streamId} ${data} of ${reader.length}`);
    }
  }
  return frames;
}

const ALL = settingsFrame([[3, 100], [4, 65535]]) + pingFrame("12345678", true) + rstStreamFrame(0x7fffffff, 8) +
  frameHeader(5, FrameType.Data, 0, 1) + "hello" + frameHeader(0, FrameType.Data, 1, 3) +
  frameHeader(9, FrameType.Data, 8, 5) + "\x03hello\0\0\0" + frameHeader(1, FrameType.Data, 8, 7) + "\0" +
  windowUpdateFrame(0, 1) + goAwayFrame(9, 11) + frameHeader(2, 77 as FrameType, 3, 4) + "xy" + rstStreamFrame(1, 0);
const EXPECTED = [
  "4 0 0 \0\x03\0\0\0\x64\0\x04\0\0\xff\xff",
  "6 1 0 12345678",
  "3 0 2147483647 \0\0\0\x08",
  "0 0 1 hello of 5",
  "0 1 3  of 0",
  "0 8 5 hello of 9",
  "0 8 7  of 1",
  "8 0 0 \0\0\0\x01",
  "7 0 0 \0\0\0\x09\0\0\0\x0b",
  "77 3 4 xy",
  "3 0 1 \0\0\0\0",
];

test("frames that arrive at once are read", () => {
  assert.equal(read([ALL]), EXPECTED);
});

test("frames that arrive byte by byte, or in two pieces, are the same", () => {
  assert.equal(read([...ALL]), EXPECTED);
  for (let at = 1; at < ALL.length; at++) {
    assert.equal(read([ALL.slice(0, at), ALL.slice(at)]), EXPECTED, `split at ${at}`);
  }
});

test("the reserved bit of the stream id is ignored", () => {
  assert.equal(read([frameHeader(0, FrameType.Settings, 1, 0x80000000 | 5)]), ["4 1 5 "]);
});

test("a frame that is too large is refused by its header, and nothing is read after it", () => {
  const large = frameHeader(16385, FrameType.Data, 0, 1);
  assert.equal(read([large + ALL]), ["too large"]);
  assert.equal(read([frameHeader(16384, FrameType.Headers, 0, 1), "x".repeat(16384)]).length, 1);
});

test("padding that is longer than its frame is refused", () => {
  assert.equal(read([frameHeader(3, FrameType.Data, 8, 1) + "\x03ab"]), ["bad padding"]);
  assert.equal(read([frameHeader(0, FrameType.Data, 8, 1)]), ["bad padding"]);
});

test("a header block that is longer than a frame goes on in CONTINUATION", () => {
  const frames = read([headersFrames(3, "x".repeat(40), true, 16)]);
  assert.equal(frames, [`1 1 3 ${"x".repeat(16)}`, `9 0 3 ${"x".repeat(16)}`, `9 4 3 ${"x".repeat(8)}`]);
  assert.equal(read([headersFrames(3, "abc", false, 16)]), ["1 4 3 abc"]);
  assert.equal(read([headersFrames(3, "x".repeat(32), false, 16)]).length, 2);
});

test.run();
