// host/server/event_files.ts: the files that a worker writes events of clusters to.
/** @module */
import { LogFile, type LogFileOptions } from "../extensions/access_loggers/common/log_file.ts";

export class EventFiles {
  readonly #options: Omit<LogFileOptions, "target">;
  readonly #files = new Map<string, LogFile>();

  constructor(options: Omit<LogFileOptions, "target">) {
    this.#options = options;
  }

  /** The file at a path; clusters that name the same one share it. */
  open(path: string): LogFile {
    let file = this.#files.get(path);
    if (file === undefined) this.#files.set(path, file = new LogFile({ ...this.#options, target: path }));
    return file;
  }

  reopen(): void {
    for (const file of this.#files.values()) file.reopen();
  }

  close(): void {
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
  }
}
