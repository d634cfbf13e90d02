// test/host/net/address.test.ts: addresses and their texts.
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  ipAddress,
  isPipe,
  listenAddressText,
  parseAddress,
  pipeAddress,
  pipePath,
} from "../../../host/net/address.ts";

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

test("addresses of listeners", () => {
  assert.is(listenAddressText({ address: "127.0.0.1", port: 80 }), "127.0.0.1:80");
  assert.is(listenAddressText({ address: "::1", port: 80 }), "[::1]:80");
  assert.is(listenAddressText({ address: "::", port: 0 }), "[::]:0");
  for (const path of ["/run/web.sock", "web.sock", "@web"]) {
    assert.is(listenAddressText({ address: path, port: 0 }), path);
  }
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

test.run();
