// host/admin/handlers/server_info.ts: /server_info and /hot_restart_version.
/**
 * @see Envoy: source/server/admin/server_info_handler.cc
 * @module
 */
import { type AdminCommand, json, text } from "../command.ts";

export const serverInfo: AdminCommand = {
  path: "/server_info",
  help: "print server version/status information",
  mutates: false,
  parameters: [],
  handle(_request, view) {
    const server = view.server();
    const uptime = `${Math.floor(server.uptimeMs / 1000)}s`;
    return json({
      version: server.version,
      state: server.state,
      uptime_current_epoch: uptime,
      // There is one epoch: a hot restart hands sockets to a new process by SO_REUSEPORT.
      uptime_all_epochs: uptime,
      hot_restart_version: server.hotRestartVersion,
      command_line_options: server.commandLineOptions,
      node: server.node,
    });
  },
};

export const hotRestartVersion: AdminCommand = {
  path: "/hot_restart_version",
  help: "print the hot restart compatibility version",
  mutates: false,
  parameters: [],
  handle: (_request, view) => text(view.server().hotRestartVersion),
};
