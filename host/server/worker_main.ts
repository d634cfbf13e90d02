// host/server/worker_main.ts: the entry of a worker thread.
/**
 * Loads no configuration code: what it needs comes in the seed and in snapshots.
 *
 * @module
 */
import { shareConnectionIds } from "../net/connection_ids.ts";
import { handledEvents } from "../net/dispatch.ts";
import { StatsStore } from "../observe/stats.ts";
import { detectPlatform } from "../platform/detect.ts";
import { SharedStore } from "../wasm/mod.ts";
import { IdleMemory } from "./idle_memory.ts";
import { createWorkerEnvironment } from "./worker_environment.ts";
import { Worker } from "./worker.ts";
import type { FromWorker, ToWorker, WorkerSeed } from "./worker_link.ts";
import type { CallArgument, WorkerEvent } from "./worker_protocol.ts";

const HEARTBEAT_MS = 500;

const platform = detectPlatform();
const channel = platform.workerChannel<ToWorker, FromWorker>();
if (channel !== null) {
  const seed = channel.data as WorkerSeed;
  shareConnectionIds(seed.connectionIds);
  const emit = (event: WorkerEvent): void => channel.post({ kind: "event", event });
  const worker = new Worker(createWorkerEnvironment({
    platform,
    index: seed.index,
    concurrency: seed.concurrency,
    stats: StatsStore.attach(seed.stats),
    shared: new SharedStore(seed.shared, platform.clock),
    localAddress: seed.localAddress,
    logLevels: seed.logLevels,
    logSettings: seed.logSettings,
    accessLog: seed.accessLog,
    drainTimeMs: seed.drainTimeMs,
    emit,
  }));

  channel.onMessage((message) => {
    worker.handle(message.name, message.argument as CallArgument<typeof message.name>).then(
      (value) => channel.post({ kind: "result", id: message.id, value }),
      (error: unknown) => channel.post({ kind: "failure", id: message.id, message: errorText(error) }),
    );
  });

  const beats = new Int32Array(seed.heartbeat);
  const beat = platform.clock.createTimer(() => {
    Atomics.add(beats, seed.index, 1);
    beat.enable(HEARTBEAT_MS);
  });
  Atomics.add(beats, seed.index, 1);
  beat.enable(HEARTBEAT_MS);
  new IdleMemory(platform, handledEvents);
  emit({ kind: "ready" });
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
