// test/host/net/read_lane.test.ts: many sockets that read into one buffer.
import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ByteQueue } from "../../../host/base/byte_queue.ts";
import { fromLatin1, latin1Slice } from "../../../host/base/bytes.ts";
import { lender, READ_BUFFER_BYTES } from "../../../host/base/read_buffer.ts";
import { ReadLane, SMALL_READ_BYTES } from "../../../host/net/read_lane.ts";
import { createSocketServer, readInto } from "../../../host/net/socket.ts";
import { WriteQueue } from "../../../host/net/write_queue.ts";

/** Reads through `lane` as if `length` bytes had come; what it gives, as text. */
function read(lane: ReadLane, length: number): string {
  let text = "";
  lane.attach({
    onBytes(bytes) {
      text = latin1Slice(bytes, 0, bytes.length);
      return true;
    },
  });
  lane.nextBuffer().fill(0x61, 0, length);
  lane.onRead(length);
  return text;
}

test("connections share the small buffer; one that fills it gets a large one of its own, until it reads little", () => {
  const one = new ReadLane(), other = new ReadLane();
  assert.ok(one.nextBuffer() === other.nextBuffer());
  assert.is(one.nextBuffer().length, SMALL_READ_BYTES);
  assert.is(read(one, 5), "aaaaa");
  assert.ok(one.nextBuffer() === other.nextBuffer());
  read(one, SMALL_READ_BYTES);
  read(other, SMALL_READ_BYTES);
  assert.is(one.nextBuffer().length, READ_BUFFER_BYTES);
  assert.ok(one.nextBuffer() !== other.nextBuffer());
  read(one, SMALL_READ_BYTES + 1);
  assert.is(one.nextBuffer().length, READ_BUFFER_BYTES);
  read(one, 100);
  assert.is(one.nextBuffer().length, SMALL_READ_BYTES);
});

test("who stops reading keeps no large buffer while it waits", () => {
  let goesOn = true;
  const one = new ReadLane(), other = new ReadLane();
  one.attach({ onBytes: () => goesOn });
  one.onRead(SMALL_READ_BYTES);
  const large = one.nextBuffer();
  goesOn = false;
  one.onRead(READ_BUFFER_BYTES);
  assert.is(one.nextBuffer().length, SMALL_READ_BYTES);
  read(other, SMALL_READ_BYTES);
  assert.ok(other.nextBuffer() === large, "it went to who needs one");
});

test("who has read the last of a message keeps no large buffer for the next one, which may never come", () => {
  const one = new ReadLane();
  let betweenMessages = false;
  one.attach({
    onBytes: () => true,
    get betweenMessages() {
      return betweenMessages;
    },
  });
  one.onRead(SMALL_READ_BYTES);
  one.onRead(READ_BUFFER_BYTES);
  assert.is(one.nextBuffer().length, READ_BUFFER_BYTES);
  betweenMessages = true;
  one.onRead(READ_BUFFER_BYTES);
  assert.is(one.nextBuffer().length, SMALL_READ_BYTES);
});

test("a large buffer that a closed connection had goes to the next one, once", () => {
  const one = new ReadLane();
  read(one, SMALL_READ_BYTES);
  const buffer = one.nextBuffer();
  one.close();
  one.close();
  const second = new ReadLane(), third = new ReadLane();
  read(second, SMALL_READ_BYTES);
  read(third, SMALL_READ_BYTES);
  assert.ok(second.nextBuffer() === buffer);
  assert.ok(third.nextBuffer() !== buffer);
});

test("what is kept of the shared buffer is a copy, however much of it", () => {
  const kept = new ByteQueue();
  const one = new ReadLane();
  one.attach({
    onBytes(bytes) {
      kept.push(bytes);
      return true;
    },
  });
  for (const length of [200, SMALL_READ_BYTES - 200]) {
    one.nextBuffer().fill(length & 0xff);
    one.onRead(length);
  }
  one.nextBuffer().fill(1);
  assert.equal([kept.chunkAt(0)[0], kept.chunkAt(1)[0]], [200, 0x38]);
});

test("what waits to be written is a copy of what was in the shared buffer", () => {
  const written: unknown[] = [];
  const socket = { writableLength: 0, cork() {}, uncork() {}, write: (bytes: unknown) => written.push(bytes) };
  const queue = new WriteQueue(socket as unknown as Socket, { onWriteProgress() {} });
  const lane = new ReadLane();
  lane.attach({
    onBytes(bytes) {
      assert.ok(lender(bytes)!.shared);
      queue.push(bytes);
      return true;
    },
  });
  for (const length of [10, 4096, 4097, 10_000]) {
    lane.nextBuffer().fill(0x61, 0, length);
    lane.onRead(length);
    lane.nextBuffer().fill(0x62);
    queue.flush();
    const bytes = written.pop() as string | Uint8Array;
    assert.is(typeof bytes === "string" ? bytes : latin1Slice(bytes, 0, bytes.length), "a".repeat(length));
  }
});

test("the runtime fills a buffer right before it tells of the read: nobody gets another's bytes", async () => {
  const clients = 50, rounds = 40;
  const wrong: string[] = [];
  let lines = 0;
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const accepted: Socket[] = [];
  const server = createSocketServer((socket) => {
    const lane = new ReadLane();
    const reading = readInto(socket, lane)!;
    accepted.push(reading);
    let client = "", round = 0, rest = "";
    lane.attach({
      onBytes(bytes) {
        const parts = (rest + latin1Slice(bytes, 0, bytes.length)).split("\n");
        rest = parts.pop()!;
        for (const line of parts) {
          client ||= line.split(" ")[0]!;
          if (line !== `${client} ${round++}`) wrong.push(line);
          if (++lines === clients * rounds) resolve();
        }
        // Whoever reads next must not find these.
        bytes.fill(0x21);
        return true;
      },
    });
    reading.resume();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const sockets = Array.from({ length: clients }, () => connect((server.address() as AddressInfo).port, "127.0.0.1"));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  for (let round = 0; round < rounds; round++) {
    sockets.forEach((socket, i) => socket.write(fromLatin1(`${i} ${round}\n`)));
    if (round % 3 === 0) await new Promise((next) => setImmediate(next));
  }
  await done;
  assert.equal(wrong, []);
  for (const socket of [...sockets, ...accepted]) socket.destroy();
  server.close();
  await once(server, "close");
});

test.run();
