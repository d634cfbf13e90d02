// host/server/file_watcher.ts: watches files with what the platform has.
/** @module */
import { type FileState, FileWatcher } from "../config/watch.ts";
import type { Logger } from "../observe/log.ts";
import type { Platform } from "../platform/mod.ts";

/** Tells when what a file has is other than before. */
export function createFileWatcher(platform: Platform, logger: Logger): FileWatcher {
  return create(platform, logger, (path) => platform.fileFacts(path));
}

/** Tells when a link, or a folder in its place, is another one; what is in it may change. */
export function createLinkWatcher(platform: Platform, logger: Logger): FileWatcher {
  return create(platform, logger, (path) => {
    const facts = platform.linkFacts(path);
    return facts?.isFolder === true ? { sizeBytes: 0, modifiedMs: 0, inode: facts.inode } : facts;
  }, 0);
}

function create(
  platform: Platform,
  logger: Logger,
  fileState: (path: string) => FileState | null,
  settleMs?: number,
): FileWatcher {
  return new FileWatcher({
    clock: platform.clock,
    ...(settleMs !== undefined && { settleMs }),
    port: {
      watchDirectory(path, onEvent, onError) {
        const watch = platform.watchFolder(path, () => onEvent());
        if (watch === null) onError(new Error(`cannot watch ${path}`));
        return watch ?? { close() {} };
      },
      fileState,
    },
    onError: (path, error) =>
      logger.warn("a folder cannot be watched: its files are polled", { path, err: String(error) }),
  });
}
