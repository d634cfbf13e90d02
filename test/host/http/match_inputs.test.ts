// test/host/http/match_inputs.test.ts: what match trees see of a stream.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromLatin1 } from "../../../host/base/bytes.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { compileHttpInput, type HttpInputPlan } from "../../../host/http/match_inputs.ts";
import { MetadataInput } from "../../../host/matching/input_test.ts";
import type { TlsInfo } from "../../../host/observe/stream_info.ts";
import { infoOf, requestOf } from "../router/support.ts";

const info = infoOf({
  client: { address: "10.0.0.9", port: 5, text: "10.0.0.9:5" },
  server: { address: "192.0.2.1", port: 443, text: "192.0.2.1:443" },
  tls: {
    uriSanPeerCertificate: ["spiffe://a", "spiffe://b"],
    dnsSanPeerCertificate: [],
    subjectPeerCertificate: "CN=c",
  } as Partial<TlsInfo>,
});
info.connection.requestedServerName = "sni.example";
info.mergeDynamicMetadata("f", { a: { b: 7 } });
info.filterState.set("k", { value: fromLatin1("state"), readOnly: true });
const requestHeaders = requestOf({
  path: "/p?q=a%20b&q=2&%71x=y&empty#q=z",
  headers: [["x-a", "1"], ["x-a", "2"]],
});
const responseHeaders = new HeaderMap();
responseHeaders.status = 204;
const before = { info, requestHeaders, requestTrailers: null, responseHeaders: null, responseTrailers: null };
const after = { ...before, responseHeaders };

const ROWS: readonly (readonly [HttpInputPlan, string | null | undefined])[] = [
  [{ kind: "requestHeaders", name: "x-a" }, "1,2"],
  [{ kind: "requestHeaders", name: "x-b" }, null],
  [{ kind: "requestTrailers", name: "x-b" }, undefined],
  [{ kind: "responseHeaders", name: "x-b" }, undefined],
  [{ kind: "queryParameter", name: "q" }, "a b"],
  [{ kind: "queryParameter", name: "qx" }, "y"],
  [{ kind: "queryParameter", name: "empty" }, ""],
  [{ kind: "queryParameter", name: "none" }, null],
  [{ kind: "sourceIp" }, "10.0.0.9"],
  [{ kind: "sourcePort" }, "5"],
  [{ kind: "directSourceIp" }, "10.0.0.9"],
  [{ kind: "sourceType" }, null],
  [{ kind: "destinationIp" }, "192.0.2.1"],
  [{ kind: "destinationPort" }, "443"],
  [{ kind: "serverName" }, "sni.example"],
  [{ kind: "uriSan" }, "spiffe://a,spiffe://b"],
  [{ kind: "dnsSan" }, null],
  [{ kind: "subject" }, "CN=c"],
  [{ kind: "filterState", key: "k" }, "state"],
  [{ kind: "filterState", key: "none" }, null],
  [{ kind: "environment", value: "v" }, "v"],
  [{ kind: "statusCode" }, undefined],
  [{ kind: "statusCodeClass" }, undefined],
];

for (const [plan, expected] of ROWS) {
  test(`${plan.kind} ${"name" in plan ? plan.name : ""}`, () => {
    assert.is(compileHttpInput(plan)(before), expected);
  });
}

test("inputs of a response", () => {
  assert.is(compileHttpInput({ kind: "statusCode" })(after), "204");
  assert.is(compileHttpInput({ kind: "statusCodeClass" })(after), "2xx");
  assert.is(compileHttpInput({ kind: "responseHeaders", name: "x-b" })(after), null);
});

test("metadata keeps its type", () => {
  const value = compileHttpInput({ kind: "dynamicMetadata", namespace: "f", path: ["a", "b"] })(before);
  assert.equal((value as MetadataInput).value, 7);
});

test("a client of the same machine is local", () => {
  const local = { ...before, info: infoOf() };
  assert.is(compileHttpInput({ kind: "sourceType" })(local), "local");
});

test.run();
