// test/host/wasm/shared_store.test.ts: shared data and queues: one thread, several, limits, repair.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { ManualClock } from "../../../host/base/clock.ts";
import { SeededRandom } from "../../../host/base/random.ts";
import { SharedStore } from "../../../host/wasm/mod.ts";
import { createArenaMemory, SharedArena, USER_WORDS } from "../../../host/wasm/shared_arena.ts";
import { HEAD, MAX_QUEUES, MAX_THREADS } from "../../../host/wasm/shared_scopes.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | number | null): string | number | null =>
  value instanceof Uint8Array ? new TextDecoder().decode(value) : value;

function store(options = {}): { store: SharedStore; clock: ManualClock } {
  const clock = new ManualClock();
  const created = SharedStore.create(clock, options);
  created.retain("vm");
  return { store: created, clock };
}

test("values with compare and swap", () => {
  const { store: s } = store();
  assert.is(s.get("vm", bytes("k")), null);
  assert.is(s.set("vm", bytes("k"), bytes("1"), 0), 0);
  assert.is(text(s.get("vm", bytes("k"))), "1");
  const first = s.lastCas;
  assert.is(s.set("vm", bytes("k"), bytes("2"), first), 0);
  assert.is(s.set("vm", bytes("k"), bytes("3"), first), 8);
  assert.is(text(s.get("vm", bytes("k"))), "2");
  assert.ok(s.lastCas > first);
  assert.is(s.set("vm", bytes("new"), bytes("x"), 12345), 0);
  assert.is(s.set("vm", bytes(""), bytes(""), 0), 0);
  assert.equal(s.get("vm", bytes("")), new Uint8Array(0));
});

test("scopes do not see one another, and end with their last user", () => {
  const { store: s } = store();
  s.retain("other");
  s.retain("other");
  s.set("vm", bytes("k"), bytes("1"), 0);
  s.set("other", bytes("k"), bytes("2"), 0);
  const token = s.registerQueue("other", bytes("q"), { onQueueReady: () => {} });
  s.enqueue(token, bytes("m"));
  s.release("other");
  assert.is(text(s.get("other", bytes("k"))), "2");
  s.release("other");
  assert.is(s.get("other", bytes("k")), null);
  assert.is(s.enqueue(token, bytes("m")), 1);
  assert.is(s.resolveQueue("other", bytes("q")), 0);
  s.retain("other");
  assert.is(s.get("other", bytes("k")), null);
  assert.is(text(s.get("vm", bytes("k"))), "1");
});

test("many keys of many sizes, checked against a map", () => {
  const { store: s } = store();
  const random = new SeededRandom(7);
  const expected = new Map<string, number>();
  for (let i = 0; i < 20_000; i++) {
    const key = `key ${random.uint32() % 3000}`;
    const size = random.uint32() % 200;
    assert.is(s.set("vm", bytes(key), new Uint8Array(size).fill(size), 0), 0);
    expected.set(key, size);
  }
  for (const [key, size] of expected) assert.equal(s.get("vm", bytes(key)), new Uint8Array(size).fill(size));
});

test("a scope's limit, and room again after values shrank", () => {
  const { store: s } = store({ maxScopeBytes: 10_000 });
  assert.is(s.set("vm", bytes("a"), new Uint8Array(4000), 0), 0);
  assert.is(s.set("vm", bytes("b"), new Uint8Array(4000), 0), 0);
  assert.is(s.set("vm", bytes("c"), new Uint8Array(4000), 0), 10);
  assert.is(s.get("vm", bytes("c")), null);
  const used = s.scopeBytes("vm");
  assert.is(s.set("vm", bytes("a"), new Uint8Array(0), 0), 0);
  assert.ok(s.scopeBytes("vm") < used - 3900);
  assert.is(s.set("vm", bytes("c"), new Uint8Array(4000), 0), 0);
});

test("the memory's limit", () => {
  const { store: s } = store({ maxBytes: 64 * 1024, maxScopeBytes: 1024 * 1024 });
  let stored = 0;
  while (s.set("vm", bytes(`k${stored}`), new Uint8Array(1000), 0) === 0) stored++;
  assert.ok(stored > 30 && stored < 64, String(stored));
  for (let i = 0; i < stored; i++) assert.is(s.get("vm", bytes(`k${i}`))!.length, 1000);
});

test("a million changes do not make the memory grow", () => {
  const { store: s } = store();
  for (let i = 0; i < 200; i++) s.set("vm", bytes(`k${i}`), new Uint8Array(i), 0);
  const before = s.handle.memory.byteLength;
  const random = new SeededRandom(3);
  for (let i = 0; i < 100_000; i++) s.set("vm", bytes(`k${i % 200}`), new Uint8Array(random.uint32() % 200), 0);
  assert.ok(s.handle.memory.byteLength <= before * 2, `${before} → ${s.handle.memory.byteLength}`);
});

test("queues: order, limit, events only while somebody consumes", () => {
  const { store: s, clock } = store({ maxScopeBytes: 2000 });
  const events: number[] = [];
  const consumer = { onQueueReady: (token: number): void => void events.push(token) };
  const token = s.registerQueue("vm", bytes("q"), consumer);
  assert.is(s.registerQueue("vm", bytes("q"), consumer), token);
  assert.is.not(s.registerQueue("vm", bytes("p"), consumer), token);
  for (const message of ["a", "", "c"]) assert.is(s.enqueue(token, bytes(message)), 0);
  assert.equal(events, []);
  clock.advance(0);
  assert.equal(events, [token, token, token]);
  assert.equal([1, 2, 3, 4].map(() => text(s.dequeue(token))), ["a", "", "c", 7]);
  assert.is(s.enqueue(token, new Uint8Array(3000)), 10);
  s.removeConsumer(consumer);
  s.enqueue(token, bytes("unheard"));
  clock.advance(10);
  assert.is(events.length, 3);
  assert.is(text(s.dequeue(token)), "unheard");
});

test("a consumer that enqueues again is called again, later", () => {
  const { store: s, clock } = store();
  let left = 3;
  const token = s.registerQueue("vm", bytes("q"), {
    onQueueReady: (token) => {
      s.dequeue(token);
      if (left-- > 0) s.enqueue(token, bytes("again"));
    },
  });
  s.enqueue(token, bytes("first"));
  clock.advance(1);
  clock.advance(1);
  clock.advance(1);
  clock.advance(1);
  assert.is(left, -1);
});

test("there may be only so many queues", () => {
  const { store: s } = store();
  const consumer = { onQueueReady: (): void => {} };
  let count = 0;
  while (s.registerQueue("vm", bytes(`q${count}`), consumer) !== 0) count++;
  assert.is(count, 128);
  s.retain("other", { maxSharedBytes: 1e6, maxSharedKeys: 1, maxQueues: 10_000, maxQueuedMessages: 1 });
  while (s.registerQueue("other", bytes(`q${count}`), consumer) !== 0) count++;
  assert.is(count, 1024);
});

test("there may be only so many keys and messages, and room again once some are gone", () => {
  const { store: s } = store();
  s.retain("small", { maxSharedBytes: 1e6, maxSharedKeys: 2, maxQueues: 1, maxQueuedMessages: 2 });
  const set = (key: string): number => s.set("small", bytes(key), bytes("v"), 0);
  assert.equal(["a", "b", "c", "a"].map(set), [0, 0, 10, 0]);
  const token = s.registerQueue("small", bytes("q"), { onQueueReady: () => {} });
  assert.is(s.registerQueue("small", bytes("p"), { onQueueReady: () => {} }), 0);
  assert.equal([1, 2, 3].map(() => s.enqueue(token, bytes("m"))), [0, 0, 10]);
  s.dequeue(token);
  assert.is(s.enqueue(token, bytes("m")), 0);
  // Whoever uses the vm_id last says what it may have.
  s.retain("small", { maxSharedBytes: 1e6, maxSharedKeys: 3, maxQueues: 1, maxQueuedMessages: 2 });
  assert.is(set("c"), 0);
});

test("a lock that an exception left is free at once, and what was half done is repaired", () => {
  const { store: s } = store();
  s.set("vm", bytes("a"), bytes("1"), 0);
  const { memory } = s.handle;
  const other = new SharedStore(s.handle, new ManualClock());
  // Stack overflows in the middle of a change, at every depth that there is.
  const key = bytes("b".repeat(200));
  const overflow = (spare: number): void => {
    let left = spare;
    const descend = (): void => {
      try {
        descend();
      } catch (error) {
        if (left-- > 0) throw error;
        s.set("vm", key, bytes("2"), 0);
      }
    };
    try {
      descend();
    } catch (error) {
      assert.instance(error, RangeError);
    }
  };
  const words = new Int32Array(memory);
  for (let spare = 0; spare < 40; spare++) {
    overflow(spare);
    // Free, or to be repaired; never held by nobody.
    assert.ok(words[0] === 0 || words[0] === 3, String(words[0]));
    assert.equal(s.get("vm", bytes("a")), bytes("1"));
    assert.is(words[0], 0);
  }
  const failing = new Proxy(bytes("key"), {
    get: () => {
      throw new Error("interrupted");
    },
  });
  for (
    const interrupted of [
      () => s.get("vm", failing),
      () => s.set("vm", failing, bytes("x"), 0),
      () => s.registerQueue("vm", failing, { onQueueReady: () => {} }),
    ]
  ) {
    assert.throws(interrupted, "interrupted");
    assert.is(words[0], 3);
    assert.equal(s.get("vm", bytes("a")), bytes("1"));
    assert.is(words[0], 0);
  }
  other.retain("vm");
  assert.equal(other.get("vm", bytes("a")), bytes("1"));
});

test("two stores on one memory, as on two threads", () => {
  const { store: a } = store();
  const clock = new ManualClock();
  const b = new SharedStore(a.handle, clock);
  b.retain("vm");
  a.set("vm", bytes("k"), bytes("1"), 0);
  assert.is(text(b.get("vm", bytes("k"))), "1");
  a.close();
  assert.is(text(b.get("vm", bytes("k"))), "1");
  b.close();
  const c = new SharedStore(a.handle, clock);
  c.retain("vm");
  assert.is(c.get("vm", bytes("k")), null);
});

function worker(): Worker {
  return new Worker(new URL("./shared_store_worker.ts", import.meta.url));
}

test("threads count together", async () => {
  const { store: s } = store();
  s.set("vm", bytes("n"), bytes("0"), 0);
  const workers = [worker(), worker()];
  const ends = workers.map((thread) => once(thread, "message"));
  for (const thread of workers) thread.postMessage({ handle: s.handle, job: "count", times: 3000 });
  await Promise.all(ends);
  assert.is(text(s.get("vm", bytes("n"))), "6000");
  await Promise.all(workers.map((thread) => thread.terminate()));
});

test("a consumer on another thread is told of every message", async () => {
  const { store: s } = store();
  const thread = worker();
  const started = once(thread, "message");
  thread.postMessage({ handle: s.handle, job: "consume", times: 5 });
  const [token] = await started as [number];
  const seen = once(thread, "message");
  for (const message of ["1", "2", "3", "4", "5"]) assert.is(s.enqueue(token, bytes(message)), 0);
  assert.equal((await seen)[0], ["1", "2", "3", "4", "5"]);
  await thread.terminate();
});

test("a lock whose holder died is taken over and the memory repaired", () => {
  const { store: s } = store();
  for (let i = 0; i < 300; i++) s.set("vm", bytes(`k${i}`), new Uint8Array(i), 0);
  const token = s.registerQueue("vm", bytes("q"), { onQueueReady: () => {} });
  s.enqueue(token, bytes("m"));
  const used = s.scopeBytes("vm");
  // A thread takes the lock, allocates, and is gone.
  const arena = new SharedArena(s.handle.memory, () => []);
  arena.lock();
  arena.allocate(1000);
  const top = arena.words[1]!;
  assert.is(s.get("vm", bytes("k299"))!.length, 299);
  assert.ok(arena.words[1]! < top, "the block of the dead thread is free again");
  assert.is(s.scopeBytes("vm"), used);
  for (let i = 0; i < 300; i++) assert.is(s.get("vm", bytes(`k${i}`))!.length, i);
  assert.is(text(s.dequeue(token)), "m");
  for (let i = 0; i < 1000; i++) assert.is(s.set("vm", bytes(`n${i}`), new Uint8Array(i % 100), 0), 0);
  for (let i = 0; i < 300; i++) assert.is(s.get("vm", bytes(`k${i}`))!.length, i);
});

test("the head has room for every thread and queue", () => {
  assert.is(HEAD.directory - HEAD.wake, MAX_THREADS);
  assert.is(HEAD.end - HEAD.directory, MAX_QUEUES);
  assert.ok(HEAD.end <= USER_WORDS);
});

test("blocks never overlap and free neighbours join", () => {
  const arena = new SharedArena(createArenaMemory(1024 * 1024), () => []);
  const random = new SeededRandom(11);
  const blocks: { pointer: number; size: number; mark: number }[] = [];
  for (let i = 0; i < 20_000; i++) {
    if (blocks.length > 100 || (blocks.length > 0 && random.fraction() < 0.45)) {
      const [block] = blocks.splice(random.uint32() % blocks.length, 1);
      const data = arena.bytes.subarray(block!.pointer, block!.pointer + block!.size);
      assert.ok(data.every((byte) => byte === block!.mark));
      arena.free(block!.pointer);
    } else {
      const size = 1 + random.uint32() % 700;
      const pointer = arena.allocate(size);
      assert.is.not(pointer, 0);
      arena.bytes.fill(i & 255, pointer, pointer + size);
      blocks.push({ pointer, size, mark: i & 255 });
    }
  }
  for (const block of blocks) arena.free(block.pointer);
  assert.is(arena.words[1], new SharedArena(createArenaMemory(1024), () => []).words[1], "everything was given back");
});

test.run();
