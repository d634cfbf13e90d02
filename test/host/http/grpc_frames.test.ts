// test/host/http/grpc_frames.test.ts: messages behind their prefixes, whole and in pieces.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ByteQueue } from "../../../host/base/byte_queue.ts";
import { concatBytes } from "../../../host/base/bytes.ts";
import { encodeGrpcFrame, GrpcFrameDecoder, type GrpcFrameProblem } from "../../../host/http/grpc_frames.ts";

function decode(
  parts: readonly Uint8Array[],
  limitBytes = 1000,
): [messages: string[], problem: GrpcFrameProblem | null] {
  const decoder = new GrpcFrameDecoder(limitBytes);
  const messages: string[] = [];
  for (const part of parts) {
    const data = new ByteQueue();
    data.push(part);
    const problem = decoder.decode(data, (message) => {
      messages.push(new TextDecoder().decode(message));
      return true;
    });
    if (problem !== null) return [messages, problem];
  }
  return [messages, null];
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("a frame is a flag, a length and the message", () => {
  assert.equal([...encodeGrpcFrame(bytes("abc"))], [0, 0, 0, 0, 3, 97, 98, 99]);
  assert.equal([...encodeGrpcFrame(bytes(""))], [0, 0, 0, 0, 0]);
});

test("messages come out as they went in, however the bytes are cut", () => {
  const texts = ["", "a", "", "hello world", "x".repeat(300)];
  const frames = texts.map((text) => encodeGrpcFrame(bytes(text)));
  const all = concatBytes(frames, frames.reduce((size, frame) => size + frame.length, 0));
  for (const size of [1, 2, 3, 5, 7, 64, all.length]) {
    const parts: Uint8Array[] = [];
    for (let at = 0; at < all.length; at += size) parts.push(all.subarray(at, at + size));
    assert.equal(decode(parts), [texts, null], `${size} bytes at a time`);
  }
});

test("what cannot be read is named, after the messages before it", () => {
  const good = encodeGrpcFrame(bytes("ok"));
  const withFlag = (flag: number): Uint8Array => Uint8Array.of(flag, 0, 0, 0, 1, 65);
  assert.equal(decode([good, withFlag(1)]), [["ok"], "compressed"]);
  assert.equal(decode([good, withFlag(7)]), [["ok"], "malformed"]);
  assert.equal(decode([Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff)]), [[], "too_large"]);
  assert.equal(decode([encodeGrpcFrame(bytes("12345"))], 5), [["12345"], null]);
  assert.equal(decode([encodeGrpcFrame(bytes("123456"))], 5), [[], "too_large"]);
});

test("it tells whether it is in the middle of a frame, and stops where it is told", () => {
  const decoder = new GrpcFrameDecoder(100);
  const data = new ByteQueue();
  data.push(encodeGrpcFrame(bytes("one")).subarray(0, 7));
  decoder.decode(data, () => true);
  assert.is(decoder.isInFrame, true);
  assert.is(data.length, 0);
  data.push(bytes("e"));
  data.push(encodeGrpcFrame(bytes("two")));
  const seen: string[] = [];
  decoder.decode(data, (message) => {
    seen.push(new TextDecoder().decode(message));
    return false;
  });
  assert.equal(seen, ["one"]);
});

test.run();
