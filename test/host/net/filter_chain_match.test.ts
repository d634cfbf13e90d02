// test/host/net/filter_chain_match.test.ts: which filter chain gets a connection.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { cidrBlock } from "../../../host/base/cidr.ts";
import { ipAddress, pipeAddress } from "../../../host/net/address.ts";
import { FilterChainMatcher, type MatchSubject } from "../../../host/net/filter_chain_match.ts";
import { type FilterChainMatchPlan, MATCH_ANY } from "../../../host/net/plan.ts";

function subject(changes: Partial<MatchSubject> = {}): MatchSubject {
  const remote = changes.remoteAddress ?? ipAddress("203.0.113.7", 40_000);
  return {
    localAddress: ipAddress("10.0.0.1", 443),
    remoteAddress: remote,
    directRemoteAddress: remote,
    serverName: "",
    transportProtocol: "raw_buffer",
    applicationProtocols: [],
    ...changes,
  };
}

/** Chains by name, so that a table can say which one is expected. */
function matcher(chains: Record<string, Partial<FilterChainMatchPlan>>): (changes?: Partial<MatchSubject>) => string {
  const names = Object.keys(chains);
  const built = new FilterChainMatcher(names.map((name) => ({ ...MATCH_ANY, ...chains[name] })));
  assert.equal(built.conflicts, []);
  return (changes) => names[built.find(subject(changes))] ?? "none";
}

test("a chain without criteria takes everything, unix sockets too", () => {
  const find = matcher({ all: {} });
  assert.is(find(), "all");
  assert.is(find({ serverName: "a.b", transportProtocol: "tls", applicationProtocols: ["h2"] }), "all");
  assert.is(
    find({ localAddress: pipeAddress("/s"), remoteAddress: pipeAddress(""), directRemoteAddress: pipeAddress("") }),
    "all",
  );
  assert.is(find({ localAddress: ipAddress("::1", 1), remoteAddress: ipAddress("::1", 2) }), "all");
});

test("no chains: none", () => assert.is(matcher({})(), "none"));

test("server names: exact, then the longest suffix, then any", () => {
  const find = matcher({
    exact: { serverNames: ["a.example"] },
    suffix: { serverNames: ["*.example"] },
    longer: { serverNames: ["*.sub.example", "other.test"] },
    rest: {},
  });
  assert.is(find({ serverName: "a.example" }), "exact");
  assert.is(find({ serverName: "b.example" }), "suffix");
  assert.is(find({ serverName: "x.y.example" }), "suffix");
  assert.is(find({ serverName: "x.sub.example" }), "longer");
  assert.is(find({ serverName: "sub.example" }), "suffix");
  assert.is(find({ serverName: "other.test" }), "longer");
  assert.is(find({ serverName: "example" }), "rest");
  assert.is(find({ serverName: "" }), "rest");
});

test("no backtracking: the exact name is taken although its protocols do not fit", () => {
  const find = matcher({
    exact: { serverNames: ["a.example"], applicationProtocols: ["h2"] },
    suffix: { serverNames: ["*.example"] },
  });
  assert.is(find({ serverName: "a.example", applicationProtocols: ["h2", "http/1.1"] }), "exact");
  assert.is(find({ serverName: "a.example", applicationProtocols: ["http/1.1"] }), "none");
  assert.is(find({ serverName: "b.example", applicationProtocols: ["http/1.1"] }), "suffix");
});

test("no backtracking: the destination port is taken although nothing below it fits", () => {
  const find = matcher({
    port: { destinationPort: 443, serverNames: ["a"] },
    rest: {},
  });
  assert.is(find({ serverName: "a" }), "port");
  assert.is(find({ serverName: "b" }), "none");
  assert.is(find({ localAddress: ipAddress("10.0.0.1", 80) }), "rest");
});

test("destination ranges: the longest prefix", () => {
  const find = matcher({
    narrow: { prefixRanges: [cidrBlock("10.0.0.1", 32)!, cidrBlock("2001:db8::", 64)!] },
    wide: { prefixRanges: [cidrBlock("10.0.0.0", 8)!] },
  });
  assert.is(find(), "narrow");
  assert.is(find({ localAddress: ipAddress("10.9.9.9", 443) }), "wide");
  assert.is(find({ localAddress: ipAddress("2001:db8::9", 443) }), "narrow");
  assert.is(find({ localAddress: ipAddress("11.0.0.1", 443) }), "none");
});

test("transport and application protocols", () => {
  const find = matcher({
    h2: { transportProtocol: "tls", applicationProtocols: ["h2"] },
    tls: { transportProtocol: "tls" },
    raw: { transportProtocol: "raw_buffer" },
  });
  assert.is(find({ transportProtocol: "tls", applicationProtocols: ["h2", "http/1.1"] }), "h2");
  assert.is(find({ transportProtocol: "tls", applicationProtocols: ["http/1.1"] }), "tls");
  assert.is(find({ transportProtocol: "raw_buffer" }), "raw");
  assert.is(find({ transportProtocol: "quic" }), "none");
});

test("application protocols are tried in the client's order", () => {
  const find = matcher({ one: { applicationProtocols: ["http/1.1"] }, two: { applicationProtocols: ["h2"] } });
  assert.is(find({ applicationProtocols: ["h2", "http/1.1"] }), "two");
  assert.is(find({ applicationProtocols: ["http/1.1", "h2"] }), "one");
});

test("source types", () => {
  const find = matcher({ local: { sourceType: "SAME_IP_OR_LOOPBACK" }, external: { sourceType: "EXTERNAL" } });
  assert.is(find(), "external");
  assert.is(find({ remoteAddress: ipAddress("127.0.0.1", 5) }), "local");
  assert.is(find({ remoteAddress: ipAddress("10.0.0.1", 5) }), "local");
  const some = matcher({ local: { sourceType: "SAME_IP_OR_LOOPBACK" }, any: {} });
  assert.is(some(), "any");
  assert.is(some({ remoteAddress: ipAddress("127.0.0.1", 5) }), "local");
});

test("direct source, source and source port, in that order", () => {
  const range = (address: string, prefixBits: number) => [cidrBlock(address, prefixBits)!];
  const find = matcher({
    proxied: { directSourcePrefixRanges: range("192.0.2.0", 24) },
    port: { sourcePrefixRanges: range("203.0.113.0", 24), sourcePorts: [40_000, 40_001] },
    net: { sourcePrefixRanges: range("203.0.113.0", 24) },
    rest: {},
  });
  assert.is(find({ directRemoteAddress: ipAddress("192.0.2.9", 1) }), "proxied");
  assert.is(find(), "port");
  assert.is(find({ remoteAddress: ipAddress("203.0.113.7", 1) }), "net");
  assert.is(find({ remoteAddress: ipAddress("198.51.100.1", 40_000) }), "rest");
});

test("the same rules twice are a conflict, also when they only overlap", () => {
  const any = MATCH_ANY;
  const conflicts = (matches: Partial<FilterChainMatchPlan>[]) =>
    new FilterChainMatcher(matches.map((match) => ({ ...any, ...match }))).conflicts;
  assert.equal(conflicts([{}, {}]), [{ first: 0, second: 1 }]);
  assert.equal(conflicts([{ serverNames: ["a", "b"] }, { serverNames: ["b", "c"] }]), [{ first: 0, second: 1 }]);
  assert.equal(conflicts([{ serverNames: ["a"] }, { serverNames: ["b"] }, { sourcePorts: [1] }]), []);
  assert.equal(
    conflicts([{ prefixRanges: [cidrBlock("10.0.0.1", 8)!] }, {
      prefixRanges: [cidrBlock("10.9.0.0", 8)!],
    }]),
    [{ first: 0, second: 1 }],
  );
});

test.run();
