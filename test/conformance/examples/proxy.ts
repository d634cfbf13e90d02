// test/conformance/examples/proxy.ts: a proxy process that runs an example's own configuration.
/**
 * The configuration is used as it stands but for what must differ between runs: ports are free ones, the
 * cluster `upstream` is the script's server, and the rate limiter's window is a day, so that a run does not
 * depend on where in a window it begins.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { load } from "js-yaml";

export const ROOT: string = fileURLToPath(new URL("../../../", import.meta.url));
const START_LIMIT_MS = 15_000;
const STOP_LIMIT_MS = 5_000;

/** How a proxy is started; the configuration's path is added as `-c PATH`. */
export interface ProxyCommand {
  readonly command: string;
  readonly args: readonly string[];
}

export interface RunningProxy {
  /** Where the example's own listener is. */
  readonly port: number;
  readonly adminPort: number;
  stop(): Promise<void>;
}

interface SocketAddress {
  port_value: number;
}

interface Bootstrap {
  admin: { address: { socket_address: SocketAddress } };
  static_resources: {
    listeners: { name: string; address: { socket_address: SocketAddress } }[];
    clusters: { name: string; load_assignment: unknown }[];
  };
}

/** Starts a proxy on an example; settles when it is ready. */
export async function startProxy(
  proxy: ProxyCommand,
  example: string,
  upstreamPort: number,
  deadClusters: readonly string[],
): Promise<RunningProxy> {
  const { bootstrap, port, adminPort } = await prepare(example, upstreamPort, deadClusters);
  const folder = await mkdtemp(join(tmpdir(), "nuncio-example-"));
  const file = join(folder, `${example}.json`);
  await writeFile(file, JSON.stringify(bootstrap));
  const child = spawn(proxy.command, [...proxy.args, "-c", file], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (data: Uint8Array) => output += data);
  child.stderr.on("data", (data: Uint8Array) => output += data);
  const stop = async () => {
    await stopProcess(child);
    await rm(folder, { recursive: true, force: true });
  };
  const limit = performance.now() + START_LIMIT_MS;
  while ((await fetchText(adminPort, "/ready"))?.status !== 200) {
    if (child.exitCode !== null || performance.now() > limit) {
      await stop();
      throw new Error(`${proxy.command} did not start on ${example}:\n${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { port, adminPort, stop };
}

async function prepare(
  example: string,
  upstreamPort: number,
  deadClusters: readonly string[],
): Promise<{ bootstrap: Bootstrap; port: number; adminPort: number }> {
  let text = readFileSync(join(ROOT, `filters-examples/${example}/nuncio.yaml`), "utf8");
  text = text.replace('"window_ms": 10000', '"window_ms": 86400000');
  const bootstrap = load(text) as Bootstrap;
  const { listeners, clusters } = bootstrap.static_resources;
  const ports = await freePorts(listeners.length + 2);
  const adminPort = ports.pop()!;
  const deadPort = ports.pop()!;
  bootstrap.admin.address.socket_address.port_value = adminPort;
  const moved = new Map<number, number>();
  for (const [i, listener] of listeners.entries()) {
    const address = listener.address.socket_address;
    moved.set(address.port_value, ports[i]!);
    address.port_value = ports[i]!;
  }
  for (const cluster of clusters) {
    const to = deadClusters.includes(cluster.name) ? deadPort : cluster.name === "upstream" ? upstreamPort : null;
    cluster.load_assignment = JSON.parse(
      JSON.stringify(cluster.load_assignment),
      (key, value: unknown) => key === "port_value" ? to ?? moved.get(value as number) : value,
    );
  }
  return { bootstrap, port: ports[0]!, adminPort };
}

/** Ports that nobody listens on. All are held open until the last one is known, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  for (const server of servers) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) {
    server.close();
    await once(server, "close");
  }
  return ports;
}

/** A GET to a local port; null when there is no answer. */
export function fetchText(port: number, path: string): Promise<{ status: number; text: string } | null> {
  return new Promise((resolve) => {
    const request = get({ host: "127.0.0.1", port, path, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => text += chunk);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on("error", () => resolve(null));
  });
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
  await closed;
  clearTimeout(timer);
}
