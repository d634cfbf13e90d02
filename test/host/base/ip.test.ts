// test/host/base/ip.test.ts: what is an IP address, and which of them are loopback.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { formatIp, isLoopback, parseIp } from "../../../host/base/ip.ts";

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

test.run();
