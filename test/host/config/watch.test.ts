// test/host/config/watch.test.ts: changes are told once, after they came to rest.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../host/base/clock.ts";
import { type FileState, FileWatcher, type WatchPort } from "../../../host/config/watch.ts";

class FakeFiles implements WatchPort {
  readonly files = new Map<string, FileState>();
  readonly watches = new Map<string, { onEvent: () => void; onError: (error: unknown) => void }>();

  watchDirectory(path: string, onEvent: () => void, onError: (error: unknown) => void): { close(): void } {
    assert.not(this.watches.has(path), "watched twice");
    this.watches.set(path, { onEvent, onError });
    return { close: () => this.watches.delete(path) };
  }

  fileState(path: string): FileState | null {
    return this.files.get(path) ?? null;
  }

  write(path: string, sizeBytes: number, modifiedMs: number, inode = 1): void {
    this.files.set(path, { sizeBytes, modifiedMs, inode });
    this.watches.get(path.slice(0, path.lastIndexOf("/")))?.onEvent();
  }
}

function start(pollMs = 0): { files: FakeFiles; clock: ManualClock; watcher: FileWatcher; changes: string[] } {
  const files = new FakeFiles();
  files.write("/d/a.wasm", 10, 1);
  const clock = new ManualClock();
  const watcher = new FileWatcher({ port: files, clock, pollMs });
  const changes: string[] = [];
  watcher.watch("/d/a.wasm", () => changes.push("a"));
  return { files, clock, watcher, changes };
}

test("a file that is still being written is left alone until it rests", () => {
  const { files, clock, changes } = start();
  for (let i = 0; i < 5; i++) {
    files.write("/d/a.wasm", 20 + i, 2 + i);
    clock.advance(60);
  }
  assert.equal(changes, []);
  clock.advance(40);
  assert.equal(changes, ["a"]);
  clock.advance(10_000);
  assert.equal(changes, ["a"]);
});

test("a write that no event told of is seen before the report", () => {
  const { files, clock, changes } = start();
  files.write("/d/a.wasm", 20, 2);
  files.files.set("/d/a.wasm", { sizeBytes: 30, modifiedMs: 3, inode: 1 });
  clock.advance(100);
  assert.equal(changes, []);
  clock.advance(100);
  assert.equal(changes, ["a"]);
});

test("a swapped symlink is a change though size and time are equal", () => {
  const { files, clock, changes } = start();
  files.write("/d/a.wasm", 10, 1, 2);
  clock.advance(100);
  assert.equal(changes, ["a"]);
});

test("events of neighbours, and a content that came back, are no change", () => {
  const { files, clock, changes } = start();
  files.write("/d/other", 1, 1);
  clock.advance(1000);
  files.write("/d/a.wasm", 20, 2);
  files.write("/d/a.wasm", 10, 1);
  clock.advance(1000);
  assert.equal(changes, []);
});

test("a file that goes away and comes back is reported once it is back", () => {
  const { files, clock, changes } = start();
  files.files.delete("/d/a.wasm");
  files.watches.get("/d")!.onEvent();
  clock.advance(1000);
  assert.equal(changes, []);
  files.write("/d/a.wasm", 11, 5);
  clock.advance(100);
  assert.equal(changes, ["a"]);
});

test("a directory is watched once and let go with its last file", () => {
  const { files, watcher } = start();
  const stop = watcher.watch("/d/b.yaml", () => {});
  assert.is(files.watches.size, 1);
  stop();
  stop();
  assert.is(files.watches.size, 1);
  watcher.close();
  assert.is(files.watches.size, 0);
});

test("polling goes on where watching fails", () => {
  const { files, clock, changes } = start(5000);
  files.watches.get("/d")!.onError(new Error("too many watches"));
  assert.is(files.watches.size, 0);
  files.files.set("/d/a.wasm", { sizeBytes: 99, modifiedMs: 9, inode: 1 });
  clock.advance(5100);
  assert.equal(changes, ["a"]);
});

test("a stopped watch tells nothing any more", () => {
  const { files, clock, watcher, changes } = start();
  files.write("/d/a.wasm", 20, 2);
  watcher.close();
  clock.advance(1000);
  assert.equal(changes, []);
});

test.run();
