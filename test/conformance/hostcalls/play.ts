// test/conformance/hostcalls/play.ts: plays probes on a proxy and gives what was observed.
/**
 * All probes of a file run in one proxy, each as the filter of a listener of its own and in a VM of its own. What a
 * probe tells comes out of the proxy's log. nuncio runs inside of the test's own process: its start is what most of
 * the time would go into.
 *
 * @module
 */
import { ABI_VERSIONS, type AbiVersion, enumName, HOSTCALLS, Status } from "../../../abi/mod.ts";
import { startEmbedded } from "../../support/embedded.ts";
import { freePorts, type ProxyCommand, startProxy } from "../../support/proxy_process.ts";
import {
  bootstrap,
  cluster,
  emptyCluster,
  httpListener,
  httpProtocolOptions,
  indent,
  tcpListener,
} from "../differential/bootstrap.ts";
import { playClient } from "../differential/client.ts";
import type { ClientStep, Message, Sighting, UpstreamScript } from "../differential/exchange.ts";
import { normaliser } from "../differential/normalise.ts";
import { ScriptedUpstream } from "../differential/upstream.ts";
import { GrpcService } from "./grpc_service.ts";
import { compileProbe, PREFIX, type Probe } from "./probe.ts";

export interface Case extends Probe {
  readonly name: string;
  /** More than one: the case is played for each. */
  readonly versions?: readonly AbiVersion[];
  /** Bytes on a connection of its own; a text alone is a request of which the response is awaited. */
  readonly client?: string | readonly ClientStep[] | null;
  readonly upstream?: UpstreamScript;
  readonly configuration?: string;
  readonly vmConfiguration?: string;
  /** Further fields of the plugin, and of its VM, as YAML. */
  readonly plugin?: string;
  readonly vm?: string;
  /** The cluster `g` is there: a gRPC service. */
  readonly grpc?: true;
  /** Further fields of the connection manager, and of its listener, as YAML. */
  readonly manager?: string;
  readonly listener?: string;
  /** Between connections instead of requests. */
  readonly network?: true;
  /** Another case's VM is used, by the name of that case; both must be the same code. */
  readonly vmId?: string;
  /** What is looked at besides what the probe tells; the client's status line always is. */
  readonly watch?: readonly ("client" | "upstream")[];
  /** Milliseconds that must pass before the client comes. */
  readonly waitMs?: number;
  /** Lines about this are left out: what is told depends on chance. */
  readonly ignore?: RegExp;
}

export interface CaseObservation {
  readonly name: string;
  readonly version: AbiVersion;
  /** What the probe told. */
  readonly lines: readonly string[];
  readonly client: readonly (Message | string)[];
  readonly upstreams?: readonly Sighting[];
  /** The proxy came down. */
  readonly crashed?: true;
}

/** One case for one version. */
export interface Play {
  readonly id: string;
  readonly version: AbiVersion;
  readonly row: Case;
  /** In nuncio, with supersets switched off. */
  readonly asEnvoy?: true;
}

/** All cases, those of several versions several times. */
export function playsOf(cases: readonly Case[]): Play[] {
  return cases.flatMap((row) => (row.versions ?? [row.version ?? "0.2.1"]).map((version) => ({ row, version })))
    .map((play, index) => ({ ...play, id: `p${index}` }));
}

/** A port by name. */
const MARK = /@([a-z0-9_]+)@/g;
const WAIT_LIMIT_MS = 4000;
/** How long a recording waits for lines that may not come. */
const QUIET_MS = 350;
const GET = "GET /path?q=1 HTTP/1.1\r\nHost: a.example\r\nX-A: one\r\nX-B: 1\r\nX-B: 2\r\n\r\n";

const HTTP_WASM = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
const NETWORK_WASM = "type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm";
const HTTP2 = httpProtocolOptions("explicit_http_config: { http2_protocol_options: {} }");
const TCP_PROXY = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";

function text(value: string): string {
  return `{ "@type": type.googleapis.com/google.protobuf.StringValue, value: ${JSON.stringify(value)} }`;
}

function filter({ id, row, version }: Play, type: string): string {
  const code = btoa(String.fromCharCode(...compileProbe({ ...row, version })));
  const configuration = row.configuration === undefined ? "" : `configuration: ${text(row.configuration)}\n`;
  const vmConfiguration = row.vmConfiguration === undefined ? "" : `configuration: ${text(row.vmConfiguration)}\n`;
  return `- name: probe
  typed_config:
    "@type": ${type}
    config:
      name: ${id}
      root_id: root
${indent(`${configuration}${row.plugin ?? ""}`, 6)}      vm_config:
        vm_id: ${row.vmId ?? id}
        runtime: envoy.wasm.runtime.v8
        code: { local: { inline_bytes: ${code} } }
${indent(`${vmConfiguration}${row.vm ?? ""}`, 8)}`;
}

function listener(play: Play): string {
  const { network, manager = "", listener = "" } = play.row;
  if (network === undefined) return httpListener(play.id, { filters: filter(play, HTTP_WASM), manager, listener });
  return tcpListener(
    play.id,
    `${filter(play, NETWORK_WASM)}- name: tcp
  typed_config: { "@type": ${TCP_PROXY}, stat_prefix: t, cluster: u }
`,
  );
}

/** The runtime keys of plugins that are to do as in Envoy. */
function runtime(plays: readonly Play[]): string {
  const names = plays.filter((play) => play.asEnvoy === true).map(({ id }) => `${id}: { compat: envoy }`);
  if (names.length === 0) return "";
  return `layered_runtime:
  layers: [ { name: compat, static_layer: { nuncio: { wasm: { plugins: { ${names.join(", ")} } } } } } ]
`;
}

export interface PlayOptions {
  /** nuncio unless said otherwise. */
  readonly proxy?: ProxyCommand;
  /** What a play should tell; absent when that is to be found out. */
  readonly expectedLines?: (play: Play) => readonly string[];
}

interface PlayedProxy {
  /** What it logged so far. */
  output(): string;
  stop(): Promise<unknown>;
}

/** Listeners take any port. `ports` gets those of the listeners. */
async function startNuncio(yaml: string, plays: readonly Play[], ports: Map<string, number>): Promise<PlayedProxy> {
  ports.set("dead", (await freePorts(1))[0]!);
  const text = yaml.replaceAll("FOLDER/access.log", "/dev/null").replace(
    MARK,
    (_mark, name) => `${ports.get(name) ?? 0}`,
  );
  const proxy = await startEmbedded(text, { logLevels: { wasm: "error" }, keepsTrialThread: true });
  for (const { id } of plays) ports.set(id, proxy.port(id));
  return { output: () => proxy.log, stop: () => proxy.stop() };
}

/** Listeners get ports that are free. */
async function startOther(
  proxy: ProxyCommand,
  yaml: string,
  plays: readonly Play[],
  ports: Map<string, number>,
): Promise<PlayedProxy> {
  const names = [...plays.map(({ id }) => id), "admin", "dead"];
  const free = await freePorts(names.length);
  names.forEach((name, i) => ports.set(name, free[i]!));
  return await startProxy(yaml.replace(MARK, (_mark, name) => String(ports.get(name))), {
    proxy,
    args: ["--concurrency", "1", "-l", "info", "--component-log-level", "wasm:error"],
  });
}

/** Plays all, one after the other. */
export async function playCases(plays: readonly Play[], options: PlayOptions = {}): Promise<CaseObservation[]> {
  const upstream = await ScriptedUpstream.start("u");
  const service = plays.some(({ row }) => row.grpc === true) ? await GrpcService.start() : null;
  let proxy: PlayedProxy | null = null;
  try {
    const ports = new Map([["u", upstream.port]]);
    const clusters = [cluster("u"), cluster("dead"), emptyCluster("empty")];
    if (service !== null) {
      ports.set("g", service.port);
      clusters.push(cluster("g", HTTP2));
    }
    const yaml = `${bootstrap(plays.map(listener), clusters)}${runtime(plays)}`;
    proxy = options.proxy === undefined
      ? await startNuncio(yaml, plays, ports)
      : await startOther(options.proxy, yaml, plays, ports);
    const normalise = normaliser(ports);
    const observations: CaseObservation[] = [];
    for (const play of plays) {
      const sightings: Sighting[] = [];
      upstream.begin(play.row.upstream, sightings);
      if (play.row.waitMs !== undefined) await pause(play.row.waitMs);
      const client = play.row.client === null ? [] : await playClient(
        ports.get(play.id)!,
        play.row.client ?? GET,
        (count) => waitUntil(() => sightings.length >= count),
        (bytes) => bytes.replace(MARK, (mark, name: string) => String(ports.get(name) ?? mark)),
        () => Promise.resolve(),
      );
      const lines = await linesOf(proxy, play, options.expectedLines?.(play) ?? null);
      await waitUntil(() => upstream.idle);
      if (/Caught (Segmentation fault|Aborted)/.test(proxy.output())) throw new Error("the proxy came down");
      const seen = normalise({ name: play.row.name, client, upstreams: sightings, log: [] }, false);
      observations.push({
        name: play.row.name,
        version: play.version,
        lines,
        client: play.row.watch?.includes("client") === true ? seen.client : seen.client.map(firstLine),
        ...(play.row.watch?.includes("upstream") === true ? { upstreams: seen.upstreams } : {}),
      });
    }
    return observations;
  } catch (error) {
    throw new Error(`${String(error)}\n${proxy?.output().slice(-6000) ?? ""}`, { cause: error });
  } finally {
    await upstream.stop();
    await proxy?.stop();
    await service?.stop();
  }
}

function firstLine(got: Message | string): string {
  return typeof got === "string" ? got : got.head[0]!;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function waitUntil(done: () => boolean, limitMs: number = WAIT_LIMIT_MS): Promise<void> {
  for (const limit = performance.now() + limitMs; !done() && performance.now() < limit;) await pause(4);
}

/** What a probe told, when it is done with telling. */
async function linesOf(proxy: PlayedProxy, play: Play, expected: readonly string[] | null): Promise<string[]> {
  if (expected !== null) await waitUntil(() => toldBy(proxy.output(), play).join() === expected.join());
  else {
    let count = -1;
    for (let quiet = performance.now(); performance.now() < quiet + QUIET_MS; await pause(15)) {
      const now = toldBy(proxy.output(), play).length;
      if (now !== count) quiet = performance.now();
      count = now;
    }
  }
  return toldBy(proxy.output(), play);
}

/** nuncio's lines are JSON; Envoy's end with `wasm log plugin root vm: text`. */
function toldBy(output: string, { id, row }: Play): string[] {
  const all: string[] = [];
  for (const line of output.split("\n")) {
    if (!line.includes(PREFIX)) continue;
    if (line.startsWith("{")) {
      const { plugin, msg } = JSON.parse(line) as { plugin?: string; msg?: string };
      if (plugin === id && msg?.startsWith(`${PREFIX} `)) all.push(msg.slice(PREFIX.length + 1));
    } else {
      // The prefix has the plugin's name but in root contexts; the VM's id it always has.
      const match = / wasm log ([^:]*): probe (.*)$/.exec(line);
      if (match !== null && match[1]!.split(" ").includes(id)) all.push(match[2]!);
    }
  }
  // A proxy may try the plugin on a VM of its own before it serves: the last VM that was made is the one.
  const vm = all.findLast((line) => / > proxy_on_context_create \d+ 0$/.test(line))?.split(" ")[0];
  return all.filter((line) => vm === undefined || line.split(" ")[0] === vm)
    .map((line) => readable(line.split(" ").slice(2))).filter((line) => row.ignore?.test(line) !== true);
}

/** A line for people: names instead of numbers, text instead of hexadecimal bytes. */
function readable(words: readonly string[]): string {
  const [name, status, ...results] = words;
  if (!HOSTCALLS.some((each) => each.name === name)) return words.join(" ");
  return [name, enumName(Status, Number(status)), ...results.map(readableResult)].join(" ");
}

function readableResult(word: string): string {
  const match = /^(!?)(\d+):([0-9a-f]*)$/.exec(word);
  if (match === null) return word;
  const bytes = match[3]!.match(/../g)?.map((hex) => parseInt(hex, 16)) ?? [];
  const isText = bytes.every((byte) => byte >= 32 && byte < 127);
  const shown = isText ? JSON.stringify(String.fromCharCode(...bytes)) : `<${match[3]}>`;
  const cut = Number(match[2]) > bytes.length ? ` of ${match[2]} bytes` : "";
  return `${shown}${cut}${match[1] === "!" ? " at a place" : ""}`;
}

/** Versions that have a host function. */
export function versionsOf(hostcall: string): readonly AbiVersion[] {
  return HOSTCALLS.find((each) => each.name === hostcall)?.versions ?? ABI_VERSIONS;
}
