// host/platform/node.ts: the platform port on Node.
/**
 * @module
 */
import {
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  type Stats,
  statSync,
  watch,
  writeFileSync,
  writeSync,
} from "node:fs";
import * as nodeModule from "node:module";
import { availableParallelism, hostname } from "node:os";
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext, runInThisContext } from "node:vm";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import type {
  CpuUsage,
  Disposable,
  FileFacts,
  FileRead,
  FolderEntry,
  FolderRead,
  MemoryUsage,
  OutputStream,
  Platform,
  SignalName,
  WorkerChannel,
  WorkerHandle,
  WorkerOptions,
} from "./mod.ts";
import { systemClock } from "./system_clock.ts";
import { systemRandom } from "./system_random.ts";

/** Where SO_REUSEPORT spreads connections over listeners. */
const REUSE_PORT_SYSTEMS: readonly string[] = ["linux", "freebsd", "dragonfly", "sunos", "aix"];

class ProcessOutput implements OutputStream {
  readonly #stream: NodeJS.WriteStream;
  #open = true;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    // EPIPE: whoever read the output is gone. A proxy goes on serving.
    stream.on("error", () => {
      this.#open = false;
    });
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  get columns(): number {
    return this.#stream.columns ?? 80;
  }

  write(text: string | Uint8Array): void {
    if (this.#open) this.#stream.write(text);
  }
}

/** Lines appended to a file, each write at once. */
class FileOutput implements OutputStream {
  readonly #path: string;
  #file: number | null = null;
  readonly isTerminal = false;
  readonly columns = 80;

  constructor(path: string) {
    this.#path = path;
  }

  write(text: string | Uint8Array): void {
    try {
      this.#file ??= openSync(this.#path, "a");
      if (typeof text === "string") writeSync(this.#file, text);
      else writeSync(this.#file, text);
    } catch {
      // A full disk or a missing folder must not stop a proxy; the next line tries again.
      this.#file = null;
    }
  }
}

class ThreadHandle<In, Out> implements WorkerHandle<In, Out> {
  readonly #worker: Worker;

  constructor(worker: Worker) {
    this.#worker = worker;
    // Without a listener an error of the worker would be one of this thread; `exit` follows it.
    worker.on("error", () => {});
  }

  post(message: In, transfer?: readonly Transferable[]): void {
    this.#worker.postMessage(message, transfer as Parameters<Worker["postMessage"]>[1]);
  }

  onMessage(callback: (message: Out) => void): void {
    this.#worker.on("message", callback);
  }

  onError(callback: (error: Error) => void): void {
    this.#worker.on("error", (error: unknown) => callback(error instanceof Error ? error : new Error(String(error))));
  }

  onExit(callback: (exitCode: number) => void): void {
    this.#worker.once("exit", callback);
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  keepAlive(keep: boolean): void {
    if (keep) this.#worker.ref();
    else this.#worker.unref();
  }
}

function factsOf(look: () => Stats): FileFacts | null {
  try {
    const facts = look();
    return {
      sizeBytes: facts.size,
      modifiedMs: facts.mtimeMs,
      inode: facts.ino,
      isFile: facts.isFile(),
      isFolder: facts.isDirectory(),
      isSocket: facts.isSocket(),
    };
  } catch {
    return null;
  }
}

/** The platform made of `node:` modules; `deno.ts` changes what differs there. */
export class NodePlatform implements Platform {
  readonly runtime: "node" | "deno" = "node";
  readonly os: string = process.platform;
  readonly arch: string = process.arch;
  readonly pid: number = process.pid;
  readonly clock: Platform["clock"] = systemClock;
  #collect: (() => void) | null = null;
  readonly random: Platform["random"] = systemRandom;
  readonly stopsBusyWorkers: boolean = true;
  readonly supportsReusePort: boolean = REUSE_PORT_SYSTEMS.includes(process.platform);
  #stdout: OutputStream | null = null;
  #stderr: OutputStream | null = null;

  get runtimeVersion(): string {
    return process.versions.node;
  }

  get v8Version(): string {
    return process.versions.v8;
  }

  get hostname(): string {
    return hostname();
  }

  get stdout(): OutputStream {
    return this.#stdout ??= new ProcessOutput(process.stdout);
  }

  get stderr(): OutputStream {
    return this.#stderr ??= new ProcessOutput(process.stderr);
  }

  args(): string[] {
    return process.argv.slice(2);
  }

  env(name: string): string | undefined {
    return process.env[name];
  }

  workingDirectory(): string {
    return process.cwd();
  }

  appendFile(path: string): OutputStream {
    return new FileOutput(path);
  }

  writeFile(path: string, text: string): string | null {
    try {
      writeFileSync(path, text);
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  readFile(path: string): FileRead {
    try {
      return { ok: true, bytes: readFileSync(path) };
    } catch (error) {
      return { ok: false, code: (error as NodeJS.ErrnoException).code ?? "EIO", message: (error as Error).message };
    }
  }

  fileFacts(path: string): FileFacts | null {
    return factsOf(() => statSync(path));
  }

  linkFacts(path: string): FileFacts | null {
    return factsOf(() => lstatSync(path));
  }

  readFolder(path: string): FolderRead {
    try {
      const entries = readdirSync(path).map((name): FolderEntry => {
        const facts = this.fileFacts(`${path}/${name}`);
        return { name, kind: facts?.isFolder ? "folder" : facts?.isFile ? "file" : "other" };
      });
      return { ok: true, entries };
    } catch (error) {
      return { ok: false, message: (error as Error).message };
    }
  }

  realPath(path: string): string | null {
    try {
      return realpathSync(path);
    } catch {
      return null;
    }
  }

  watchFolder(path: string, onChange: (name: string | null) => void): Disposable | null {
    // Deno would watch nothing without a word.
    if (this.fileFacts(path) === null) return null;
    try {
      const watcher = watch(path, { persistent: false }, (_event, name) => onChange(name));
      watcher.on("error", () => watcher.close());
      return { close: () => watcher.close() };
    } catch {
      return null;
    }
  }

  onSignal(signal: SignalName, callback: () => void): Disposable {
    process.on(signal, callback);
    return { close: () => void process.off(signal, callback) };
  }

  onUncaughtError(callback: (error: unknown, origin: "exception" | "rejection") => void): Disposable {
    const onException = (error: unknown): void => callback(error, "exception");
    const onRejection = (error: unknown): void => callback(error, "rejection");
    process.on("uncaughtException", onException);
    process.on("unhandledRejection", onRejection);
    return {
      close() {
        process.off("uncaughtException", onException);
        process.off("unhandledRejection", onRejection);
      },
    };
  }

  holdProcess(): Disposable {
    const timer = setInterval(() => {}, 0x3fff_ffff);
    return { close: () => clearInterval(timer) };
  }

  onProcessExit(callback: (code: number) => void): void {
    process.once("exit", callback);
  }

  exit(code: number): never {
    return process.exit(code);
  }

  setExitCode(code: number): void {
    process.exitCode = code;
  }

  memoryUsage(): MemoryUsage {
    const usage = process.memoryUsage();
    return {
      rssBytes: usage.rss,
      heapUsedBytes: usage.heapUsed,
      heapTotalBytes: usage.heapTotal,
      externalBytes: usage.external,
    };
  }

  collectGarbage(): void {
    // The function is there for contexts that are made while the flag is set.
    if (this.#collect === null) {
      setFlagsFromString("--expose-gc");
      this.#collect = runInNewContext("gc") as () => void;
      setFlagsFromString("--no-expose-gc");
    }
    this.#collect();
  }

  cpuUsage(): CpuUsage {
    const usage = process.cpuUsage();
    return { userMs: usage.user / 1000, systemMs: usage.system / 1000 };
  }

  availableParallelism(): number {
    return availableParallelism();
  }

  enableCompileCache(): boolean {
    return nodeModule.enableCompileCache().directory !== undefined;
  }

  runWithin(limitMs: number, action: () => void): boolean {
    // Only a script has a time limit; it finds the action under a name that nothing else can have.
    const key = Symbol.for("nuncio.runWithin");
    const holder = globalThis as { [key]?: () => void };
    holder[key] = action;
    try {
      runInThisContext('globalThis[Symbol.for("nuncio.runWithin")]()', { timeout: Math.max(1, Math.ceil(limitMs)) });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") return false;
      throw error;
    } finally {
      delete holder[key];
    }
  }

  spawnWorker<In, Out>(entry: URL, options: WorkerOptions): WorkerHandle<In, Out> {
    const limits = options.heapLimitMib === undefined ? undefined : { maxOldGenerationSizeMb: options.heapLimitMib };
    return new ThreadHandle<In, Out>(
      new Worker(entry, { name: options.name, workerData: options.data, ...(limits && { resourceLimits: limits }) }),
    );
  }

  workerChannel<In, Out>(): WorkerChannel<In, Out> | null {
    const port = parentPort;
    if (isMainThread || port === null) return null;
    return {
      data: workerData as unknown,
      post: (message: Out, transfer?: readonly Transferable[]) =>
        port.postMessage(message, transfer as Parameters<typeof port.postMessage>[1]),
      onMessage: (callback: (message: In) => void) => void port.on("message", callback),
    };
  }
}
