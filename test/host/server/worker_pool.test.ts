// test/host/server/worker_pool.test.ts: when workers are replaced, and when they are left alone.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../host/base/clock.ts";
import { LogRegistry } from "../../../host/observe/log.ts";
import { StatsStore } from "../../../host/observe/stats.ts";
import type { Platform, WorkerHandle } from "../../../host/platform/mod.ts";
import type { FromWorker, ToWorker, WorkerSeed } from "../../../host/server/worker_link.ts";
import { WorkerPool } from "../../../host/server/worker_pool.ts";
import { SharedStore } from "../../../host/wasm/mod.ts";

/** A thread that is only its messages. */
class FakeThread implements WorkerHandle<ToWorker, FromWorker> {
  readonly index: number;
  readonly #seed: WorkerSeed;
  #onMessage: (message: FromWorker) => void = () => {};
  #onError: (error: Error) => void = () => {};
  #onExit: (code: number) => void = () => {};
  terminated = false;

  constructor(seed: WorkerSeed) {
    this.index = seed.index;
    this.#seed = seed;
  }

  post(): void {}

  onMessage(callback: (message: FromWorker) => void): void {
    this.#onMessage = callback;
  }

  onError(callback: (error: Error) => void): void {
    this.#onError = callback;
  }

  onExit(callback: (code: number) => void): void {
    this.#onExit = callback;
  }

  terminate(): Promise<void> {
    this.terminated = true;
    this.#onExit(1);
    return Promise.resolve();
  }

  keepAlive(): void {}

  ready(): void {
    this.#onMessage({ kind: "event", event: { kind: "ready" } });
  }

  beat(): void {
    Atomics.add(new Int32Array(this.#seed.heartbeat), this.index, 1);
  }

  die(reason: string): void {
    this.#onError(Object.assign(new Error(reason), { stack: reason }));
    this.#onExit(1);
  }
}

interface Setup {
  readonly pool: WorkerPool;
  readonly clock: ManualClock;
  readonly threads: FakeThread[];
  readonly gone: number[];
  readonly stuck: number[];
  log(): string;
}

function setUp(
  stopsBusyWorkers = true,
  clock: ManualClock = new ManualClock(),
  options: { readonly stallLimitMs?: number } = {},
): Setup {
  const threads: FakeThread[] = [];
  let log = "";
  const logs = new LogRegistry({ clock, format: "json", destination: { write: (line) => log += line } });
  const stats = StatsStore.create(3);
  const shared = SharedStore.create(clock);
  const gone: number[] = [];
  const stuck: number[] = [];
  const platform = {
    clock,
    stopsBusyWorkers,
    spawnWorker(_entry: URL, options: { data: WorkerSeed }) {
      const thread = new FakeThread(options.data);
      threads.push(thread);
      return thread;
    },
  } as unknown as Platform;
  const pool = new WorkerPool({
    platform,
    logger: logs.logger("main"),
    concurrency: 2,
    ...options,
    seed: (index, heartbeat) => ({
      index,
      concurrency: 2,
      stats: stats.handle(index + 1),
      shared: shared.handle,
      localAddress: "127.0.0.1",
      logLevels: {},
      logSettings: { format: "json", color: false, path: null },
      accessLog: { flushIntervalMs: 0, flushBytes: 0 },
      drainTimeMs: 0,
      connectionIds: new SharedArrayBuffer(4),
      heartbeat,
    }),
    onEvent: () => {},
    prepare: () => Promise.resolve(),
    onWorkerGone: (index) => gone.push(index),
    onWorkerStuck: (index) => stuck.push(index),
  });
  return { pool, clock, threads, gone, stuck, log: () => log };
}

async function started(setup: Setup): Promise<Setup> {
  const start = setup.pool.start();
  for (const thread of setup.threads) thread.ready();
  assert.equal(await start, []);
  return setup;
}

/** Time passes; the threads named beat twice a second. */
function pass(setup: Setup, seconds: number, alive: readonly FakeThread[]): void {
  for (let i = 0; i < seconds * 2; i++) {
    for (const thread of alive) thread.beat();
    setup.clock.advance(500);
  }
}

test("the start waits for all workers", async () => {
  const setup = setUp();
  let done = false;
  const start = setup.pool.start().then(() => done = true);
  setup.threads[0]!.ready();
  await Promise.resolve();
  assert.not.ok(done);
  setup.threads[1]!.ready();
  await start;
  assert.ok(done);
});

test("a worker that ends before it is ready is a failed start", async () => {
  const setup = setUp();
  const start = setup.pool.start();
  setup.threads[0]!.ready();
  setup.threads[1]!.die("no memory");
  assert.equal(await start, ["worker 1 does not start: no memory"]);
  assert.is(setup.threads.length, 2, "nothing is tried again");
});

test("a worker that dies is replaced at once and said", async () => {
  const setup = await started(setUp());
  pass(setup, 20, setup.threads);
  setup.threads[1]!.die("bug");
  assert.is(setup.threads.length, 3);
  assert.is(setup.threads[2]!.index, 1);
  assert.equal(setup.gone, [1]);
  assert.match(setup.log(), '"worker":1,"reason":"bug","msg":"a worker ended and is replaced');
});

test("a worker that dies again and again is replaced ever more slowly", async () => {
  const setup = await started(setUp());
  const delays: number[] = [];
  for (let death = 0; death < 8; death++) {
    const before = setup.threads.length;
    setup.threads.findLast((thread) => thread.index === 1)!.die("bug");
    let waitedMs = 0;
    while (setup.threads.length === before) {
      setup.threads[0]!.beat();
      setup.clock.advance(100);
      waitedMs += 100;
    }
    delays.push(waitedMs);
  }
  assert.equal(delays, [0, 400, 800, 1600, 3200, 6400, 12_800, 25_600]);
  // Once it has lived for a while it is trusted again.
  pass(setup, 20, [setup.threads[0]!, setup.threads.at(-1)!]);
  const before = setup.threads.length;
  setup.threads.at(-1)!.die("bug");
  assert.is(setup.threads.length, before + 1);
});

test("a worker that does not beat is stopped and replaced; one that does is left alone", async () => {
  const setup = await started(setUp());
  const [first, second] = setup.threads as [FakeThread, FakeThread];
  pass(setup, 9, [first]);
  assert.not.ok(second.terminated);
  pass(setup, 3, [first]);
  assert.ok(second.terminated);
  assert.not.ok(first.terminated);
  assert.is(setup.threads.length, 3);
  assert.match(setup.log(), "a worker does not answer and is stopped");
  assert.equal(setup.stuck, []);
});

test("a worker that starts has its time, however short the limit is for one that serves", async () => {
  const setup = setUp(true, new ManualClock(), { stallLimitMs: 1000 });
  const { pool, threads } = setup;
  const started = pool.start();
  pass(setup, 5, []);
  assert.equal(threads.map((thread) => thread.terminated), [false, false]);
  for (const thread of threads) thread.ready();
  assert.equal(await started, []);
  pass(setup, 3, []);
  assert.equal(threads.slice(0, 2).map((thread) => thread.terminated), [true, true]);
});

test("where a thread cannot be stopped it is not replaced: the process has to end", async () => {
  const setup = await started(setUp(false));
  pass(setup, 12, [setup.threads[0]!]);
  assert.equal(setup.stuck, [1]);
  assert.equal(setup.gone, [1]);
  assert.is(setup.threads.length, 2);
  pass(setup, 30, [setup.threads[0]!]);
  assert.equal(setup.stuck, [1], "said once");
});

/** A clock whose time can jump without its timers being run in between, as after SIGSTOP. */
class JumpingClock extends ManualClock {
  jumpedMs = 0;

  override nowMs(): number {
    return super.nowMs() + this.jumpedMs;
  }
}

test("after the whole process stood still nobody is blamed", async () => {
  const clock = new JumpingClock();
  const setup = await started(setUp(true, clock));
  pass(setup, 2, setup.threads);
  clock.jumpedMs = 60_000;
  setup.clock.advance(1000);
  assert.not.ok(setup.threads.some((thread) => thread.terminated));
  pass(setup, 12, [setup.threads[0]!]);
  assert.ok(setup.threads[1]!.terminated, "who stays silent afterwards is");
});

test("close ends all threads, and none is replaced", async () => {
  const setup = await started(setUp());
  await setup.pool.close();
  assert.ok(setup.threads.every((thread) => thread.terminated));
  assert.is(setup.threads.length, 2);
});

test.run();
