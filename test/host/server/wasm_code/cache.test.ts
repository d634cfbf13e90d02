// test/host/server/wasm_code/cache.test.ts: what is kept on disk, and for how long.
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../../host/base/clock.ts";
import { SeededRandom } from "../../../../host/base/random.ts";
import { LogRegistry } from "../../../../host/observe/log.ts";
import { CodeCache, defaultCacheFolder } from "../../../../host/server/wasm_code/cache.ts";
import { sha256, utf8 } from "./support.ts";

const test = suite<{ folder: string }>("cache");
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), "nuncio-cache-"));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

function open(folder: string | null, limitBytes = 1000) {
  const clock = new ManualClock();
  const world = { clock, log: "", cache: null as unknown as CodeCache };
  const logs = new LogRegistry({ clock, format: "json", destination: { write: (line) => void (world.log += line) } });
  world.cache = new CodeCache({ folder, clock, random: new SeededRandom(1), logger: logs.logger("wasm"), limitBytes });
  return world;
}

const digestOf = (text: string) => `sha256:${sha256(text)}`;

test("what was put is there, also for another process", async ({ folder }) => {
  const path = join(folder, "new/wasm");
  await open(path).cache.put(digestOf("one"), utf8("one"));
  const { cache } = open(path);
  assert.equal([...(await cache.get(digestOf("one")))!], [...utf8("one")]);
  assert.is(await cache.get(digestOf("two")), null);
  assert.equal(readdirSync(path), [`sha256-${sha256("one")}`]);
  assert.is(statSync(path).mode & 0o777, 0o700);
  assert.is(statSync(join(path, `sha256-${sha256("one")}`)).mode & 0o777, 0o600);
});

test("a file that is not what its name says is none", async ({ folder }) => {
  const world = open(folder);
  await world.cache.put(digestOf("one"), utf8("one"));
  const path = join(folder, `sha256-${sha256("one")}`);
  writeFileSync(path, "changed");
  assert.is(await world.cache.get(digestOf("one")), null);
  assert.match(world.log, "is not what its name says");
  assert.not.ok(existsSync(path));
});

test("the files not used for longest go first; strangers stay", async ({ folder }) => {
  const { cache, clock } = open(folder, 10);
  const path = (text: string) => join(folder, `sha256-${sha256(text)}`);
  writeFileSync(join(folder, "README"), "not ours, and large");
  for (const [index, text] of ["aaaa", "bbbb"].entries()) {
    await cache.put(digestOf(text), utf8(text));
    const used = new Date(clock.wallMs() - 10_000 + index);
    utimesSync(path(text), used, used);
  }
  await cache.get(digestOf("aaaa"));
  await cache.put(digestOf("cccc"), utf8("cccc"));
  assert.equal(["aaaa", "bbbb", "cccc"].map((text) => existsSync(path(text))), [true, false, true]);
  // One that is too large by itself is kept, alone.
  await cache.put(digestOf("x".repeat(50)), utf8("x".repeat(50)));
  assert.equal(readdirSync(folder).sort(), ["README", `sha256-${sha256("x".repeat(50))}`]);
});

test("what a process left unfinished goes after an hour", async ({ folder }) => {
  const { cache, clock } = open(folder);
  for (const [name, ageMs] of [["old", 3_700_000], ["young", 60_000]] as const) {
    const path = join(folder, `sha256-${name}.part`);
    writeFileSync(path, "half");
    const used = new Date(clock.wallMs() - ageMs);
    utimesSync(path, used, used);
  }
  await cache.put(digestOf("one"), utf8("one"));
  assert.equal(readdirSync(folder).sort(), [`sha256-${sha256("one")}`, "sha256-young.part"].sort());
});

test("a folder that cannot be is said once, and no error", async ({ folder }) => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  const world = open(join(file, "cache"));
  await world.cache.put(digestOf("one"), utf8("one"));
  await world.cache.put(digestOf("one"), utf8("one"));
  assert.is(await world.cache.get(digestOf("one")), null);
  assert.is(world.log.split("cannot be kept").length, 2);
});

test("without a folder nothing is kept", async () => {
  const { cache, log } = open(null);
  await cache.put(digestOf("one"), utf8("one"));
  assert.is(await cache.get(digestOf("one")), null);
  assert.is(log, "");
});

test("where it is", () => {
  const folder = (env: Readonly<Record<string, string>>) => defaultCacheFolder((name) => env[name]);
  assert.is(folder({ XDG_CACHE_HOME: "/c", HOME: "/h" }), "/c/nuncio/wasm");
  assert.is(folder({ XDG_CACHE_HOME: "relative", HOME: "/h" }), "/h/.cache/nuncio/wasm");
  assert.is(folder({ HOME: "/h" }), "/h/.cache/nuncio/wasm");
  assert.is(folder({}), null);
});

test.run();
