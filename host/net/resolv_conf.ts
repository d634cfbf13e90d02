// host/net/resolv_conf.ts: which name servers the machine asks, and how.
/**
 * @see resolv.conf(5)
 * @module
 */
import { readFileSync } from "node:fs";
import { parseIp, withoutZone } from "../base/ip.ts";

export interface ResolvConf {
  /** `ip:port`. */
  readonly servers: readonly string[];
  /** What is put behind names that have few dots. */
  readonly searchDomains: readonly string[];
  /** Names with as many dots are asked for as they are, before anything is put behind them. */
  readonly ndots: number;
}

const DNS_PORT = 53;
const NOTHING: ResolvConf = { servers: [], searchDomains: [], ndots: 1 };

/** The machine's; without servers where there is no such file. */
export function readResolvConf(path = "/etc/resolv.conf"): ResolvConf {
  try {
    return parseResolvConf(readFileSync(path, "utf8"));
  } catch {
    return NOTHING;
  }
}

export function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = [];
  let searchDomains: string[] = [];
  let ndots = 1;
  for (const line of text.split("\n")) {
    const [keyword, ...values] = line.split(/[#;]/, 1)[0]!.trim().split(/\s+/);
    if (keyword === "nameserver" && values[0] !== undefined && parseIp(withoutZone(values[0])) !== null) {
      servers.push(values[0].includes(":") ? `[${values[0]}]:${DNS_PORT}` : `${values[0]}:${DNS_PORT}`);
    } else if (keyword === "search" || keyword === "domain") {
      // The last one counts.
      searchDomains = values.map((domain) => domain.replace(/\.$/, "")).filter((domain) => domain !== "");
    } else if (keyword === "options") {
      const option = values.find((value) => /^ndots:\d+$/.test(value));
      if (option !== undefined) ndots = Math.min(15, Number(option.slice("ndots:".length)));
    }
  }
  return { servers, searchDomains, ndots };
}

/** The names to ask for, in order. */
export function searchedNames(name: string, { searchDomains, ndots }: ResolvConf): readonly string[] {
  if (name.endsWith(".")) return [name.slice(0, -1)];
  const longer = searchDomains.map((domain) => `${name}.${domain}`);
  return name.split(".").length > ndots ? [name, ...longer] : [...longer, name];
}
