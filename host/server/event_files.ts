// host/server/event_files.ts: the files that a worker writes events of clusters to.
/** @module */
import { LogFile, type LogFileOptions } from "../extensions/access_loggers/common/log_file.ts";
import type { EventFile } from "../upstream/health/event_log.ts";
import { SharedLogs } from "./shared_logs.ts";

export class EventFiles {
  readonly #options: Omit<LogFileOptions, "target">;
  readonly #files = new SharedLogs<LogFile>();

  constructor(options: Omit<LogFileOptions, "target">) {
    this.#options = options;
  }

  /** The file at a path, for one who writes to it, and closes it; clusters that name the same one share it. */
  open(path: string): EventFile {
    const use = this.#files.createUse();
    const file = use.get(path, () => new LogFile({ ...this.#options, target: path }));
    return { write: (line) => file.write(line), close: () => use.end() };
  }

  reopen(): void {
    this.#files.reopen();
  }

  /** Closes all, whoever writes to them. */
  close(): void {
    this.#files.close();
  }
}
