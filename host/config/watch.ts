// host/config/watch.ts: tells when a file's content has changed and has come to rest.
/**
 * The directory is watched and not the file: editors replace files, and a Kubernetes ConfigMap swaps the
 * symlink `..data` beside it, so the file's own events are never seen. Every event looks at size and
 * modification time again; the callback comes when both have stayed the same for a while and differ from
 * what was reported last. Nothing here knows a runtime: watching, looking and time are passed in.
 *
 * @see Envoy: source/common/filesystem/inotify/watcher_impl.cc
 * @module
 */
import type { Clock, Timer } from "../base/clock.ts";

/** What a file is now; a symlink is followed. */
export interface FileState {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** Tells files apart that replaced each other within the clock's resolution. */
  readonly inode: number;
}

export interface WatchPort {
  /** Calls back on any change in a directory; the handle stops it. A failing watch calls `onError` once. */
  watchDirectory(path: string, onEvent: () => void, onError: (error: unknown) => void): { close(): void };
  /** Null when there is no such file, now. */
  fileState(path: string): FileState | null;
}

export interface WatchOptions {
  readonly port: WatchPort;
  readonly clock: Clock;
  /** How long a file must stay as it is before it is reported. */
  readonly settleMs?: number;
  /** Without events, files are looked at this often; 0 for never. */
  readonly pollMs?: number;
  /** A directory cannot be watched any more; polling goes on. */
  readonly onError?: (path: string, error: unknown) => void;
}

const SETTLE_MS = 100;
const POLL_MS = 5000;

/** Watches files; every directory once, however many files of it are watched. */
export class FileWatcher {
  readonly #port: WatchPort;
  readonly #clock: Clock;
  readonly #settleMs: number;
  readonly #onError: (path: string, error: unknown) => void;
  readonly #directories = new Map<string, WatchedDirectory>();
  readonly #pollMs: number;
  readonly #pollTimer: Timer;

  constructor(options: WatchOptions) {
    this.#port = options.port;
    this.#clock = options.clock;
    this.#settleMs = options.settleMs ?? SETTLE_MS;
    this.#pollMs = options.pollMs ?? POLL_MS;
    this.#onError = options.onError ?? (() => {});
    this.#pollTimer = options.clock.createTimer(() => this.#poll());
  }

  /** Calls back after every change of the file's content; the function returned stops that. */
  watch(path: string, onChange: () => void): () => void {
    const folder = folderOf(path);
    let directory = this.#directories.get(folder);
    if (directory === undefined) {
      directory = new WatchedDirectory(folder, this.#port, (error) => this.#onError(folder, error));
      this.#directories.set(folder, directory);
      if (this.#pollMs > 0 && !this.#pollTimer.enabled) this.#pollTimer.enable(this.#pollMs);
    }
    const watched = directory;
    const file = new WatchedFile(path, this.#port, this.#clock, this.#settleMs, onChange);
    watched.files.add(file);
    return () => {
      file.stop();
      if (!watched.files.delete(file) || watched.files.size !== 0) return;
      watched.close();
      this.#directories.delete(folder);
      if (this.#directories.size === 0) this.#pollTimer.disable();
    };
  }

  close(): void {
    this.#pollTimer.disable();
    for (const directory of this.#directories.values()) {
      for (const file of directory.files) file.stop();
      directory.close();
    }
    this.#directories.clear();
  }

  #poll(): void {
    for (const directory of this.#directories.values()) directory.look();
    if (this.#directories.size !== 0) this.#pollTimer.enable(this.#pollMs);
  }
}

class WatchedDirectory {
  readonly files = new Set<WatchedFile>();
  #handle: { close(): void } | null;

  constructor(path: string, port: WatchPort, onError: (error: unknown) => void) {
    this.#handle = port.watchDirectory(path, () => this.look(), (error) => {
      this.close();
      onError(error);
    });
  }

  look(): void {
    for (const file of this.files) file.look();
  }

  close(): void {
    this.#handle?.close();
    this.#handle = null;
  }
}

class WatchedFile {
  readonly #path: string;
  readonly #port: WatchPort;
  readonly #settleMs: number;
  readonly #onChange: () => void;
  readonly #timer: Timer;
  /** What was reported last, and what was seen last. */
  #reported: FileState | null;
  #seen: FileState | null;

  constructor(path: string, port: WatchPort, clock: Clock, settleMs: number, onChange: () => void) {
    this.#path = path;
    this.#port = port;
    this.#settleMs = settleMs;
    this.#onChange = onChange;
    this.#timer = clock.createTimer(() => this.#settle());
    this.#reported = port.fileState(path);
    this.#seen = this.#reported;
  }

  /** Something may have changed. */
  look(): void {
    const state = this.#port.fileState(this.#path);
    if (isSame(state, this.#seen)) return;
    this.#seen = state;
    this.#timer.enable(this.#settleMs);
  }

  stop(): void {
    this.#timer.disable();
  }

  #settle(): void {
    const state = this.#port.fileState(this.#path);
    if (!isSame(state, this.#seen)) {
      this.#seen = state;
      this.#timer.enable(this.#settleMs);
      return;
    }
    // A file that is gone may be about to be replaced; its end is no new content.
    if (state === null || isSame(state, this.#reported)) return;
    this.#reported = state;
    this.#onChange();
  }
}

function isSame(a: FileState | null, b: FileState | null): boolean {
  if (a === null || b === null) return a === b;
  return a.sizeBytes === b.sizeBytes && a.modifiedMs === b.modifiedMs && a.inode === b.inode;
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash === -1 ? "." : slash === 0 ? "/" : path.slice(0, slash);
}
