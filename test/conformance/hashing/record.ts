// test/conformance/hashing/record.ts: asks the real Envoy which hosts requests go to.
/**
 * `node test/conformance/hashing/record.ts [--envoy PATH]`
 *
 * Envoy is the one given, that of `NUNCIO_ENVOY`, or `envoy` on the path. Its hosts listen on fixed ports of
 * the loopback address, because hashes are of addresses.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import {
  CLUSTERS,
  COOKIE_POLICIES,
  FIRST_PORT,
  type HashRequest,
  KEYS,
  POLICIES,
  type Recorded,
  type RecordedCookie,
  routeConfig,
} from "./scenario.ts";

const FRONT_PORT = FIRST_PORT - 2;
const ADMIN_PORT = FIRST_PORT - 1;
const HOSTS = [0, 1, 2, 3, 4, 5, 6];
const { values } = parseArgs({ options: { envoy: { type: "string" } } });
const command = values.envoy ?? process.env["NUNCIO_ENVOY"] ?? "envoy";
const version = /(\d+\.\d+)\.\d+/.exec(spawnSync(command, ["--version"], { encoding: "utf8" }).stdout ?? "");
if (version === null) {
  console.error(`${command} is not Envoy: give --envoy PATH`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "nuncio-hashing-"));
const file = join(folder, "envoy.json");
writeFileSync(file, JSON.stringify(bootstrap()));
const child = spawn(command, ["-c", file, "--use-dynamic-base-id", "--concurrency", "1", "-l", "error"], {
  stdio: "inherit",
});
try {
  await ready(child);
  const recorded = await record(version[1]!);
  const target = join(import.meta.dirname, `envoy-${version[1]}.json`);
  writeFileSync(target, `${JSON.stringify(recorded, null, 1)}\n`);
  console.log(target);
} finally {
  child.kill();
  rmSync(folder, { recursive: true });
}

async function record(envoy: string): Promise<Recorded> {
  const clusters: Record<string, (number | null)[]> = {};
  for (const name of Object.keys(CLUSTERS)) {
    clusters[name] = [];
    for (const key of KEYS) clusters[name].push((await ask(`/c/${name}`, { headers: [["x-key", key]] })).host);
  }
  const policies: Record<string, (number | null)[]> = {};
  for (const [name, { requests }] of Object.entries(POLICIES)) {
    policies[name] = [];
    for (const request of requests) policies[name].push((await ask(`/p/${name}`, request)).host);
  }
  const cookies: Record<string, RecordedCookie> = {};
  for (const name of Object.keys(COOKIE_POLICIES)) cookies[name] = await ask(`/k/${name}`, {});
  const stats = await (await fetch(`http://127.0.0.1:${ADMIN_PORT}/stats?filter=_lb\\.`)).text();
  const gauges = Object.fromEntries(
    stats.trim().split("\n").map((line) => line.split(": "))
      // Of the rings of several priorities the last one made is shown.
      .filter(([name]) => !name!.startsWith("cluster.load_"))
      .map(([name, value]) => [name!, Number(value)]),
  );
  return { envoy, clusters, policies, cookies, gauges };
}

function ask(path: string, request: HashRequest): Promise<RecordedCookie> {
  return new Promise((resolve, reject) => {
    const headers = (request.headers ?? []).flat();
    const asked = get({
      host: "127.0.0.1",
      port: FRONT_PORT,
      path: path + (request.path ?? ""),
      headers: ["host", "h", ...headers],
      agent: false,
    });
    asked.on("error", reject);
    asked.on("response", (response: IncomingMessage) => {
      const client = `127.0.0.1:${response.socket.localPort}`;
      let body = "";
      response.setEncoding("utf8").on("data", (text) => body += text);
      response.on("end", () =>
        resolve({
          client,
          server: `127.0.0.1:${FRONT_PORT}`,
          header: (response.headers["set-cookie"] ?? []).join("\n"),
          host: response.statusCode === 200 ? Number(body) : null,
        }));
    });
  });
}

function bootstrap(): object {
  const manager = (stat_prefix: string, route_config: object) => ({
    filters: [{
      name: "http",
      typed_config: {
        "@type":
          "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix,
        route_config,
        http_filters: [{
          name: "router",
          typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
        }],
      },
    }],
  });
  const address = (port: number) => ({ socket_address: { address: "127.0.0.1", port_value: port } });
  const host = (index: number) => ({
    virtual_hosts: [{
      name: "v",
      domains: ["*"],
      routes: [{ match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: String(index) } } }],
    }],
  });
  return {
    admin: { address: address(ADMIN_PORT) },
    static_resources: {
      listeners: [
        { name: "front", address: address(FRONT_PORT), filter_chains: [manager("front", routeConfig())] },
        ...HOSTS.map((index) => ({
          name: `host${index}`,
          address: address(FIRST_PORT + index),
          filter_chains: [manager(`host${index}`, host(index))],
        })),
      ],
      clusters: Object.entries(CLUSTERS).map(([name, fields]) => ({ name, ...fields })),
    },
  };
}

async function ready(envoy: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (envoy.exitCode !== null) throw new Error(`Envoy exited with ${envoy.exitCode}`);
    const state = await fetch(`http://127.0.0.1:${ADMIN_PORT}/ready`).then((response) => response.text(), () => "");
    if (state.startsWith("LIVE")) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("Envoy did not become ready");
}
