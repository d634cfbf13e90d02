// test/host/matching/cidr.test.ts: address ranges.
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { cidrProblem, CidrRangeList } from "../../../host/matching/cidr.ts";

test("addresses in and beside ranges", () => {
  const ranges = new CidrRangeList([
    { address: "10.1.2.3", prefixLength: 8 },
    { address: "192.168.1.128", prefixLength: 25 },
    { address: "1.2.3.4", prefixLength: 32 },
    { address: "2001:db8::", prefixLength: 33 },
    { address: "::1", prefixLength: 128 },
  ]);
  const inside = ["10.0.0.0", "10.255.255.255", "192.168.1.255", "1.2.3.4", "2001:db8:7fff::1", "::1"];
  const outside = ["11.0.0.0", "192.168.1.127", "1.2.3.5", "2001:db8:8000::1", "::2", "::ffff:10.0.0.1", "", "x"];
  for (const address of inside) assert.ok(ranges.contains(address), address);
  for (const address of outside) assert.not(ranges.contains(address), address);
});

test("a prefix of 0 bits holds one family", () => {
  const ranges = new CidrRangeList([{ address: "0.0.0.0", prefixLength: 0 }]);
  assert.ok(ranges.contains("255.1.2.3"));
  assert.not(ranges.contains("::1"));
});

test("what is no range is refused", () => {
  assert.is(cidrProblem({ address: "10.0.0.0", prefixLength: 32 }), null);
  assert.match(cidrProblem({ address: "10.0.0.0", prefixLength: 33 })!, "longer than 32");
  assert.match(cidrProblem({ address: "example", prefixLength: 0 })!, "no IP address");
});

test("property: membership is equality of the masked bits", () => {
  const quad = fc.nat(0xffffffff);
  const text = (value: number): string => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
  fc.assert(
    fc.property(quad, quad, fc.integer({ min: 0, max: 32 }), (base, address, length) => {
      const divisor = 2 ** (32 - length);
      const expected = Math.floor(base / divisor) === Math.floor(address / divisor);
      return new CidrRangeList([{ address: text(base), prefixLength: length }]).contains(text(address)) === expected;
    }),
    { seed: 3 },
  );
});

test.run();
