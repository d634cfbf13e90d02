// test/e2e/faults/fault_load.test.ts: load while upstreams die, hang, reset, drip and fail, and DNS is gone.
/**
 * `FAULT_SECONDS=300 node --expose-gc test/e2e/faults/fault_load.test.ts` is the full figure; without it every
 * fault comes once.
 *
 * Three routes: one with retries, which may only fail where nothing can be done any more (a response that broke
 * off), one without, whose failures are those of its upstream, and one whose upstream has a name.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { addressFields } from "../../../host/builder/address.ts";
import { ProxyBuilder } from "../../../host/builder/proxy.ts";
import { NameServer } from "../../support/name_server.ts";
import { freePorts, startProxy } from "../../support/proxy_process.ts";
import { mebibytes } from "../load.ts";
import { get, RawClient } from "../support.ts";
import { BODY, type Fault, FaultyUpstream } from "./faulty_upstream.ts";

const SECONDS = Number(process.env["FAULT_SECONDS"] ?? 0);
const CLIENTS = 16;
const REQUESTS_PER_FAULT = SECONDS === 0 ? 30 : 500;
const UPSTREAM_FAULTS: readonly Fault[] = ["killed", "hung", "reset", "slow", "close", "failing", "half"];
/** The name server does not answer, or knows the name no more. */
const DNS_FAULTS = ["dns_silent", "dns_no_name"] as const;
const PER_TRY_MS = 600;
const TIMEOUT_MS = 8000;
const PLAIN_TIMEOUT_MS = 250;
/** Of a proxy that is flat once it is warm; what one cycle leaves differs by this much. */
const MEMORY_SLACK_BYTES = 24 * 1024 * 1024;
/** Nobody waits longer, whatever the machine does besides. */
const HANG_MS = 30_000;

type AnyFault = Fault | (typeof DNS_FAULTS)[number];
const ROUTES = ["retried", "plain", "named"] as const;
type RouteName = (typeof ROUTES)[number];

/** What became of a request: the status, or `cut`. */
type Outcome = string;

/** Outcomes that the policy explains, by what the upstreams do. */
function explained(route: RouteName, fault: AnyFault): readonly Outcome[] {
  const cut = fault === "reset" ? ["cut"] : [];
  // Hosts stay while nobody says that they are gone.
  if (route === "named") return fault === "dns_no_name" ? ["200", "503 no healthy upstream"] : ["200"];
  if (route === "retried") return ["200", ...cut];
  switch (fault) {
    case "hung":
    case "slow":
      return ["504 upstream request timeout"];
    case "killed":
      return ["503 upstream connect error"];
    case "close":
      return ["503 upstream connect error"];
    case "failing":
      return ["503 failing"];
    case "half":
      return ["503 failing", "200"];
    case "reset":
      return ["cut"];
    case "none":
    case "dns_silent":
    case "dns_no_name":
      return ["200"];
  }
}

class Tally {
  readonly counts = new Map<string, number>();
  readonly problems: string[] = [];
  requests = 0;
  longestMs = 0;

  add(route: RouteName, faults: readonly AnyFault[], outcome: Outcome, ms: number): void {
    this.requests++;
    this.longestMs = Math.max(this.longestMs, ms);
    const key = `${route} ${outcome}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    const allowed = faults.flatMap((fault) => explained(route, fault));
    // A machine that is busy is slow without any fault: the timeout explains itself.
    if (route === "plain" && ms >= PLAIN_TIMEOUT_MS) allowed.push("504 upstream request timeout");
    if (ms < HANG_MS && allowed.some((each) => outcome.startsWith(each))) return;
    if (this.problems.length < 10) this.problems.push(`${faults.join(" or ")}: ${key} after ${Math.round(ms)} ms`);
  }

  /** Requests of a route. */
  routes(route: string): number {
    return [...this.counts].reduce((sum, [key, count]) => key.startsWith(route) ? sum + count : sum, 0);
  }

  status(prefix: string): number {
    return [...this.counts].reduce((sum, [key, count]) => key.split(" ")[1]!.startsWith(prefix) ? sum + count : sum, 0);
  }
}

/** What upstreams may be doing while a request is under way: also what they did before, and do next. */
class Script {
  #current: AnyFault[] = ["none"];
  readonly #started: AnyFault[][] = [];

  begin(): AnyFault[] {
    const faults = [...this.#current];
    this.#started.push(faults);
    return faults;
  }

  end(faults: AnyFault[]): void {
    this.#started.splice(this.#started.indexOf(faults), 1);
  }

  /** While `change` is carried out both are possible. */
  async to(fault: AnyFault, change: () => Promise<unknown>): Promise<void> {
    this.#current.push(fault);
    for (const faults of this.#started) faults.push(fault);
    await change();
    this.#current = [fault];
  }
}

test(`upstreams with every fault, ${SECONDS === 0 ? "once each" : `for ${SECONDS} s`}: answers, counts and memory`, async () => {
  const ports = await freePorts(6);
  const [webPort, adminPort, ...upstreamPorts] = ports as [number, number, ...number[]];
  const upstreams = await Promise.all(upstreamPorts.map((port) => FaultyUpstream.start(port)));
  // Two of four fail; the plain cluster has one of these only.
  const faulty = upstreams.slice(2);
  const zone = { "app.test": { a: ["127.0.0.1"] } };
  const names = new NameServer(zone);
  const nameServer = await names.start();
  const config = new ProxyBuilder()
    .admin(`127.0.0.1:${adminPort}`)
    .cluster("retried", (cluster) => {
      for (const port of upstreamPorts) cluster.endpoint(`127.0.0.1:${port}`);
      // Every client may be retrying at once.
      cluster.connectTimeoutMs(PER_TRY_MS).circuitBreakers({ maxRetries: CLIENTS * 2 })
        .httpHealthCheck({ path: "/", intervalMs: 200, timeoutMs: 200, unhealthyThreshold: 2 })
        .outlierDetection({ consecutive5xx: 5, intervalMs: 200, baseEjectionTimeMs: 300, maxEjectionPercent: 50 });
    })
    .cluster("plain", (cluster) => cluster.endpoint(`127.0.0.1:${upstreamPorts[2]}`))
    .cluster("named", (cluster) =>
      cluster.endpoint(`app.test:${upstreamPorts[0]}`).set({
        dns_lookup_family: "V4_ONLY",
        dns_refresh_rate: "0.05s",
        dns_failure_refresh_rate: { base_interval: "0.05s", max_interval: "0.1s" },
        typed_dns_resolver_config: {
          name: "envoy.network.dns_resolver.cares",
          typed_config: {
            "@type": "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
            resolvers: [addressFields(nameServer)],
            query_timeout_seconds: 1,
            query_tries: 1,
          },
        },
      }))
    .listener("web", `127.0.0.1:${webPort}`, (web) =>
      web.http((http) =>
        http
          .route("/retried", (route) =>
            route.to("retried").timeoutMs(TIMEOUT_MS).retry({
              on: "5xx,reset,connect-failure",
              retries: 6,
              perTryTimeoutMs: PER_TRY_MS,
              fields: {
                host_selection_retry_max_attempts: 10,
                retry_host_predicate: [{
                  name: "envoy.retry_host_predicates.previous_hosts",
                  typed_config: {
                    "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
                  },
                }],
              },
            }))
          .route("/plain", (route) => route.to("plain").timeoutMs(PLAIN_TIMEOUT_MS))
          .route("/named", (route) => route.to("named"))
      ));
  const proxy = await startProxy(JSON.stringify(config), {
    args: ["--concurrency", "1", "-l", "error", "--component-log-level", "main:info"],
  });
  const script = new Script();
  const tally = new Tally();
  await using stop = new AsyncDisposableStack();
  stop.defer(() => Promise.all(upstreams.map((upstream) => upstream.stop())).then(() => names.close()));
  stop.defer(() => proxy.stop().then(() => {}));
  let over = false;
  let changed: (() => void) | null = null;

  const client = async (index: number): Promise<void> => {
    let connection = await RawClient.connect(webPort);
    for (let turn = index; !over; turn++) {
      const route = ROUTES[turn % ROUTES.length]!;
      const faults = script.begin();
      const startMs = performance.now();
      const outcome = await connection.get(`/${route}`).then(
        ({ status, body }) => status !== 200 ? `${status} ${body}` : body === BODY ? "200" : `200 ${body}`,
        () => "cut",
      );
      script.end(faults);
      tally.add(route, faults, outcome, performance.now() - startMs);
      changed?.();
      if (!connection.ended) continue;
      connection.close();
      connection = await RawClient.connect(webPort);
    }
    connection.close();
  };
  /** Settles after so many more requests. */
  const requests = async (count: number): Promise<void> => {
    const goal = tally.requests + count;
    while (tally.requests < goal) await new Promise<void>((resolve) => changed = resolve);
  };
  const stats = async (): Promise<ReadonlyMap<string, number>> => {
    const text = await (await fetch(`http://127.0.0.1:${adminPort}/stats`)).text();
    return new Map(text.split("\n").map((line) => line.split(": ")).map(([name, value]) => [name!, Number(value)]));
  };
  const change = async (fault: AnyFault): Promise<void> => {
    names.zone = fault === "dns_no_name"
      ? {}
      : { "app.test": { ...zone["app.test"], silent: fault === "dns_silent" ? Infinity : 0 } };
    const isDns = fault === "dns_no_name" || fault === "dns_silent";
    await Promise.all(faulty.map((upstream) => upstream.set(isDns ? "none" : fault)));
    // Both are over once the proxy has asked again, and, for a name that is back, has hosts.
    const before = names.asked.length;
    while (isDns && names.asked.length === before) await requests(1);
    for (let status = fault === "none" ? 0 : 200; status !== 200;) {
      status = (await get(webPort, "/named")).status;
      tally.add("named", ["dns_no_name"], status === 200 ? "200" : "503 no healthy upstream", 0);
    }
  };
  const memory: number[] = [];
  const clients = Array.from({ length: CLIENTS }, (_, index) => client(index));
  const startMs = performance.now();
  do {
    for (const fault of [...UPSTREAM_FAULTS, ...DNS_FAULTS]) {
      for (const [next, count] of [[fault, REQUESTS_PER_FAULT], ["none", CLIENTS]] as const) {
        await script.to(next, async () => {
          await change(next);
          // Requests that come now may still meet a connection from before.
          await requests(CLIENTS * 3);
        });
        await requests(count);
      }
    }
    memory.push(residentBytes(proxy.pid));
  } while (performance.now() - startMs < SECONDS * 1000);
  over = true;
  await Promise.all(clients);
  assert.equal(tally.problems, [], "every answer is explained");

  // What was under way is over: nothing is left, and the counters say what the clients saw.
  let counted = await stats();
  const at = (name: string): number => counted.get(name) ?? 0;
  const open = ["http.web.downstream_cx_active", "http.web.downstream_rq_active", "cluster.plain.upstream_rq_active"];
  while (open.some((name) => at(name) > 0)) counted = await stats();
  assert.is(at("http.web.downstream_rq_total"), tally.requests);
  assert.is(at("http.web.downstream_rq_completed"), tally.requests);
  assert.is(at("http.web.downstream_rq_2xx"), tally.status("200") + tally.status("cut"));
  assert.is(at("http.web.downstream_rq_5xx"), tally.status("5"));
  for (const name of ROUTES) {
    const cluster = (stat: string): number => at(`cluster.${name}.${stat}`);
    assert.is(cluster("upstream_rq_active"), 0);
    assert.is(cluster("upstream_rq_pending_active"), 0);
    // What clients asked for and what was tried again either went out or failed before it could.
    assert.is(
      cluster("upstream_rq_total") + cluster("upstream_rq_pending_failure_eject") + cluster("upstream_cx_none_healthy"),
      tally.routes(name) + cluster("upstream_rq_retry"),
    );
    assert.is(cluster("upstream_cx_total"), cluster("upstream_cx_active") + cluster("upstream_cx_destroy"));
  }
  assert.ok(at("cluster.retried.upstream_rq_retry_success") > 0);
  assert.ok(at("cluster.retried.health_check.failure") > 0);
  const total = [...tally.counts].sort().map(([key, count]) => `${key.trim()}: ${count}`).join("; ");
  console.log(`${tally.requests} requests, the longest took ${Math.round(tally.longestMs)} ms; ${total}`);
  if (SECONDS > 0) {
    const third = Math.ceil(memory.length / 3);
    const grown = Math.min(...memory.slice(-third)) - Math.max(...memory.slice(0, third));
    console.log(`${memory.length} cycles; memory at their ends ${memory.map(mebibytes).join(", ")}`);
    assert.ok(grown <= MEMORY_SLACK_BYTES, `memory grew by ${mebibytes(grown)}`);
  }
  proxy.kill("SIGTERM");
  assert.is((await proxy.exited).code, 0);
  assert.not.match(proxy.output(), "a bug was contained");
});

function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match![1]) * 1024;
}

test.run();
