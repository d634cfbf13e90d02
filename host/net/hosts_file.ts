// host/net/hosts_file.ts: names that the machine's hosts file fixes.
/**
 * @see hosts(5)
 * @module
 */
import { readFileSync, statSync } from "node:fs";
import { parseIp } from "../base/ip.ts";

/** A hosts file, read again when it changed. */
export class HostsFile {
  readonly #path: string;
  #stamp = "";
  #names = new Map<string, string[]>();

  constructor(path: string) {
    this.#path = path;
  }

  /** The addresses of `name`, in the file's order; none when the file does not know it. */
  addresses(name: string, version: 4 | 6): readonly string[] {
    this.#refresh();
    const all = this.#names.get(name.toLowerCase()) ?? [];
    return all.filter((address) => parseIp(address)?.version === version);
  }

  #refresh(): void {
    try {
      const facts = statSync(this.#path);
      const stamp = `${facts.ino} ${facts.size} ${facts.mtimeMs}`;
      if (stamp === this.#stamp) return;
      this.#names = parseHosts(readFileSync(this.#path, "utf8"));
      this.#stamp = stamp;
    } catch {
      // Without permission to read it, or without the file, DNS alone decides.
      this.#names = new Map();
      this.#stamp = "";
    }
  }
}

/** Addresses by lower-case name. */
export function parseHosts(text: string): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [address, ...aliases] = line.split("#", 1)[0]!.trim().split(/\s+/);
    if (address === undefined || parseIp(address) === null) continue;
    for (const alias of aliases) {
      const name = alias.toLowerCase();
      const known = names.get(name);
      if (known === undefined) names.set(name, [address]);
      else if (!known.includes(address)) known.push(address);
    }
  }
  return names;
}
