// host/admin/control.ts: what runs beside the workers: the admin interface and the watching of files.
/** @module */
import { AdminServer } from "./admin.ts";
import { ServerView } from "./server_view.ts";
import type { JsonObject } from "./view.ts";
import type { ConfigNode } from "../config/node.ts";
import type { FileWatcher } from "../config/watch.ts";
import type { LogRegistry } from "../observe/log.ts";
import type { Tag } from "../observe/tags.ts";
import type { Platform } from "../platform/mod.ts";
import { configurationJson } from "../server/configuration.ts";
import type { AdminPlan } from "../server/snapshot.ts";
import { createFileWatcher } from "../server/file_watcher.ts";
import type { Server } from "../server/server.ts";

export interface ControlOptions {
  readonly platform: Platform;
  readonly server: Server;
  /** Where the admin interface listens; null: nowhere. */
  readonly admin: AdminPlan | null;
  readonly root: ConfigNode;
  readonly logs: LogRegistry;
  readonly version: string;
  /** envoy.admin.v3.CommandLineOptions */
  readonly commandLineOptions: JsonObject;
  readonly statsTags: readonly Tag[];
  /** A file that gets the admin address; null: none. */
  readonly adminAddressPath: string | null;
  /** `/quitquitquit`. */
  quit(): void;
}

/** What runs beside the workers. */
export interface Control {
  /** `http://127.0.0.1:9901`, or null without an admin interface. */
  readonly adminUrl: string | null;
  /** Shows another configuration, and watches the files of its plugins. Where admin listens does not change. */
  update(root: ConfigNode): void;
  close(): Promise<void>;
}

export type ControlResult =
  | { readonly control: Control; readonly problem: null }
  | { readonly control: null; readonly problem: string };

export async function startControl(options: ControlOptions): Promise<ControlResult> {
  const admin = await startAdmin(options);
  if (admin !== null && !admin.ok) return { control: null, problem: `admin: ${admin.problem}` };
  let watcher = watchPlugins(options);
  return {
    problem: null,
    control: {
      adminUrl: admin === null ? null : `http://${admin.address}`,
      update(root) {
        admin?.view.setBootstrap(configurationJson(root));
        watcher.close();
        watcher = watchPlugins(options);
      },
      async close() {
        watcher.close();
        await admin?.server.close();
      },
    },
  };
}

type AdminStart =
  | { readonly ok: true; readonly server: AdminServer; readonly view: ServerView; readonly address: string }
  | { readonly ok: false; readonly problem: string };

async function startAdmin(options: ControlOptions): Promise<AdminStart | null> {
  const { admin, platform, adminAddressPath } = options;
  if (admin === null) return null;
  const view = new ServerView({ ...options, bootstrap: configurationJson(options.root) });
  const server = new AdminServer({ view, logger: options.logs.logger("admin") });
  const listening = await server.listen({ host: admin.address, port: admin.port });
  if (!listening.ok) return { ok: false, problem: listening.message };
  if (adminAddressPath !== null) {
    const problem = platform.writeFile(adminAddressPath, listening.address);
    if (problem !== null) {
      options.logs.logger("admin").critical("the admin address cannot be written", {
        path: adminAddressPath,
        err: problem,
      });
    }
  }
  return { ok: true, server, view, address: listening.address };
}

/** A wasm file that changes is loaded again. */
function watchPlugins({ platform, server, logs }: ControlOptions): FileWatcher {
  const watcher = createFileWatcher(platform, logs.logger("wasm"));
  for (const file of server.plugins.files) watcher.watch(file, () => void server.plugins.reloadFile(file));
  return watcher;
}
