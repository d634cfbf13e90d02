// test/host/server/event_files.test.ts: how long the files of events stay open.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../host/base/clock.ts";
import { SeededRandom } from "../../../host/base/random.ts";
import { Runtime } from "../../../host/base/runtime.ts";
import { StatsStore } from "../../../host/observe/stats.ts";
import { EventFiles } from "../../../host/server/event_files.ts";
import { SharedCounts } from "../../../host/server/shared_counts.ts";
import type { NodeIdentity, Snapshot } from "../../../host/server/snapshot.ts";
import { WorkerClusters } from "../../../host/server/worker_clusters.ts";
import type { WorkerEnvironment } from "../../../host/server/worker_environment.ts";

const folder = mkdtempSync(join(tmpdir(), "nuncio-events-"));
test.after(() => rmSync(folder, { recursive: true }));

const logger = { error() {} } as never;
const accessLog = { flushIntervalMs: 1000, flushBytes: 1000 };

/** Whether logs that are reopened make a file anew that somebody took away. */
function isOpen(path: string, logs: { reopen(): void }): boolean {
  rmSync(path, { force: true });
  logs.reopen();
  return existsSync(path);
}

test("a file is shared, and closed when nobody writes to it any more", () => {
  const files = new EventFiles({ clock: new ManualClock(), stats: StatsStore.create(), logger, ...accessLog });
  const path = join(folder, "health");
  const one = files.open(path), other = files.open(path);
  one.write("one\n");
  one.close();
  assert.is(readFileSync(path, "utf8"), "");
  other.write("other\n");
  other.close();
  assert.is(readFileSync(path, "utf8"), "one\nother\n");
  assert.not(isOpen(path, files));
  files.open(path);
  files.close();
  assert.not(isOpen(path, files));
});

test("the file of ejections stays open while generations name it", async () => {
  const environment: Partial<WorkerEnvironment> = {
    index: 0,
    concurrency: 1,
    clock: new ManualClock(),
    random: new SeededRandom(1),
    stats: StatsStore.create(),
    accessLog,
    logger: () => logger,
  };
  const clusters = new WorkerClusters(
    environment as WorkerEnvironment,
    {} as never,
    new Runtime(),
    new SharedCounts(environment.stats!, 1),
  );
  const path = join(folder, "ejections");
  const logs = { reopen: () => clusters.reopenLogs() };
  const update = (outlierEventLog: string | null) => {
    const node = { region: "", zone: "", subZone: "" } as NodeIdentity;
    const snapshot: Partial<Snapshot> = { clusters: [], node, localClusterName: "", outlierEventLog };
    return clusters.update(snapshot as Snapshot, {} as never, null);
  };
  await update(path);
  assert.ok(isOpen(path, logs));
  await update(path);
  assert.ok(isOpen(path, logs));
  await update(null);
  assert.not(isOpen(path, logs));
  clusters.close();
});

test.run();
