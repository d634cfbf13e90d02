// test/conformance/differential/health_client.ts: answers health checks one by one, and notes what comes of each.
/**
 * Checks follow each other within milliseconds and wait for their answers, so that the script says what happens
 * and not the time.
 *
 * @module
 */
import { get } from "node:http";
import { playClient } from "./client.ts";
import type { CheckAnswer, HealthScript, Message } from "./exchange.ts";
import type { CheckedUpstream } from "./checked_upstream.ts";

const LIMIT_MS = 8000;
/** Until all threads of a proxy know what one of them has found. */
const SPREAD_MS = 10;

export interface HealthPlayground {
  readonly checked: readonly CheckedUpstream[];
  /** Of the listener. */
  readonly port: number;
  readonly admin: number;
}

/** Plays the steps and gives a line or two for each. */
export async function playHealth(script: HealthScript, playground: HealthPlayground): Promise<string[]> {
  const { cluster } = script;
  const { admin, checked, port } = playground;
  const got: string[] = [];
  /** The last answer of each upstream, which it goes on with. */
  const given = new Map<CheckedUpstream, CheckAnswer>();
  const upstream = (name: string): CheckedUpstream => checked.find((each) => each.name === name)!;
  // No check of another host is to be counted between those of the script.
  const names = new Set(
    script.health.flatMap((step) => step === "flags" ? [] : "at" in step ? step.at : "see" in step ? step.see : []),
  );
  await Promise.all([...names].map((name) => upstream(name).next()));
  let counts = await countsOf(admin, cluster);
  const counted = async (grown: (now: Counts) => boolean): Promise<string> => {
    for (const limit = performance.now() + LIMIT_MS;;) {
      const now = await countsOf(admin, cluster);
      if (grown(now)) {
        const names = Object.keys(now).filter((name) => now[name] !== counts[name]).sort();
        counts = now;
        return names.join(" ");
      }
      if (performance.now() > limit) return "nothing";
      await pause(2);
    }
  };
  for (const step of script.health) {
    if (step === "flags") {
      got.push(await flagsOf(admin, cluster));
    } else if ("see" in step) {
      got.push(describe((await upstream(step.see).next()).seen));
    } else if ("get" in step) {
      got.push(await ask(port, step.get));
    } else if ("counted" in step) {
      const before = counts[step.counted] ?? 0;
      got.push(await counted((now) => (now[step.counted] ?? 0) > before));
      await pause(SPREAD_MS);
    } else {
      const check = await upstream(step.at).next();
      counts = await countsOf(admin, cluster);
      const before = results(counts);
      given.set(upstream(step.at), step.answer);
      check.answer(step.answer);
      const names = await counted((now) => results(now) > before);
      await pause(SPREAD_MS);
      got.push(`${names}: ${await flagsOf(admin, cluster)}`);
    }
  }
  for (const [each, answer] of given) each.release(answer);
  return got;
}

type Counts = Readonly<Record<string, number>>;

function results(counts: Counts): number {
  return Object.entries(counts).reduce(
    (sum, [name, count]) => /(^|\.)(success|failure)$/.test(name) ? sum + count : sum,
    0,
  );
}

/** What was counted of results, by name. */
async function countsOf(admin: number, cluster: string): Promise<Counts> {
  const filter = `^cluster\\.${cluster}\\.(health_check|upstream_cx_protocol_error)`;
  const body = await fetch(admin, `/stats?filter=${encodeURIComponent(filter)}`);
  const counts: Record<string, number> = {};
  for (const [, name, value] of body.matchAll(/^cluster\.\w+\.(?:health_check|upstream_cx)[._](\S+): (\d+)$/gm)) {
    if (!name!.endsWith("attempt")) counts[name!] = Number(value);
  }
  return counts;
}

/** `address flags`, host by host. */
async function flagsOf(admin: number, cluster: string): Promise<string> {
  const body = await fetch(admin, `/clusters?filter=${encodeURIComponent(`^${cluster}$`)}`);
  return Array.from(body.matchAll(/^\S+?::(\S+?)::health_flags::(\S+)$/gm), ([, host, flags]) => `${host} ${flags}`)
    .join(", ");
}

async function ask(port: number, path: string): Promise<string> {
  const request = `GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`;
  const [answer] = await playClient(port, request, () => Promise.resolve(), (text) => text, () => Promise.resolve());
  return typeof answer === "object" ? `${path}: ${answer.head[0]} ${answer.body ?? ""}` : `${path}: ${answer}`;
}

function describe(seen: Message | string): string {
  if (typeof seen === "string") return `bytes ${JSON.stringify(seen)}`;
  return [...seen.head, ...(seen.body === undefined ? [] : [JSON.stringify(seen.body)])].join("\n");
}

/** Asks the admin interface. */
function fetch(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path, agent: false }, (response) => {
      let body = "";
      response.setEncoding("latin1").on("data", (chunk: string) => body += chunk);
      response.on("end", () => resolve(body));
      response.on("error", reject);
    }).on("error", reject);
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
