// test/conformance/differential/cases/upgrades.ts: connections that become something else.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Group } from "../exchange.ts";

const ASK = "GET /ws HTTP/1.1\r\nHost: a.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n" +
  "Sec-WebSocket-Key: k\r\n\r\n";
const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-A: 1\r\n\r\n";

export const upgrades: Group = {
  name: "upgrades",
  listeners: ["main"],
  upstreams: ["u"],
  yaml: bootstrap([
    httpListener("main", { manager: "upgrade_configs: [ { upgrade_type: websocket } ]" }),
    httpListener("disabled", { manager: "upgrade_configs: [ { upgrade_type: websocket, enabled: false } ]" }),
  ], [cluster("u")]),
  exchanges: [
    {
      name: "bytes go both ways after a switch",
      client: [ASK, { until: "\r\n\r\n" }, "ping", { bytes: 4 }, "more", { bytes: 4 }, "end", "closed"],
      upstreams: { u: { http: [{ steps: [SWITCH, { bytes: 4 }, "pong", { bytes: 4 }, "done", "hang"] }] } },
    },
    {
      name: "the upstream ends the tunnel",
      client: [ASK, { until: "\r\n\r\n" }, "closed"],
      upstreams: { u: { http: [{ steps: [`${SWITCH}bye`, "end", "hang"] }] } },
    },
    {
      name: "the upstream does not switch",
      client: [ASK, "response", "closed"],
      upstreams: { u: { http: ["HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno"] } },
    },
    {
      name: "another protocol than the configured",
      client: `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n`,
    },
    { name: "a configured upgrade that is off", listener: "disabled", client: ASK },
  ],
};
