// test/host/net/proxy_protocol.test.ts: headers of the PROXY protocol.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { latin1Slice } from "../../../host/base/bytes.ts";
import { ipAddress, pipeAddress } from "../../../host/net/address.ts";
import { PROXY_PROTOCOL_V2_LOCAL, proxyProtocolV1 } from "../../../host/net/proxy_protocol.ts";
import type { SocketAddress } from "../../../host/observe/stream_info.ts";

const text = (bytes: Uint8Array): string => latin1Slice(bytes, 0, bytes.length);
const v1 = (source: SocketAddress, destination: SocketAddress): string => text(proxyProtocolV1(source, destination));

test("version 1 is a line with both addresses", () => {
  assert.is(v1(ipAddress("10.0.0.1", 5000), ipAddress("10.0.0.2", 80)), "PROXY TCP4 10.0.0.1 10.0.0.2 5000 80\r\n");
  assert.is(v1(ipAddress("::1", 5000), ipAddress("fe80::2", 80)), "PROXY TCP6 ::1 fe80::2 5000 80\r\n");
});

test("a unix socket has no address to tell", () => {
  assert.is(v1(pipeAddress(""), pipeAddress("/run/a")), "PROXY UNKNOWN\r\n");
});

test("version 2 of the proxy's own connections has no addresses", () => {
  assert.is(text(PROXY_PROTOCOL_V2_LOCAL), "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0");
});

test.run();
