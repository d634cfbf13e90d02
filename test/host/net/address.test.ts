import { test } from "uvu";
import * as assert from "uvu/assert";
import { ipAddress, isPipe, parseAddress, pipeAddress, pipePath } from "../../../host/net/address.ts";
import { CidrMap, formatCidr, formatIp, isLoopback, parseIp } from "../../../host/net/ip.ts";

test("parseIp() takes what is an address and nothing else", () => {
  const good: [string, string][] = [
    ["127.0.0.1", "127.0.0.1"],
    ["255.255.255.255", "255.255.255.255"],
    ["0.0.0.0", "0.0.0.0"],
    ["::", "::"],
    ["::1", "::1"],
    ["2001:DB8::0:1", "2001:db8::1"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
    ["::ffff:1.2.3.4", "::ffff:102:304"],
    ["fe80::", "fe80::"],
    ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
  ];
  for (const [text, canonical] of good) {
    const ip = parseIp(text);
    assert.ok(ip, text);
    assert.is(formatIp(ip!), canonical);
  }
  const bad = [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4 ",
    "1..2.3",
    "a.b.c.d",
    "localhost",
    ":",
    ":::",
    "1::2::3",
    "12345::",
    "g::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "::1%eth0",
    "1.2.3.4::",
    "::1.2.3.4.5",
    "1:2:3:4:5:6:7::8",
  ];
  for (const text of bad) assert.is(parseIp(text), null, text);
});

test("loopback", () => {
  for (const text of ["127.0.0.1", "127.255.0.9", "::1"]) assert.is(isLoopback(parseIp(text)!), true, text);
  for (const text of ["128.0.0.1", "::2", "1::1", "0.0.0.0"]) assert.is(isLoopback(parseIp(text)!), false, text);
});

test("parseAddress() and its text", () => {
  const cases: [string, string | null, number][] = [
    ["1.2.3.4:80", "1.2.3.4:80", 80],
    ["[::1]:8080", "[::1]:8080", 8080],
    ["[2001:DB8::1]:1", "[2001:db8::1]:1", 1],
    ["unix:/run/x.sock", "/run/x.sock", 0],
    ["/run/x.sock", "/run/x.sock", 0],
    ["@name", "@name", 0],
    ["1.2.3.4", null, 0],
    ["1.2.3.4:65536", null, 0],
    ["1.2.3.4:-1", null, 0],
    ["1.2.3.4:", null, 0],
    ["::1:80", null, 0],
    ["[1.2.3.4]:80", null, 0],
    ["host:80", null, 0],
    ["unix:", null, 0],
    ["", null, 0],
  ];
  for (const [text, expected, port] of cases) {
    const address = parseAddress(text);
    assert.is(address?.text ?? null, expected, text);
    if (address !== null) assert.is(address.port, port);
  }
});

test("an IPv4 client of a dual-stack listener is shown as IPv4", () => {
  assert.is(ipAddress("::ffff:10.0.0.1", 5).text, "10.0.0.1:5");
  assert.is(ipAddress("::1", 5).text, "[::1]:5");
});

test("pipes", () => {
  assert.is(isPipe(pipeAddress("/a")), true);
  assert.is(isPipe(pipeAddress("a.sock")), true);
  assert.is(isPipe(pipeAddress("")), true);
  assert.is(isPipe(ipAddress("127.0.0.1", 0)), false);
  assert.is(isPipe(ipAddress("::", 0)), false);
  assert.is(pipePath(pipeAddress("@name")), "\0name");
  assert.is(pipePath(pipeAddress("/a")), "/a");
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
  assert.is(formatCidr(parseIp("10.1.2.3")!, 12), "10.0.0.0/12");
  assert.is(formatCidr(parseIp("2001:db8:ffff::1")!, 33), "2001:db8:8000::/33");
});

test.run();
