// test/conformance/websocket/autobahn.ts: Autobahn's fuzzing client, where it is installed, through running proxies.
/**
 * `node test/conformance/websocket/autobahn.ts [CASES…]` · `deno run -A test/conformance/websocket/autobahn.ts [CASES…]`
 *
 * Wants `wstest` on PATH or in WSTEST: `pip install autobahntestsuite==0.8.2` of a Python 2.7. Cases are patterns
 * such as `9.*`; all but those of limits and of compression unless some are named.
 *
 * The server is one by `ws`. It is asked directly, through a proxy, and through two proxies with HTTP/2 between
 * them; a case has failed where a proxy changes its outcome. Ends with the number of failed cases as its exit status.
 *
 * @see https://github.com/crossbario/autobahn-testsuite
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type WebSocket, WebSocketServer } from "ws";
import { webConfig } from "../../e2e/support.ts";
import { startEmbedded } from "../../support/embedded.ts";

const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
const UPGRADES = { upgrade_configs: [{ upgrade_type: "websocket" }] };
const HTTP2_CLUSTER = {
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      explicit_http_config: { http2_protocol_options: { allow_connect: true } },
    },
  },
};

interface Outcome {
  readonly behavior: string;
  readonly behaviorClose: string;
}

const server = createServer();
new WebSocketServer({ server, perMessageDeflate: true, maxPayload: MAX_MESSAGE_BYTES }).on(
  "connection",
  (peer: WebSocket) => {
    peer.on("error", () => {});
    peer.on("message", (message: Uint8Array, binary: boolean) => peer.send(message, { binary }));
  },
);
server.listen(0, "127.0.0.1");
await once(server, "listening");
const serverPort = (server.address() as AddressInfo).port;
const inner = await startEmbedded(
  webConfig({
    port: 0,
    upstreamPort: serverPort,
    http: { ...UPGRADES, http2_protocol_options: { allow_connect: true } },
  }),
);
const outer = await startEmbedded(
  webConfig({ port: 0, upstreamPort: inner.port("web"), cluster: HTTP2_CLUSTER, http: UPGRADES }),
);

const folder = mkdtempSync(join(tmpdir(), "nuncio-autobahn-"));
const spec = join(folder, "spec.json");
const named = process.argv.slice(2);
const ports = { "direct": serverPort, "HTTP/1": inner.port("web"), "HTTP/2": outer.port("web") };
writeFileSync(
  spec,
  JSON.stringify({
    outdir: folder,
    servers: Object.entries(ports).map(([agent, port]) => ({ agent, url: `ws://127.0.0.1:${port}` })),
    cases: named.length > 0 ? named : ["*"],
    "exclude-cases": named.length > 0 ? [] : ["9.*", "12.*", "13.*"],
    "exclude-agent-cases": {},
  }),
);
const child = spawn(process.env["WSTEST"] ?? "wstest", ["-m", "fuzzingclient", "-s", spec], {
  stdio: ["ignore", "ignore", "inherit"],
});
child.on("error", (error) => {
  console.error(`wstest did not start: ${error.message}`);
  process.exit(2);
});
await once(child, "close");

const report = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as Record<string, Record<string, Outcome>>;
rmSync(folder, { recursive: true });
let failed = 0;
for (const [agent, outcomes] of Object.entries(report)) {
  const counts = new Map<string, number>();
  for (const [name, { behavior, behaviorClose }] of Object.entries(outcomes)) {
    counts.set(behavior, (counts.get(behavior) ?? 0) + 1);
    const direct = report["direct"]![name]!;
    if (behavior === direct.behavior && behaviorClose === direct.behaviorClose) continue;
    console.log(
      `${agent} ${name}: ${behavior} ${behaviorClose}; without a proxy ${direct.behavior} ${direct.behaviorClose}`,
    );
    failed++;
  }
  console.log(
    `${agent}: ${Object.keys(outcomes).length} cases, ${[...counts].map((each) => each.join(" ")).join(", ")}`,
  );
}
console.log(`${failed} failed`);
await outer.stop();
await inner.stop();
process.exit(failed);
