// test/host/server/wasm_code/valid_components.test.ts: which components were valid, in memory and on disk.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../../host/base/clock.ts";
import { SeededRandom } from "../../../../host/base/random.ts";
import { LogRegistry } from "../../../../host/observe/log.ts";
import { ValidComponents } from "../../../../host/server/wasm_code/mod.ts";
import type { FileRead } from "../../../../host/platform/mod.ts";

const test = suite<{ folder: string }>("valid components");
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), "nuncio-valid-"));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

const FILE = "valid-components";
const digest = (index: number): string => index.toString(16).padStart(64, "0");

function readFile(path: string): FileRead {
  try {
    return { ok: true, bytes: readFileSync(path) };
  } catch (error) {
    return { ok: false, code: "ENOENT", message: (error as Error).message };
  }
}

function open(folder: string | null, judge = "judge 1") {
  const world = { log: "", valid: null as unknown as ValidComponents };
  const destination = { write: (line: string) => void (world.log += line) };
  const logger = new LogRegistry({ clock: new ManualClock(), format: "json", destination }).logger("wasm");
  world.valid = new ValidComponents({ folder, judge, platform: { random: new SeededRandom(1), readFile }, logger });
  return world;
}

test("what was valid is known, also to another process, and to nobody who has another judge", async ({ folder }) => {
  const path = join(folder, "new/wasm");
  const { valid } = open(path);
  assert.equal(valid.digests, []);
  await Promise.all([valid.add(digest(1)), valid.add(digest(2)), valid.add(digest(1))]);
  assert.equal(valid.digests, [digest(2), digest(1)]);
  assert.equal(open(path).valid.digests.toSorted(), [digest(1), digest(2)]);
  assert.equal(open(path, "judge 2").valid.digests, []);
  assert.equal(readdirSync(path), [FILE]);
  assert.is(statSync(path).mode & 0o777, 0o700);
  assert.is(statSync(join(path, FILE)).mode & 0o777, 0o600);
});

test("those used last are kept", async ({ folder }) => {
  const { valid } = open(folder);
  for (let i = 0; i < 256; i++) void valid.add(digest(i));
  void valid.add(digest(0));
  await valid.add(digest(256));
  assert.is(valid.digests.length, 256);
  assert.not.ok(valid.digests.includes(digest(1)));
  assert.ok(valid.digests.includes(digest(0)));
  assert.equal(open(folder).valid.digests, valid.digests);
});

test("a file of anything else says nothing", ({ folder }) => {
  writeFileSync(
    join(folder, FILE),
    `judge 1\n${digest(1)}\n../../etc\n${digest(2).toUpperCase()}x\n${"f".repeat(63)}\n`,
  );
  assert.equal(open(folder).valid.digests, [digest(1)]);
  writeFileSync(join(folder, FILE), new Uint8Array(100).fill(0xff));
  assert.equal(open(folder).valid.digests, []);
});

test("without a folder, and with one that cannot be written to, it is known to this process", async ({ folder }) => {
  const memory = open(null);
  await memory.valid.add(digest(1));
  assert.equal(memory.valid.digests, [digest(1)]);
  writeFileSync(join(folder, "file"), "");
  const world = open(join(folder, "file"));
  await world.valid.add(digest(1));
  await world.valid.add(digest(2));
  assert.equal(world.valid.digests, [digest(1), digest(2)]);
  assert.is(world.log.split("cannot be kept").length, 2);
});

test.run();
