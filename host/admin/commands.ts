// host/admin/commands.ts: the endpoints of the admin port, and the pages that list them.
/** @module */
import { type AdminCommand, type AdminResponse, HTML, text } from "./command.ts";
import { drainListeners, healthCheckFail, healthCheckOk, quitQuitQuit, reopenLogs } from "./handlers/actions.ts";
import { clusters } from "./handlers/clusters.ts";
import { configDump } from "./handlers/config_dump.ts";
import { certs, initDump, memory, runtime, runtimeModify } from "./handlers/facts.ts";
import { filters, reloadFilters, rollbackFilters, traceFilters } from "./handlers/filters.ts";
import { listeners } from "./handlers/listeners.ts";
import { logging } from "./handlers/logging.ts";
import { ready } from "./handlers/ready.ts";
import { hotRestartVersion, serverInfo } from "./handlers/server_info.ts";
import { resetCounters, stats, statsPrometheus } from "./handlers/stats.ts";
import { indexPage } from "./html.ts";

const index: AdminCommand = {
  path: "/",
  help: "Admin home page",
  mutates: false,
  parameters: [],
  handle: () => ({ status: 200, contentType: HTML, body: indexPage(COMMANDS.filter((command) => command !== index)) }),
};

const help: AdminCommand = {
  path: "/help",
  help: "print out list of admin commands",
  mutates: false,
  parameters: [],
  handle: () => text(helpText()),
};

/** All endpoints, by path. */
export const COMMANDS: readonly AdminCommand[] = [
  index,
  certs,
  clusters,
  configDump,
  drainListeners,
  filters,
  reloadFilters,
  rollbackFilters,
  traceFilters,
  healthCheckFail,
  healthCheckOk,
  help,
  hotRestartVersion,
  initDump,
  listeners,
  logging,
  memory,
  quitQuitQuit,
  ready,
  reopenLogs,
  resetCounters,
  runtime,
  runtimeModify,
  serverInfo,
  stats,
  statsPrometheus,
];

export function helpText(): string {
  let text = "admin commands are:\n";
  for (const command of COMMANDS) {
    text += `  ${command.path}${command.mutates ? " (POST)" : ""}: ${command.help}\n`;
    for (const { name, help, kind } of command.parameters) {
      text += `      ${name}: ${help}${typeof kind === "string" ? "" : `; One of (${kind.join(", ")})`}\n`;
    }
  }
  return text;
}

/** The answer to a path that nothing is at. */
export function notFound(): AdminResponse {
  return text(`invalid path. ${helpText()}`, 404);
}
