// test/host/net/dns.test.ts: names to addresses, from name servers of the test.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../host/base/clock.ts";
import { SeededRandom } from "../../../host/base/random.ts";
import { createDnsResolver, type DnsAnswer, type DnsLookupFamily, type DnsResolver } from "../../../host/net/dns.ts";
import { decodeResponse, encodeQuery, RecordType } from "../../../host/net/dns_message.ts";
import { DnsStats } from "../../../host/net/dns_stats.ts";
import { HostsFile, parseHosts } from "../../../host/net/hosts_file.ts";
import { parseResolvConf, readResolvConf, searchedNames } from "../../../host/net/resolv_conf.ts";
import { StatsStore } from "../../../host/observe/stats.ts";
import { systemClock } from "../../../host/platform/system_clock.ts";
import { NameServer } from "../../support/name_server.ts";

function resolve(resolver: DnsResolver, name: string, family: DnsLookupFamily): Promise<DnsAnswer> {
  return new Promise((settle) => resolver.resolve(name, family, settle));
}

/** An answer in one line. */
function brief(answer: DnsAnswer): string {
  if (answer.status === "failed") return `failed ${answer.details}`;
  const addresses = answer.addresses.map(({ address, ttlSeconds }) => `${address}/${ttlSeconds}`);
  return addresses.length > 0 ? addresses.join(" ") : `none ${answer.details}`;
}

const V6 = "2001:db8::1";
const NO_DATA = "none cares_norecords:DNS server returned answer with no data";
const NO_NAME = "none cares_norecords:Domain name not found";
const PLAIN = { useSearchDomains: false, timeoutMs: 20_000 };

test("families, as Envoy asks them", async () => {
  const server = new NameServer({
    "both.test": { a: ["10.0.0.1", "10.0.0.2"], aaaa: [V6] },
    "four.test": { a: ["10.0.0.3"] },
  });
  const resolver = createDnsResolver({ ...PLAIN, servers: [await server.start()] });
  const ask = async (name: string, family: DnsLookupFamily) => brief(await resolve(resolver, name, family));
  const v4 = "10.0.0.1/77 10.0.0.2/77";
  assert.is(await ask("both.test", "V4_ONLY"), v4);
  assert.is(await ask("BOTH.test.", "V6_ONLY"), "2001:db8::1/77");
  assert.is(await ask("both.test", "AUTO"), "2001:db8::1/77");
  assert.is(await ask("both.test", "V4_PREFERRED"), v4);
  assert.equal((await ask("both.test", "ALL")).split(" ").sort(), [...v4.split(" "), "2001:db8::1/77"]);
  assert.is(await ask("four.test", "AUTO"), "10.0.0.3/77");
  assert.is(await ask("four.test", "V6_ONLY"), NO_DATA);
  assert.is(await ask("nowhere.test", "AUTO"), NO_NAME);
  server.close();
});

test("servers that fail: each is asked as often as allowed, then the reason is told", async () => {
  const store = StatsStore.create();
  const server = new NameServer({ "broken.test": { code: 2 }, "refused.test": { code: 5 } });
  const environment = { clock: systemClock, random: new SeededRandom(1), stats: new DnsStats(store) };
  const resolver = createDnsResolver({ ...PLAIN, servers: [await server.start()], tries: 3 }, environment);
  const ask = async (name: string) => brief(await resolve(resolver, name, "V4_ONLY"));
  assert.is(await ask("broken.test"), "failed cares_failure:DNS server returned general failure");
  assert.is(server.asked.length, 3);
  assert.is(await ask("refused.test"), "failed cares_failure:DNS server refused query");
  assert.is(await ask("a..test"), "failed cares_failure:Misformatted domain name");
  assert.is(await ask("nowhere.test"), NO_NAME);
  const stats = ["resolve_total", "get_addr_failure", "not_found", "pending_resolutions"];
  assert.equal(stats.map((name) => store.valueOf(`dns.cares.${name}`)), [4, 3, 1, 0]);
  server.close();
});

test("a server that is silent: the next attempt comes after the time-out, which doubles", async () => {
  const server = new NameServer({ "slow.test": { a: ["10.0.0.1"], silent: 2 }, "dead.test": { silent: 9 } });
  const clock = new ManualClock();
  const environment = { clock, random: new SeededRandom(1), stats: null };
  const options = { useSearchDomains: false, timeoutMs: 1000, servers: [await server.start()], tries: 3 };
  const resolver = createDnsResolver(options, environment);
  const slow = resolve(resolver, "slow.test", "V4_ONLY");
  const seen = async (count: number): Promise<void> => {
    while (server.asked.length < count) await new Promise((settle) => setImmediate(settle));
  };
  await seen(1);
  clock.advance(999);
  assert.is(server.asked.length, 1);
  clock.advance(1);
  await seen(2);
  clock.advance(2000);
  assert.is(brief(await slow), "10.0.0.1/77");
  const dead = resolve(resolver, "dead.test", "V4_ONLY");
  for (const [index, waitMs] of [1000, 2000, 4000].entries()) {
    await seen(4 + index);
    clock.advance(waitMs);
  }
  assert.is(brief(await dead), "failed cares_failure:Timeout while contacting DNS servers");
  assert.is(clock.armedTimers, 0);
  server.close();
});

test("by TCP, asked for so or because a datagram was too small; servers in turn", async () => {
  const zone = { "big.test": { a: ["10.0.0.1"], truncated: true }, "x.test": { a: ["10.0.0.2"] } };
  const first = new NameServer(zone);
  const second = new NameServer(zone);
  const servers = [await first.start(), await second.start()];
  const byUdp = createDnsResolver({ ...PLAIN, servers });
  assert.is(brief(await resolve(byUdp, "big.test", "V4_ONLY")), "10.0.0.1/77");
  assert.equal(first.asked, ["big.test A", "big.test A tcp"]);
  const byTcp = createDnsResolver({ ...PLAIN, servers, useTcp: true, rotate: true });
  await resolve(byTcp, "x.test", "V4_ONLY");
  await resolve(byTcp, "x.test", "V4_ONLY");
  assert.equal([first.asked.at(-1), second.asked], ["x.test A tcp", ["x.test A tcp"]]);
  first.close();
  second.close();
});

test("IP addresses answer themselves, later; a cancelled query does not answer", async () => {
  const server = new NameServer({ "x.test": { a: ["10.0.0.1"] } });
  const resolver = createDnsResolver({ ...PLAIN, servers: [await server.start()] });
  let answered = false;
  const answer = new Promise<DnsAnswer>((settle) =>
    resolver.resolve("192.0.2.1", "AUTO", (each) => {
      answered = true;
      settle(each);
    })
  );
  assert.is(answered, false);
  assert.is(brief(await answer), "192.0.2.1/0");
  assert.is(brief(await resolve(resolver, "::1", "V4_ONLY")), "failed cares_failure:Misformatted domain name");
  assert.is(brief(await resolve(resolver, "a.localhost", "V4_ONLY")), "127.0.0.1/0");
  let late = 0;
  resolver.resolve("x.test", "V4_ONLY", () => late++).cancel();
  resolver.resolve("192.0.2.1", "V4_ONLY", () => late++).cancel();
  await resolve(resolver, "x.test", "V4_ONLY");
  assert.is(late, 0);
  assert.equal(server.asked, ["x.test A"]);
  server.close();
});

test("resolv.conf: servers, and the names that a short name may mean", () => {
  const config = parseResolvConf(
    "nameserver 10.0.0.1 # first\nnameserver ::1\nnameserver bad\nsearch one.test two.test.\noptions rotate ndots:2\n",
  );
  assert.equal(config, { servers: ["10.0.0.1:53", "[::1]:53"], searchDomains: ["one.test", "two.test"], ndots: 2 });
  assert.equal(searchedNames("a", config), ["a.one.test", "a.two.test", "a"]);
  assert.equal(searchedNames("a.b.c", config), ["a.b.c", "a.b.c.one.test", "a.b.c.two.test"]);
  assert.equal(searchedNames("a.", config), ["a"]);
  assert.equal(readResolvConf("/nonexistent"), { servers: [], searchDomains: [], ndots: 1 });
});

test("messages: bytes that are no answer to the question are none", () => {
  const question = { id: 7, name: "a.test", type: RecordType.A };
  const query = encodeQuery(question)!;
  const answer = Uint8Array.of(...query, 0xc0, 12, 0, 1, 0, 1, 0x80, 0, 0, 1, 0, 4, 10, 0, 0, 1);
  answer[2] = 0x81;
  answer[7] = 1;
  const good = { code: 0, truncated: false, records: [{ address: "10.0.0.1", ttlSeconds: 0 }] };
  assert.equal(decodeResponse(answer, question), good);
  assert.equal(decodeResponse(answer, { ...question, name: "A.TEST" }), good);
  assert.is(decodeResponse(answer, { ...question, id: 8 }), null);
  assert.is(decodeResponse(answer, { ...question, name: "b.test" }), null);
  assert.is(decodeResponse(answer, { ...question, type: RecordType.AAAA }), null);
  assert.is(decodeResponse(query, question), null);
  for (let length = 0; length < answer.length; length++) {
    assert.is(decodeResponse(answer.subarray(0, length), question), null, String(length));
  }
  for (const name of ["", ".", "a..b", "a b", "ä", "x".repeat(64), `${"x.".repeat(127)}x`]) {
    assert.is(encodeQuery({ ...question, name }), null, name);
  }
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
  const local = await resolve(createDnsResolver(), "localhost", "V4_ONLY");
  assert.is(local.status, "completed");
  assert.is(local.status === "completed" && local.addresses[0]!.address, "127.0.0.1");
});

test.run();
