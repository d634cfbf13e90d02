// test/conformance/differential/play.ts: plays a group through a proxy and gives what was observed.
/** @module */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type HostedProxy, startHosted } from "../../support/hosted_proxy.ts";
import { freePorts, type ProxyCommand, startProxy } from "../../support/proxy_process.ts";
import { CheckedUpstream } from "./checked_upstream.ts";
import { playClient, type SetPressure } from "./client.ts";
import { playFrames } from "./frames_client.ts";
import { playHealth } from "./health_client.ts";
import { playHttp2Client } from "./http2_client.ts";
import type { Exchange, Group, GroupObservation, HealthScript, Message, Observation, Sighting } from "./exchange.ts";
import { encodeMarks, normaliser } from "./normalise.ts";
import { readStats } from "./statistics.ts";
import { ScriptedUpstream } from "./upstream.ts";

const LOG_FILE = "access.log";
const WAIT_LIMIT_MS = 5000;
/** How long a recording waits for a log line that may not come, and for lines after the first. */
const LOG_FIRST_MS = 600;
const LOG_QUIET_MS = 150;

/** How long it takes at most until a pressure is acted on: proxies look every 50 ms. */
const PRESSURE_MS = 250;

const PORT_MARK = /@([a-z0-9_]+)@/g;

export interface PlayOptions {
  /** nuncio on this runtime unless said otherwise. */
  readonly proxy?: ProxyCommand;
  /** Log lines that each exchange should give; absent when that is to be found out. */
  readonly expectedLines?: (exchange: string) => number;
  /** Plays only the exchanges that this says yes to. */
  readonly only?: (exchange: string) => boolean;
}

type PlayedProxy = Pick<HostedProxy, "folder" | "output"> & { stop(): Promise<unknown> };

export async function playGroup(group: Group, options: PlayOptions = {}): Promise<GroupObservation> {
  const upstreams = await Promise.all(group.upstreams.map((name) => ScriptedUpstream.start(name)));
  const checked = await Promise.all(
    Object.entries(group.checked ?? {}).map(([name, script]) => CheckedUpstream.start(name, script)),
  );
  let proxy: PlayedProxy | null = null;
  try {
    const ports = await choosePorts(group, [...upstreams, ...checked]);
    const withPorts = (text: string) => text.replace(PORT_MARK, (_mark, name: string) => String(ports.get(name)));
    const files = Object.fromEntries(
      Object.entries(group.files ?? {}).map(([name, text]) => [name, withPorts(text)]),
    );
    proxy = options.proxy === undefined ? await startHosted(withPorts(group.yaml), { files }) : await startProxy(
      withPorts(group.yaml),
      { files, proxy: options.proxy, args: ["--concurrency", "1", "--file-flush-interval-msec", "20"] },
    );
    const namePorts = (text: string): string =>
      encodeMarks(text.replace(PORT_MARK, (mark, name: string) => ports.has(name) ? String(ports.get(name)) : mark));
    const { folder } = proxy;
    const setPressure: SetPressure = async (of, pressure) => {
      writePressure(folder, of, pressure);
      await new Promise((resolve) => setTimeout(resolve, PRESSURE_MS));
    };
    const normalise = normaliser(ports);
    const log = new LogFile(proxy);
    const exchanges: Observation[] = [];
    for (const exchange of group.exchanges) {
      if (options.only?.(exchange.name) === false) continue;
      const port = ports.get(exchange.listener ?? group.listeners[0]!)!;
      const { client, sightings } = await playExchange(
        exchange,
        port,
        upstreams,
        namePorts,
        (script) => playHealth(script, { checked, port, admin: ports.get("admin")! }),
        setPressure,
      );
      const lines = await log.next(options.expectedLines?.(exchange.name) ?? null);
      if (exchange.sortedJson === true) {
        for (const each of client) {
          if (typeof each !== "string" && each.body !== undefined) each.body = withSortedKeys(each.body);
        }
      }
      if (exchange.withoutHeaders === true) {
        for (const each of client) if (typeof each !== "string") each.head.length = 1;
      }
      const observed = { name: exchange.name, client, upstreams: sightings, log: lines };
      const observation = normalise(observed, exchange.wholeBodies === true);
      if (exchange.anyConnection === true) { for (const sighting of observation.upstreams) delete sighting.reused; }
      exchanges.push(exchange.unordered === true ? sorted(observation) : observation);
    }
    const stats = await readStats(ports.get("admin")!, ports);
    return { group: group.name, digest: digestOf(group), exchanges, stats };
  } catch (error) {
    throw new Error(`${group.name}: ${String(error)}\n${proxy?.output() ?? ""}`, { cause: error });
  } finally {
    await Promise.all([...upstreams, ...checked].map((upstream) => upstream.stop()));
    await proxy?.stop();
  }
}

/** Other bodies stay as they are. */
function withSortedKeys(body: string): string {
  if (!body.startsWith("{")) return body;
  const sort = (_key: string, value: unknown): unknown =>
    typeof value !== "object" || value === null || Array.isArray(value)
      ? value
      : Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1));
  return JSON.stringify(JSON.parse(body), sort, 1);
}

/** Renamed into place: so Envoy sees it, and nobody sees half of it. */
function writePressure(folder: string, of: string, pressure: number): void {
  writeFileSync(join(folder, "pressure"), String(pressure));
  renameSync(join(folder, "pressure"), join(folder, of));
}

/** The ports that the configuration names: those of upstreams, and free ones. */
async function choosePorts(
  group: Group,
  upstreams: readonly { readonly name: string; readonly port: number }[],
): Promise<Map<string, number>> {
  const ports = new Map(upstreams.map((upstream) => [upstream.name, upstream.port]));
  const names = [...new Set(Array.from(group.yaml.matchAll(PORT_MARK), (match) => match[1]!))]
    .filter((name) => !ports.has(name));
  const free = await freePorts(names.length);
  names.forEach((name, i) => ports.set(name, free[i]!));
  return ports;
}

/** Where chance decides about the order. */
function sorted(observation: Observation): Observation {
  const byText = <T>(list: readonly T[]) => [...list].sort((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  return {
    name: observation.name,
    client: byText(observation.client),
    upstreams: byText(observation.upstreams),
    log: byText(observation.log),
  };
}

/** Changes when the group does. */
export function digestOf(group: Group): string {
  return createHash("sha256").update(JSON.stringify(group)).digest("hex").slice(0, 16);
}

async function playExchange(
  exchange: Exchange,
  port: number,
  upstreams: readonly ScriptedUpstream[],
  namePorts: (text: string) => string,
  playChecks: (script: HealthScript) => Promise<string[]>,
  setPressure: SetPressure,
): Promise<Pick<Observation, "client"> & { sightings: Sighting[] }> {
  const sightings: Sighting[] = [];
  for (const upstream of upstreams) upstream.begin(exchange.upstreams?.[upstream.name], sightings);
  const seen = (count: number): Promise<void> => waitUntil(() => sightings.length >= count);
  const scripts = [exchange.client, ...(exchange.others ?? [])];
  const play = (script: Exchange["client"]): Promise<(Message | string)[]> => {
    if (typeof script === "string") return playClient(port, script, seen, namePorts, setPressure);
    if ("http2" in script) return playHttp2Client(port, script.http2, seen, namePorts);
    if ("health" in script) return playChecks(script);
    if ("frames" in script) return playFrames(port, script, seen);
    return playClient(port, script, seen, namePorts, setPressure);
  };
  const got = await Promise.all(scripts.map(play));
  const client = got.flatMap((each, i) => i === 0 ? each : [`client ${i + 1}`, ...each]);
  await waitUntil(() => upstreams.every((upstream) => upstream.idle));
  return { client, sightings };
}

async function waitUntil(done: () => boolean): Promise<void> {
  for (const limit = performance.now() + WAIT_LIMIT_MS; !done() && performance.now() < limit;) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The access log, exchange by exchange. */
class LogFile {
  readonly #path: string;
  #taken = 0;

  constructor(proxy: PlayedProxy) {
    this.#path = join(proxy.folder, LOG_FILE);
  }

  async next(expected: number | null): Promise<string[]> {
    if (expected !== null) await waitUntil(() => this.#lines().length - this.#taken >= expected);
    else {
      let count = 0;
      let limit = performance.now() + LOG_FIRST_MS;
      while (performance.now() < limit) {
        const now = this.#lines().length - this.#taken;
        if (now > count) {
          count = now;
          limit = performance.now() + LOG_QUIET_MS;
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
    const lines = this.#lines().slice(this.#taken);
    this.#taken += lines.length;
    return lines;
  }

  #lines(): string[] {
    return existsSync(this.#path) ? readFileSync(this.#path, "utf8").split("\n").slice(0, -1) : [];
  }
}
