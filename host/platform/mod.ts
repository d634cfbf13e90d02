// host/platform/mod.ts: what differs between runtimes, as one port.
/**
 * Everything above asks a `Platform` for files, signals, workers and facts of the process, so that only
 * this folder knows which runtime it is on. Sockets are `host/net`'s: `node:net` is the same on both.
 *
 * @module
 */
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";

/** Bytes of a file, or why there are none. */
export type FileRead =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly code: string; readonly message: string };

export interface FolderEntry {
  readonly name: string;
  readonly kind: "file" | "folder" | "other";
}

/** Entries of a folder, or why there are none. */
export type FolderRead =
  | { readonly ok: true; readonly entries: readonly FolderEntry[] }
  | { readonly ok: false; readonly message: string };

/** What identifies one state of a file. */
export interface FileFacts {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** Changes when the name points to another file, as Kubernetes' `..data` link does. */
  readonly inode: number;
  readonly isFile: boolean;
  readonly isFolder: boolean;
  readonly isSocket: boolean;
}

export interface MemoryUsage {
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  readonly externalBytes: number;
}

export interface CpuUsage {
  readonly userMs: number;
  readonly systemMs: number;
}

export interface Disposable {
  close(): void;
}

export type SignalName = "SIGTERM" | "SIGINT" | "SIGHUP" | "SIGUSR1" | "SIGUSR2";

/** The main thread's end of a worker. `In` goes to the worker, `Out` comes from it. */
export interface WorkerHandle<In, Out> {
  /** Structured clone; `transfer` moves buffers and ports instead. */
  post(message: In, transfer?: readonly Transferable[]): void;
  onMessage(callback: (message: Out) => void): void;
  /** An error that the worker did not catch; it ends the worker. */
  onError(callback: (error: Error) => void): void;
  /** The worker is gone, by itself, by an error or by `terminate`. Comes once. */
  onExit(callback: (exitCode: number) => void): void;
  /** Stops the worker where it is, even inside a loop; settles when it is gone. */
  terminate(): Promise<void>;
  /** With false the worker does not keep the process alive. */
  keepAlive(keep: boolean): void;
}

/** A worker's own end. */
export interface WorkerChannel<In, Out> {
  /** What `spawnWorker` gave as `data`. */
  readonly data: unknown;
  post(message: Out, transfer?: readonly Transferable[]): void;
  onMessage(callback: (message: In) => void): void;
}

export interface WorkerOptions {
  /** Shown in debuggers and process lists. */
  readonly name: string;
  /** Plain data that the worker finds in `WorkerChannel.data`. */
  readonly data?: unknown;
  /** Most MiB of JavaScript heap; the runtime's own limit when absent. */
  readonly heapLimitMib?: number;
}

/** Writes that keep their order and never throw; a reader that went away is not an error. */
export interface OutputStream {
  write(text: string | Uint8Array): void;
  readonly isTerminal: boolean;
  readonly columns: number;
}

export interface Platform {
  readonly runtime: "node" | "deno";
  /** For example `26.10.0`. */
  readonly runtimeVersion: string;
  readonly v8Version: string;
  /** `linux`, `darwin`, … */
  readonly os: string;
  readonly arch: string;
  readonly pid: number;
  readonly hostname: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;

  /** Arguments after the script's name. */
  args(): string[];
  env(name: string): string | undefined;
  workingDirectory(): string;

  readFile(path: string): FileRead;
  /** A file that lines are appended to; what cannot be written is dropped. */
  appendFile(path: string): OutputStream;
  /** Writes a whole file; the text says why it could not. */
  writeFile(path: string, text: string): string | null;
  fileFacts(path: string): FileFacts | null;
  /** Of the name itself, where it is a symbolic link. */
  linkFacts(path: string): FileFacts | null;
  /** What is in a folder; links are followed. */
  readFolder(path: string): FolderRead;
  /** The path without links; null when there is nothing there. */
  realPath(path: string): string | null;
  /**
   * Tells of changes in a folder, by name within it (null when the system does not say). Watching the folder,
   * not the file, sees renames and link swaps. Null when the folder cannot be watched.
   */
  watchFolder(path: string, onChange: (name: string | null) => void): Disposable | null;

  onSignal(signal: SignalName, callback: () => void): Disposable;
  /** Errors that nobody caught. While a callback is set they do not end the process: the callback decides. */
  onUncaughtError(callback: (error: unknown, origin: "exception" | "rejection") => void): Disposable;
  exit(code: number): never;
  /** Keeps the process from ending because nothing is open, until the result is closed. */
  holdProcess(): Disposable;
  /** Called last of all, when the process ends by itself or by `exit`. */
  onProcessExit(callback: (code: number) => void): void;
  /** The code with which the process ends once nothing is left to do. */
  setExitCode(code: number): void;

  memoryUsage(): MemoryUsage;
  /** Gives back what this thread's heap does not use. Takes as long as a full collection. */
  collectGarbage(): void;
  cpuUsage(): CpuUsage;
  /** Processors that this process may use. */
  availableParallelism(): number;
  /** True where several workers can listen on one port. */
  readonly supportsReusePort: boolean;
  /** Keeps compiled code between starts; false where the runtime does that by itself or cannot. */
  enableCompileCache(): boolean;

  /**
   * True where `terminate` also stops a worker that never comes back from a loop. Where it is false such a
   * thread goes on, with its sockets, until the process ends.
   */
  readonly stopsBusyWorkers: boolean;
  /** Calls `action` on this thread; false when it took longer than `limitMs` and was broken off, loops included. */
  runWithin(limitMs: number, action: () => void): boolean;
  spawnWorker<In, Out>(entry: URL, options: WorkerOptions): WorkerHandle<In, Out>;
  /** A worker's end of its channel; null on the main thread. */
  workerChannel<In, Out>(): WorkerChannel<In, Out> | null;
}
