import { createSocket } from "node:dgram";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createDnsResolver, type DnsAnswer, type DnsLookupFamily, type DnsResolver } from "../../../host/net/dns.ts";
import { HostsFile, parseHosts } from "../../../host/net/hosts_file.ts";
import { systemDnsResolver } from "../../../host/net/dns.ts";

/** A name server that knows `zone`: name → A and AAAA records, or a response code. */
class NameServer {
  readonly #socket = createSocket("udp4");
  readonly asked: string[] = [];
  readonly #zone: Record<string, { a?: string[]; aaaa?: number[][]; code?: number }>;

  constructor(zone: Record<string, { a?: string[]; aaaa?: number[][]; code?: number }>) {
    this.#zone = zone;
  }

  start(): Promise<DnsResolver> {
    this.#socket.on("message", (query, from) => this.#socket.send(this.#answer(query), from.port, from.address));
    return new Promise((resolve) =>
      this.#socket.bind(
        0,
        "127.0.0.1",
        () => resolve(createDnsResolver({ servers: [`127.0.0.1:${this.#socket.address().port}`] })),
      )
    );
  }

  close(): void {
    this.#socket.close();
  }

  #answer(query: Uint8Array): Uint8Array {
    const labels: string[] = [];
    let at = 12;
    while (query[at] !== 0) {
      labels.push(new TextDecoder().decode(query.subarray(at + 1, at + 1 + query[at]!)));
      at += query[at]! + 1;
    }
    const type = query[at + 2]!;
    const name = labels.join(".").toLowerCase();
    this.asked.push(`${name} ${type === 1 ? "A" : "AAAA"}`);
    const entry = this.#zone[name] ?? { code: 3 };
    const data = type === 1 ? (entry.a ?? []).map((ip) => ip.split(".").map(Number)) : entry.aaaa ?? [];
    const records = data.flatMap((bytes) => [0xc0, 12, 0, type, 0, 1, 0, 0, 0, 77, 0, bytes.length, ...bytes]);
    const head = [query[0]!, query[1]!, 0x81, 0x80 | (entry.code ?? 0), 0, 1, 0, data.length, 0, 0, 0, 0];
    return new Uint8Array([...head, ...query.subarray(12, at + 5), ...records]);
  }
}

function resolve(resolver: DnsResolver, name: string, family: DnsLookupFamily): Promise<DnsAnswer> {
  return new Promise((settle) => resolver.resolve(name, family, settle));
}

const V6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

test("families, as Envoy asks them", async () => {
  const server = new NameServer({
    "both.test": { a: ["10.0.0.1", "10.0.0.2"], aaaa: [V6] },
    "four.test": { a: ["10.0.0.3"] },
    "broken.test": { code: 2 },
  });
  const resolver = await server.start();
  const v4 = [{ address: "10.0.0.1", ttlSeconds: 77 }, { address: "10.0.0.2", ttlSeconds: 77 }];
  const v6 = [{ address: "2001:db8::1", ttlSeconds: 77 }];
  const completed = (addresses: unknown) => ({ status: "completed", addresses });
  const inOrder = (answer: DnsAnswer) =>
    answer.status === "failed"
      ? answer
      : { ...answer, addresses: answer.addresses.toSorted((x, y) => x.address < y.address ? -1 : 1) };
  assert.equal(inOrder(await resolve(resolver, "both.test", "V4_ONLY")), completed(v4));
  assert.equal(await resolve(resolver, "both.test", "V6_ONLY"), completed(v6));
  assert.equal(await resolve(resolver, "both.test", "AUTO"), completed(v6));
  assert.equal(inOrder(await resolve(resolver, "both.test", "V4_PREFERRED")), completed(v4));
  assert.equal(inOrder(await resolve(resolver, "both.test", "ALL")), completed([...v4, ...v6]));
  assert.equal(await resolve(resolver, "four.test", "AUTO"), completed([{ address: "10.0.0.3", ttlSeconds: 77 }]));
  // Deno does not tell a name that does not exist from a server that does not answer.
  const nothing = process.versions["deno"] === undefined ? completed([]) : { status: "failed", details: "ENOTFOUND" };
  assert.equal(await resolve(resolver, "four.test", "V6_ONLY"), nothing);
  assert.equal(await resolve(resolver, "nowhere.test", "AUTO"), nothing);
  assert.is((await resolve(resolver, "broken.test", "V4_ONLY")).status, "failed");
  server.close();
});

test("IP addresses answer themselves, later; a cancelled query does not answer", async () => {
  const server = new NameServer({ "x.test": { a: ["10.0.0.1"] } });
  const resolver = await server.start();
  let answered = false;
  const answer = new Promise<DnsAnswer>((settle) =>
    resolver.resolve("192.0.2.1", "AUTO", (each) => {
      answered = true;
      settle(each);
    })
  );
  assert.is(answered, false);
  assert.equal(await answer, { status: "completed", addresses: [{ address: "192.0.2.1", ttlSeconds: 0 }] });
  let late = 0;
  resolver.resolve("x.test", "V4_ONLY", () => late++).cancel();
  resolver.resolve("192.0.2.1", "V4_ONLY", () => late++).cancel();
  await resolve(resolver, "x.test", "V4_ONLY");
  assert.is(late, 0);
  assert.equal(server.asked, ["x.test A"]);
  server.close();
});

test("the hosts file comes first", async () => {
  const names = parseHosts(
    "127.0.0.1 localhost me.local # comment\n#1.1.1.1 off\n::1\tlocalhost\nbad line\n10.0.0.1 ME.local\n",
  );
  assert.equal([...names], [["localhost", ["127.0.0.1", "::1"]], ["me.local", ["127.0.0.1", "10.0.0.1"]]]);
  const path = join(mkdtempSync(join(tmpdir(), "nuncio-hosts-")), "hosts");
  const file = new HostsFile(path);
  assert.equal(file.addresses("a.test", 4), []);
  writeFileSync(path, "10.0.0.1 a.test\n");
  assert.equal(file.addresses("A.test", 4), ["10.0.0.1"]);
  assert.equal(file.addresses("a.test", 6), []);
  writeFileSync(path, "10.0.0.22 a.test\n");
  assert.equal(file.addresses("a.test", 4), ["10.0.0.22"]);
  const local = await resolve(systemDnsResolver, "localhost", "V4_ONLY");
  assert.is(local.status, "completed");
  assert.is(local.status === "completed" && local.addresses[0]!.address, "127.0.0.1");
});

test.run();
