// test/host/http/conn_manager/original_ip.test.ts: who the client is when other proxies are before this one.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { cidrBlock } from "../../../../host/base/cidr.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { detectOriginalIp, type IpDetectionPlan } from "../../../../host/http/conn_manager/original_ip.ts";

const PEER = { address: "127.0.0.1", port: 1, text: "127.0.0.1:1" };
const hops = (trustedHops: number): IpDetectionPlan => ({ kind: "xff", trustedHops, skipXffAppend: true });
const proxies = (...blocks: string[]): IpDetectionPlan => ({
  kind: "trusted_proxies",
  blocks: blocks.map((block) => cidrBlock(block, 8)!),
  skipXffAppend: true,
});
const header = (changes: { trusted?: boolean; rejectStatus?: number } = {}): IpDetectionPlan => ({
  kind: "custom_header",
  name: "x-ip",
  trusted: false,
  rejectStatus: 0,
  ...changes,
});

/** The address, and in words what else was said. */
function detected(plans: readonly IpDetectionPlan[], fields: Readonly<Record<string, string>> = {}): string {
  const { address, trusted, skipXffAppend, rejectStatus } = detectOriginalIp(plans, HeaderMap.of(fields), PEER);
  return [
    address?.text ?? "-",
    ...(trusted ? ["trusted"] : []),
    ...(skipXffAppend ? [] : ["append"]),
    ...(rejectStatus > 0 ? [rejectStatus] : []),
  ].join(" ");
}

const xff = (value: string): Record<string, string> => ({ "x-forwarded-for": value });

test("hops from the end of x-forwarded-for; one address alone may be an internal caller's", () => {
  const rows: readonly (readonly [number, string, string])[] = [
    [0, "1.1.1.1", "1.1.1.1:0 trusted"],
    [0, "1.1.1.1, 2.2.2.2", "2.2.2.2:0"],
    [1, "1.1.1.1,2.2.2.2", "1.1.1.1:0"],
    [1, "1.1.1.1", "-"],
    [0, "1.1.1.1, nobody", "-"],
    [0, "fe80::1%eth0", "[fe80::1%eth0]:0 trusted"],
  ];
  for (const [trustedHops, value, expected] of rows) assert.is(detected([hops(trustedHops)], xff(value)), expected);
  assert.is(detected([hops(0)]), "-");
  assert.is(detected([{ kind: "xff", trustedHops: 0, skipXffAppend: false }]), "- append");
});

test("the last address that is no trusted proxy's", () => {
  const plans = [proxies("127.0.0.0", "9.0.0.0")];
  assert.is(detected(plans, xff("1.1.1.1, 2.2.2.2, 9.1.1.1,9.2.2.2")), "2.2.2.2:0");
  assert.is(detected(plans, xff("9.1.1.1, 9.2.2.2")), "9.1.1.1:0");
  assert.is(detected(plans, xff("1.1.1.1")), "1.1.1.1:0 trusted");
  assert.is(detected(plans, xff("what, 9.2.2.2")), "-");
  assert.is(detected(plans), "-");
  assert.is(detected([proxies("9.0.0.0")], xff("1.1.1.1")), "- append", "the peer is no trusted proxy itself");
});

test("a header of one's own", () => {
  assert.is(detected([header()], { "x-ip": "1.1.1.1" }), "1.1.1.1:0");
  assert.is(detected([header({ trusted: true })], { "x-ip": "::1" }), "[::1]:0 trusted");
  assert.is(detected([header()], { "x-ip": "1.1.1" }), "-");
  assert.is(detected([header({ rejectStatus: 401 })], { "x-ip": "1.1.1" }), "- 401");
  assert.is(detected([header({ rejectStatus: 401 })], { "x-ip": "1.1.1.1" }), "1.1.1.1:0");
});

test("one after the other", () => {
  const both = { ...xff("2.2.2.2"), "x-ip": "1.1.1.1" };
  assert.is(detected([header(), hops(0)], both), "1.1.1.1:0");
  assert.is(detected([header(), hops(0)], xff("2.2.2.2")), "2.2.2.2:0 trusted");
  assert.is(detected([header({ rejectStatus: 403 }), hops(0)], xff("2.2.2.2")), "- 403");
});

test.run();
