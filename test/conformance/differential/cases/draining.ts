// test/conformance/differential/cases/draining.ts: how clients are sent away.
/** @module */
import { bootstrap, cluster, httpListener, tcpProxyListener, TO_U } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

function get(target = "/"): string {
  return `GET ${target} HTTP/1.1\r\nHost: a.example\r\n\r\n`;
}

function admin(name: string, method: string, target: string): Exchange {
  return {
    name,
    listener: "admin",
    withoutHeaders: true,
    client: `${method} ${target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n`,
  };
}

const ASK = [[":method", "GET"], [":scheme", "http"], [":authority", "a.example"], [":path", "/"]] as const;

export const draining: Group = {
  name: "draining",
  listeners: ["main", "modify_only", "inbound", "tcp", "admin"],
  upstreams: ["u"],
  yaml: bootstrap([
    httpListener("main", {
      routes: `- { match: { path: /direct }, direct_response: { status: 200, body: { inline_string: direct } } }
${TO_U}`,
    }),
    httpListener("modify_only", { listener: "drain_type: MODIFY_ONLY" }),
    httpListener("inbound", { listener: "traffic_direction: INBOUND" }),
    tcpProxyListener("tcp", "cluster: u"),
  ], [cluster("u")]),
  exchanges: [
    { name: "before", client: [get(), "response", get("/2"), "response"] },
    admin("health checks are to fail", "POST", "/healthcheck/fail"),
    admin("the state", "GET", "/ready"),
    { name: "a response is the connection's last one", client: get() },
    { name: "so is one that the proxy makes", client: get("/direct") },
    { name: "and every one over HTTP/2", client: { http2: [{ ask: ASK }, "response"] } },
    {
      name: "not where only changes of the listener drain it",
      listener: "modify_only",
      client: [get(), "response", get("/2"), "response"],
    },
    {
      name: "connections of bytes go on",
      listener: "tcp",
      client: ["some", { bytes: 4 }, "more", { bytes: 4 }],
      upstreams: { u: { tcp: [{ bytes: 4 }, "back", { bytes: 4 }, "back"] } },
    },
    admin("health checks are not to fail any more", "POST", "/healthcheck/ok"),
    admin("the state again", "GET", "/ready"),
    { name: "after", client: [get(), "response", get("/2"), "response"] },
  ],
};
