// host/admin/handlers/ready.ts: /ready: whether this process takes traffic.
/** @module */
import { type AdminCommand, text } from "../command.ts";

export const ready: AdminCommand = {
  path: "/ready",
  help: "print server state, return 200 if LIVE, otherwise return 503",
  mutates: false,
  parameters: [],
  handle(_request, view) {
    const { state } = view.server();
    return text(`${state}\n`, state === "LIVE" ? 200 : 503);
  },
};
