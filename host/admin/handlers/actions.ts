// host/admin/handlers/actions.ts: endpoints that change the process: drain, quit, health, logs.
/**
 * @see Envoy: source/server/admin/server_cmd_handler.cc, listeners_handler.cc
 * @module
 */
import { type AdminCommand, text } from "../command.ts";

export const drainListeners: AdminCommand = {
  path: "/drain_listeners",
  help: "drain listeners",
  mutates: true,
  parameters: [
    {
      name: "graceful",
      help: "When draining listeners, enter a graceful drain period prior to closing listeners. This behaviour and " +
        "duration is configurable via server options or CLI",
      kind: "flag",
    },
    {
      name: "skip_exit",
      help: "When draining listeners, drain the connections but never stop the listeners. The graceful parameter has " +
        "no effect when this is set, since the drain period only delays stopping the listeners",
      kind: "flag",
    },
    {
      name: "inboundonly",
      help:
        "Drains all inbound listeners. traffic_direction field in envoy_v3_api_msg_config.listener.v3.Listener is " +
        "used to determine whether a listener is inbound or outbound.",
      kind: "flag",
    },
  ],
  async handle({ query }, view) {
    await view.actions.drainListeners({
      graceful: query.has("graceful"),
      inboundOnly: query.has("inboundonly"),
      skipExit: query.has("skip_exit"),
    });
    return text("OK\n");
  },
};

export const quitQuitQuit: AdminCommand = {
  path: "/quitquitquit",
  help: "exit the server",
  mutates: true,
  parameters: [],
  handle: (_request, view) => ({ ...text("OK\n"), after: () => view.actions.quit() }),
};

export const healthCheckFail: AdminCommand = healthCheck(
  "/healthcheck/fail",
  "cause the server to fail health checks",
  true,
);
export const healthCheckOk: AdminCommand = healthCheck(
  "/healthcheck/ok",
  "cause the server to pass health checks",
  false,
);

function healthCheck(path: string, help: string, fail: boolean): AdminCommand {
  return {
    path,
    help,
    mutates: true,
    parameters: [],
    handle(_request, view) {
      view.actions.failHealthChecks(fail);
      return text("OK\n");
    },
  };
}

export const reopenLogs: AdminCommand = {
  path: "/reopen_logs",
  help: "reopen access logs",
  mutates: true,
  parameters: [],
  async handle(_request, view) {
    await view.actions.reopenLogs();
    return text("OK\n");
  },
};
