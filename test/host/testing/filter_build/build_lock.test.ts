// test/host/testing/filter_build/build_lock.test.ts: builders wait for one another, and not for the dead.
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { withBuildLock } from "../../../../host/testing/filter_build/build_lock.ts";

const LOCK_MODULE = new URL("../../../../host/testing/filter_build/build_lock.ts", import.meta.url).href;

test("work for one path runs one after the other, for others at once", async () => {
  const path = `a-${crypto.randomUUID()}`;
  const events: string[] = [];
  let finishFirst = () => {};
  const first = withBuildLock(path, () =>
    new Promise<void>((resolve) => {
      events.push("first begins");
      finishFirst = () => {
        events.push("first ends");
        resolve();
      };
    }));
  while (events.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const second = withBuildLock(path, () => {
    events.push("second");
    return Promise.resolve("result");
  });
  await withBuildLock(`${path}-other`, () => Promise.resolve(events.push("other")));
  finishFirst();
  assert.is(await second, "result");
  await first;
  assert.equal(events, ["first begins", "other", "first ends", "second"]);
});

test("work that fails lets go", async () => {
  const path = `b-${crypto.randomUUID()}`;
  const failure = await withBuildLock(path, () => Promise.reject(new Error("no"))).catch((error: Error) =>
    error.message
  );
  assert.is(failure, "no");
  assert.is(await withBuildLock(path, () => Promise.resolve(1)), 1);
});

test("the lock of a process that is killed is free at once", async () => {
  const path = `/c-${crypto.randomUUID()}`;
  const code = `import { withBuildLock } from ${JSON.stringify(LOCK_MODULE)};
await withBuildLock(${
    JSON.stringify(path)
  }, () => { console.log("held"); return new Promise((r) => setTimeout(r, 60000)); });`;
  const flags = "Deno" in globalThis ? ["eval", "--quiet", code] : ["--input-type=module", "-e", code];
  const child = spawn(process.execPath, flags, {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  let isFree = false;
  const waiting = withBuildLock(path, () => Promise.resolve(isFree = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.not(isFree);
  child.kill("SIGKILL");
  await waiting;
  assert.ok(isFree);
});

test.run();
