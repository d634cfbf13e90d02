// host/cli/control.ts: what runs beside the workers: the admin interface and the watching of files.
/** @module */
import type { ConfigNode } from "../config/node.ts";
import { FileWatcher } from "../config/watch.ts";
import type { LogRegistry } from "../observe/log.ts";
import type { Platform } from "../platform/mod.ts";
import type { BootstrapPlan } from "../server/plan/bootstrap.ts";
import type { Server } from "../server/server.ts";

export interface ControlOptions {
  readonly platform: Platform;
  readonly server: Server;
  readonly plan: BootstrapPlan;
  readonly root: ConfigNode;
  readonly logs: LogRegistry;
  readonly flags: ReadonlyMap<string, readonly string[]>;
}

export type ControlResult =
  | { readonly ok: true; readonly adminUrl: string | null }
  | { readonly ok: false; readonly problem: string };

export async function startControl(options: ControlOptions): Promise<ControlResult> {
  watchPlugins(options);
  return await Promise.resolve({ ok: true, adminUrl: null });
}

/** A wasm file that changes is loaded again. */
function watchPlugins({ platform, server, logs }: ControlOptions): void {
  const logger = logs.logger("wasm");
  const watcher = new FileWatcher({
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
  for (const file of server.plugins.files) watcher.watch(file, () => void server.plugins.reloadFile(file));
}
