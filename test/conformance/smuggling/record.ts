// test/conformance/smuggling/record.ts: sends the corpus through the real Envoy and writes down what becomes of it.
/**
 * `node test/conformance/smuggling/record.ts [--envoy PATH]`
 *
 * Envoy is the one given, that of `NUNCIO_ENVOY`, or `envoy` on the path. `recorded.json` is committed:
 * `smuggling.test.ts` compares nuncio with it, so that no Envoy is needed.
 *
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { fromLatin1 } from "../../../host/base/bytes.ts";
import { readMessages } from "../../host/http/h1/oracle.ts";
import { freePorts, startProxy } from "../../support/proxy_process.ts";
import { bootstrap, cluster, httpListener, textLog } from "../differential/bootstrap.ts";
import type { Case, Outcome } from "./case.ts";
import { DOWNGRADES } from "./downgrades.ts";
import { REQUESTS } from "./requests.ts";

/** A connection on which nothing comes any more has shown all. */
const QUIET_MS = 120;
const LOG_MS = 60;
const LIMIT_MS = 3000;

const { values } = parseArgs({ options: { envoy: { type: "string" } } });
const command = values.envoy ?? process.env["NUNCIO_ENVOY"] ?? "envoy";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Answers every whole request; the first lines of those since the last look. */
let seen: string[] = [];
const upstream = createServer((socket) => {
  let text = "", answered = 0;
  socket.on("data", (data) => {
    text += data.toString("latin1");
    const messages = readMessages(text, "request");
    if (typeof messages === "string") return;
    for (const message of messages.slice(answered)) {
      seen.push(message.start);
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    }
    answered = messages.length;
  });
  socket.on("error", () => {});
});
await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));

function send(port: number, bytes: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(
      { port, host: "127.0.0.1", allowHalfOpen: true },
      () => void socket.write(fromLatin1(bytes)),
    );
    const finish = (closed: boolean): void => {
      clearTimeout(quiet);
      clearTimeout(limit);
      socket.destroy();
      resolve(closed);
    };
    let quiet = setTimeout(() => finish(false), QUIET_MS);
    const limit = setTimeout(() => finish(false), LIMIT_MS);
    socket.on("data", () => {
      clearTimeout(quiet);
      quiet = setTimeout(() => finish(false), QUIET_MS);
    });
    socket.on("end", () => finish(true));
    socket.on("error", () => finish(true));
  });
}

const [port, admin] = await freePorts(2);
const yaml = bootstrap([
  httpListener("main", {
    // A close is then seen when it is decided.
    manager: "delayed_close_timeout: 0s",
    log: textLog("%RESPONSE_CODE%|%RESPONSE_CODE_DETAILS%|%REQ(:METHOD)%"),
  }),
], [cluster("u")])
  .replaceAll("@main@", String(port))
  .replaceAll("@admin@", String(admin))
  .replaceAll("@u@", String((upstream.address() as AddressInfo).port));
const proxy = await startProxy(yaml, {
  proxy: { command, args: ["--use-dynamic-base-id", "-l", "info"], readyText: "starting main dispatch loop" },
  args: ["--concurrency", "1", "--file-flush-interval-msec", "10"],
});
const recorded: Record<string, Outcome> = {};
try {
  const log = join(proxy.folder, "access.log");
  let taken = 0;
  for (const each of [...REQUESTS, ...DOWNGRADES] satisfies Case[]) {
    seen = [];
    const closed = await send(port!, each.bytes);
    await pause(LOG_MS);
    const lines = readFileSync(log, "utf8").split("\n").slice(0, -1);
    recorded[each.name] = { log: lines.slice(taken), upstream: seen, closed };
    taken = lines.length;
  }
} finally {
  await proxy.stop();
  upstream.close();
}
writeFileSync(new URL("recorded.json", import.meta.url), `${JSON.stringify(recorded, null, 1)}\n`);
console.log(`${Object.keys(recorded).length} cases`);
process.exit(0);
