// test/host/net/read_lane.test.ts: which buffers a connection reads into.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ByteQueue } from "../../../host/base/byte_queue.ts";
import { READ_BUFFER_BYTES } from "../../../host/base/read_buffer.ts";
import { ReadLane, SMALL_READ_BYTES } from "../../../host/net/read_lane.ts";

/** A lane; `take` is done with the bytes of each read, and says whether reading goes on. */
function lane(take: (bytes: Uint8Array) => boolean): ReadLane {
  const made = new ReadLane();
  made.attach({ onBytes: take });
  return made;
}

test("reads that fill their buffer get a large one, small ones a small one again", () => {
  const made = lane(() => true);
  assert.is(made.nextBuffer().length, SMALL_READ_BYTES);
  made.onRead(100);
  assert.is(made.nextBuffer().length, SMALL_READ_BYTES);
  made.onRead(SMALL_READ_BYTES);
  assert.is(made.nextBuffer().length, READ_BUFFER_BYTES);
  made.onRead(SMALL_READ_BYTES + 1);
  assert.is(made.nextBuffer().length, READ_BUFFER_BYTES);
  made.onRead(100);
  assert.is(made.nextBuffer().length, SMALL_READ_BYTES);
});

test("who stops reading keeps no large buffer while it waits", () => {
  let goesOn = true;
  const made = lane(() => goesOn);
  made.nextBuffer();
  made.onRead(SMALL_READ_BYTES);
  const large = made.nextBuffer();
  goesOn = false;
  made.onRead(READ_BUFFER_BYTES);
  assert.is(made.nextBuffer().length, SMALL_READ_BYTES);
  const other = lane(() => true);
  other.nextBuffer();
  other.onRead(SMALL_READ_BYTES);
  assert.is(other.nextBuffer(), large, "it went to who needs one");
});

test("bytes that are most of a small buffer are kept as they are, fewer are copied; both stay as they were", () => {
  const kept = new ByteQueue();
  const made = lane((bytes) => {
    kept.push(bytes);
    return true;
  });
  const first = made.nextBuffer();
  first.fill(1);
  made.onRead(SMALL_READ_BYTES - 200);
  assert.is(kept.chunkAt(0).buffer, first.buffer);
  const second = made.nextBuffer();
  assert.is.not(second, first);
  second.fill(2);
  made.onRead(200);
  assert.is.not(kept.chunkAt(1).buffer, second.buffer);
  assert.is(made.nextBuffer(), second);
  second.fill(3);
  assert.equal([kept.chunkAt(0)[0], kept.chunkAt(1)[0]], [1, 2]);
});

test.run();
