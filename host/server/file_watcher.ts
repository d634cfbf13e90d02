// host/server/file_watcher.ts: watches files with what the platform has.
/** @module */
import { FileWatcher } from "../config/watch.ts";
import type { Logger } from "../observe/log.ts";
import type { Platform } from "../platform/mod.ts";

export function createFileWatcher(platform: Platform, logger: Logger): FileWatcher {
  return new FileWatcher({
    clock: platform.clock,
    port: {
      watchDirectory(path, onEvent, onError) {
        const watch = platform.watchFolder(path, () => onEvent());
        if (watch === null) onError(new Error(`cannot watch ${path}`));
        return watch ?? { close() {} };
      },
      fileState: (path) => platform.fileFacts(path),
    },
    onError: (path, error) =>
      logger.warn("a folder cannot be watched: its files are polled", { path, err: String(error) }),
  });
}
