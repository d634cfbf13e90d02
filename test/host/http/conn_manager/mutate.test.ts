// test/host/http/conn_manager/mutate.test.ts: whose request it is, what may be said from outside, what is added.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { cidrBlock } from "../../../../host/base/cidr.ts";
import { ManualClock } from "../../../../host/base/clock.ts";
import { SeededRandom } from "../../../../host/base/random.ts";
import type {
  ConnectionManagerConfig,
  ConnectionManagerPlan,
} from "../../../../host/http/conn_manager/conn_manager_config.ts";
import { HttpDate } from "../../../../host/http/date.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { mutateRequestHeaders, mutateResponseHeaders } from "../../../../host/http/conn_manager/mutate.ts";
import type { ConnectionInfo } from "../../../../host/observe/stream_info.ts";
import { PLAN } from "./downstream.ts";

function configWith(changes: Partial<ConnectionManagerPlan>): ConnectionManagerConfig {
  const clock = new ManualClock();
  return {
    plan: { ...PLAN, ...changes },
    clock,
    random: new SeededRandom(1),
    dates: new HttpDate(clock),
    localAddress: "192.0.2.7",
    serviceCluster: "mesh",
    serviceNode: "",
  } as unknown as ConnectionManagerConfig;
}

function peer(address: string, tls = false): ConnectionInfo {
  return {
    remoteAddress: { address, port: 1, text: "" },
    localAddress: { address: "10.0.0.1", port: 8080, text: "" },
    tls: tls ? {} : null,
  } as unknown as ConnectionInfo;
}

/** Fields of a request after the change, and who is said to have sent it. */
function mutated(
  plan: Partial<ConnectionManagerPlan>,
  fields: Readonly<Record<string, string>> = {},
  from: ConnectionInfo = peer("10.9.9.9"),
): { headers: HeaderMap; remote: string | null } {
  const headers = HeaderMap.of({ ":method": "GET", ":path": "/", ":authority": "a", ...fields });
  const { remoteAddress } = mutateRequestHeaders(
    headers,
    from,
    configWith({ generateRequestId: false, ...plan }),
    false,
    [],
  );
  return { headers, remote: remoteAddress?.address ?? null };
}

function fields(headers: HeaderMap): string[] {
  return headers.entries().filter(([name]) => !name.startsWith(":")).map(([name, value]) => `${name}=${value}`);
}

test("a port that stands for a scheme where another proxy says that it was asked for", () => {
  const restored = (port: number, known = true): ConnectionInfo => ({
    ...peer("10.9.9.9"),
    localAddress: { address: "10.0.0.1", port, text: "" },
    localAddressRestored: known,
  });
  const forwardProto = { httpsPorts: [443], httpPorts: [80] };
  const proto = (plan: Partial<ConnectionManagerPlan>, from: ConnectionInfo, said?: string): string | null =>
    mutated({ forwardProto, ...plan }, said === undefined ? {} : { "x-forwarded-proto": said }, from).headers
      .get("x-forwarded-proto");
  const tls = { tls: {} } as unknown as Partial<ConnectionInfo>;
  for (const useRemoteAddress of [true, false]) {
    assert.is(proto({ useRemoteAddress }, restored(443)), "https");
    assert.is(proto({ useRemoteAddress }, { ...restored(80), ...tls }), "http");
    assert.is(proto({ useRemoteAddress }, restored(8443)), "http");
    assert.is(proto({ useRemoteAddress }, restored(443, false)), "http");
  }
  assert.is(proto({ useRemoteAddress: true }, restored(443), "http"), "https");
  assert.is(proto({ useRemoteAddress: false }, restored(443), "http"), "http");
});

test("a peer on a unix socket is internal where it may be", () => {
  const pipe = { ...peer("/run/a.sock"), remoteAddress: { address: "/run/a.sock", port: 0, text: "/run/a.sock" } };
  const internal = (plan: Partial<ConnectionManagerPlan>, fields: Record<string, string> = {}): boolean =>
    mutated(plan, fields, pipe).headers.has("x-envoy-internal");
  assert.ok(internal({ useRemoteAddress: true, internalUnixSockets: true }));
  assert.not.ok(internal({ useRemoteAddress: true }));
  assert.not.ok(internal({ useRemoteAddress: true, internalUnixSockets: true }, { "x-forwarded-for": "1.1.1.1" }));
  assert.not.ok(internal({ internalUnixSockets: true }));
});

test("the client behind trusted proxies", () => {
  const rows: readonly (readonly [boolean, number, string, string | null])[] = [
    [false, 0, "1.1.1.1, 2.2.2.2", "2.2.2.2"],
    [false, 1, "1.1.1.1, 2.2.2.2", "1.1.1.1"],
    [false, 2, "1.1.1.1, 2.2.2.2", null],
    [false, 0, "nobody", null],
    [false, 0, "2001:db8::1", "2001:db8::1"],
    [true, 0, "1.1.1.1", null],
    [true, 1, "1.1.1.1, 2.2.2.2", "2.2.2.2"],
    [true, 2, "1.1.1.1, 2.2.2.2", "1.1.1.1"],
    [true, 3, "1.1.1.1, 2.2.2.2", null],
  ];
  for (const [useRemoteAddress, xffNumTrustedHops, forwarded, expected] of rows) {
    const { remote } = mutated({ useRemoteAddress, xffNumTrustedHops }, { "x-forwarded-for": forwarded });
    assert.is(remote, expected, `${useRemoteAddress} ${xffNumTrustedHops} ${forwarded}`);
  }
});

test("x-forwarded-for gets the peer, a loopback peer under this machine's own address", () => {
  const plan = { useRemoteAddress: true };
  assert.is(mutated(plan).headers.get("x-forwarded-for"), "10.9.9.9");
  assert.is(mutated(plan, { "x-forwarded-for": "1.1.1.1" }).headers.get("x-forwarded-for"), "1.1.1.1,10.9.9.9");
  assert.is(mutated(plan, {}, peer("127.0.0.1")).headers.get("x-forwarded-for"), "192.0.2.7");
  assert.is(mutated(plan, {}, peer("::1")).headers.get("x-forwarded-for"), "192.0.2.7");
  assert.is(mutated({ ...plan, skipXffAppend: true }).headers.get("x-forwarded-for"), null);
  assert.is(mutated({}, { "x-forwarded-for": "1.1.1.1" }).headers.get("x-forwarded-for"), "1.1.1.1");
});

test("x-forwarded-proto and the scheme", () => {
  const edge = { useRemoteAddress: true };
  const told = { "x-forwarded-proto": "https" };
  assert.is(mutated({}).headers.get("x-forwarded-proto"), "http");
  assert.is(mutated({}, {}, peer("10.9.9.9", true)).headers.get("x-forwarded-proto"), "https");
  assert.is(mutated({}, told).headers.get("x-forwarded-proto"), "https");
  assert.is(mutated(edge, told).headers.get("x-forwarded-proto"), "http");
  assert.is(mutated({ ...edge, xffNumTrustedHops: 1 }, told).headers.get("x-forwarded-proto"), "https");
  assert.is(mutated({}, told).headers.scheme, "https");
  assert.is(mutated({}, { "x-forwarded-proto": "ftp" }).headers.scheme, "http");
  assert.is(mutated({ ...edge, appendXForwardedPort: true }).headers.get("x-forwarded-port"), "8080");
});

test("who is internal: one address that is configured, and nobody by default", () => {
  const internalAddresses = [cidrBlock("10.0.0.0", 8)!];
  const internal = (plan: Partial<ConnectionManagerPlan>, forwarded?: string, from = peer("10.9.9.9")): boolean =>
    mutated({ internalAddresses, ...plan }, forwarded === undefined ? {} : { "x-forwarded-for": forwarded }, from)
      .headers.get("x-envoy-internal") === "true";
  assert.ok(internal({}, "10.1.1.1"));
  assert.not(internal({ internalAddresses: [] }, "10.1.1.1"));
  assert.not(internal({}, "1.1.1.1"));
  assert.not(internal({}, "10.1.1.1, 10.1.1.2"));
  assert.not(internal({}));
  assert.ok(internal({ useRemoteAddress: true }));
  assert.not(internal({ useRemoteAddress: true }, "10.1.1.1"));
  assert.not(internal({ useRemoteAddress: true }, undefined, peer("1.1.1.1")));
});

test("what callers from outside may not say", () => {
  const said = {
    "x-envoy-internal": "true",
    "x-envoy-retry-on": "5xx",
    "x-envoy-force-trace": "1",
    "x-envoy-decorator-operation": "o",
    "x-envoy-original-path": "/o",
    "x-forwarded-client-cert": "By=a",
    "x-envoy-other": "kept",
  };
  assert.equal(fields(mutated({}, said).headers), [
    "x-envoy-decorator-operation=o",
    "x-envoy-original-path=/o",
    "x-envoy-other=kept",
    "x-forwarded-proto=http",
  ]);
  assert.equal(fields(mutated({ useRemoteAddress: true }, said).headers), [
    "x-envoy-other=kept",
    "x-forwarded-for=10.9.9.9",
    "x-forwarded-proto=http",
    "x-envoy-external-address=10.9.9.9",
  ]);
});

test("request ids: made, kept, replaced at the edge", () => {
  const mine = { "x-request-id": "mine" };
  const made = mutated({ generateRequestId: true }).headers.get("x-request-id")!;
  assert.match(made, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.is(mutated({ generateRequestId: true }, mine).headers.get("x-request-id"), "mine");
  const edge = { generateRequestId: true, useRemoteAddress: true };
  assert.is.not(mutated(edge, mine).headers.get("x-request-id"), "mine");
  assert.is(mutated({ ...edge, preserveExternalRequestId: true }, mine).headers.get("x-request-id"), "mine");
});

test("names: via, user-agent, the service", () => {
  const plan = { via: "p", addUserAgent: true };
  assert.equal(fields(mutated(plan, { via: "1.1 b" }).headers), [
    "via=1.1 b, p",
    "x-forwarded-proto=http",
    "x-envoy-downstream-service-cluster=mesh",
    "user-agent=mesh",
  ]);
});

function response(
  plan: Partial<ConnectionManagerPlan>,
  entries: Readonly<Record<string, string>>,
  request: HeaderMap | null = null,
): string[] {
  const headers = HeaderMap.of({ ":status": "200", ...entries });
  mutateResponseHeaders(headers, request, configWith(plan), false);
  return fields(headers).filter((field) => !field.startsWith("date="));
}

test("responses: hop-by-hop fields go, the proxy's come", () => {
  assert.equal(
    response({}, {
      connection: "x",
      "keep-alive": "x",
      upgrade: "x",
      "transfer-encoding": "chunked",
      server: "theirs",
    }),
    ["server=envoy"],
  );
  assert.equal(response({ serverHeaderTransformation: "APPEND_IF_ABSENT" }, { server: "theirs" }), ["server=theirs"]);
  assert.equal(response({ serverHeaderTransformation: "PASS_THROUGH" }, {}), []);
  assert.equal(response({ via: "p" }, { via: "b" }), ["via=b, p", "server=envoy"]);
});

test("the request id comes back when that is asked for, or when tracing was forced", () => {
  const request = HeaderMap.of({ ":method": "GET", "x-request-id": "r" });
  assert.equal(response({}, {}, request), ["server=envoy"]);
  assert.equal(response({ alwaysSetRequestIdInResponse: true }, {}, request), ["server=envoy", "x-request-id=r"]);
  request.add("x-envoy-force-trace", "1");
  assert.equal(response({}, {}, request), ["server=envoy", "x-request-id=r"]);
});

test("a client at a unix socket has no external address", () => {
  const pipe = { ...peer(""), remoteAddress: { address: "", port: 0, text: "" } } as ConnectionInfo;
  assert.not(mutated({ useRemoteAddress: true }, {}, pipe).headers.has("x-envoy-external-address"));
  assert.is(
    mutated({ useRemoteAddress: true, xffNumTrustedHops: 1 }, { "x-forwarded-for": "1.1.1.1" }, pipe).headers
      .get("x-envoy-external-address"),
    "1.1.1.1",
  );
});

test.run();
