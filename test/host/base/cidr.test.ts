// test/host/base/cidr.test.ts: address blocks.
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { cidrBlock, CidrMap, formatCidr, inCidrBlock } from "../../../host/base/cidr.ts";
import { parseIp } from "../../../host/base/ip.ts";

function isIn(address: string, prefixBits: number, text: string): boolean {
  return inCidrBlock(cidrBlock(address, prefixBits)!, parseIp(text)!);
}

test("addresses in and beside blocks", () => {
  const cases: [string, number, string, boolean][] = [
    ["10.1.2.3", 8, "10.255.255.255", true],
    ["10.1.2.3", 8, "11.0.0.0", false],
    ["10.0.0.0", 8, "::ffff:10.0.0.1", false],
    ["192.168.1.128", 25, "192.168.1.255", true],
    ["192.168.1.128", 25, "192.168.1.127", false],
    ["1.2.3.4", 32, "1.2.3.4", true],
    ["1.2.3.4", 32, "1.2.3.5", false],
    ["1.2.3.4", 99, "1.2.3.5", false],
    ["0.0.0.0", 0, "255.1.2.3", true],
    ["0.0.0.0", 0, "::1", false],
    ["2001:db8::", 33, "2001:db8:7fff::1", true],
    ["2001:db8::", 33, "2001:db8:8000::1", false],
    ["::1", 128, "::1", true],
    ["::1", 128, "::2", false],
  ];
  for (const [address, bits, text, inside] of cases) {
    assert.is(isIn(address, bits, text), inside, `${address}/${bits} ${text}`);
  }
});

test("what is no block is refused", () => {
  assert.is(cidrBlock("example", 8), null);
  assert.is(cidrBlock("10.0.0.0", -1), null);
  assert.is(cidrBlock("10.0.0.0", 1.5), null);
});

test("property: membership is equality of the masked bits", () => {
  const quad = fc.nat(0xffffffff);
  const text = (value: number): string => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
  fc.assert(
    fc.property(quad, quad, fc.integer({ min: 0, max: 32 }), (base, address, bits) => {
      const divisor = 2 ** (32 - bits);
      const expected = Math.floor(base / divisor) === Math.floor(address / divisor);
      return isIn(text(base), bits, text(address)) === expected;
    }),
    { seed: 3 },
  );
});

test("CidrMap finds the longest prefix", () => {
  const map = new CidrMap<string>();
  assert.is(map.isEmpty, true);
  const add = (text: string): void => {
    const [address, bits] = text.split("/");
    map.setRange(parseIp(address!)!, Number(bits), text);
  };
  ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "0.0.0.0/0", "2001:db8::/32", "2001:db8:0:1::/64", "192.168.128.0/17"]
    .forEach(add);
  const cases: [string, string | undefined][] = [
    ["10.1.2.3", "10.1.2.3/32"],
    ["10.1.2.4", "10.1.0.0/16"],
    ["10.2.0.0", "10.0.0.0/8"],
    ["11.0.0.0", "0.0.0.0/0"],
    ["192.168.127.255", "0.0.0.0/0"],
    ["192.168.200.1", "192.168.128.0/17"],
    ["2001:db8:0:1::5", "2001:db8:0:1::/64"],
    ["2001:db8:1::", "2001:db8::/32"],
    ["2001:db9::", undefined],
  ];
  for (const [ip, expected] of cases) assert.is(map.lookup(parseIp(ip)!), expected, ip);
  assert.is(map.getRange(parseIp("10.99.0.0")!, 8), "10.0.0.0/8");
  assert.is(map.getRange(parseIp("10.0.0.0")!, 9), undefined);
  assert.is(formatCidr(cidrBlock("10.1.2.3", 12)!), "10.0.0.0/12");
  assert.is(formatCidr(cidrBlock("2001:db8:ffff::1", 33)!), "2001:db8:8000::/33");
});

test.run();
