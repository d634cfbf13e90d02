// test/host/http/conn_manager/proxy_status.test.ts: what the Proxy-Status header says.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { addProxyStatus, type ProxyStatusPlan } from "../../../../host/http/conn_manager/proxy_status.ts";
import { type ConnectionInfo, ResponseFlag, StreamInfo } from "../../../../host/observe/stream_info.ts";
import { Downstream } from "./downstream.ts";

const PLAN: ProxyStatusPlan = {
  proxyName: "envoy",
  removeDetails: false,
  removeConnectionTerminationDetails: false,
  removeResponseFlags: false,
  setRecommendedResponseCode: false,
};

interface Case {
  readonly plan?: Partial<ProxyStatusPlan>;
  readonly flags: readonly ResponseFlag[];
  readonly details?: string;
  readonly termination?: string;
  readonly before?: readonly string[];
}

/** The status and the header. */
function said({ plan = {}, flags, details = "why", termination = "", before = [] }: Case): [number, string | null] {
  const info = new StreamInfo({ terminationDetails: termination } as ConnectionInfo, 0, 0);
  for (const flag of flags) info.setFlag(flag);
  info.responseCodeDetails = details;
  const headers = HeaderMap.of({ ":status": "503" });
  for (const value of before) headers.add("proxy-status", value);
  addProxyStatus(headers, info, { ...PLAN, ...plan }, "node");
  return [headers.status, headers.getJoined("proxy-status")];
}

const { NoRouteFound, UpstreamConnectionFailure, UpstreamRetryLimitExceeded } = ResponseFlag;

test("a flag becomes an error type, the first in Envoy's order", () => {
  const rows: readonly (readonly [readonly ResponseFlag[], string | null])[] = [
    [[], null],
    [[ResponseFlag.FaultInjected], null],
    [[NoRouteFound], 'envoy; error=destination_not_found; details="why; NR"'],
    [[UpstreamRetryLimitExceeded], 'envoy; error=destination_unavailable; details="why; URX"'],
    [
      [UpstreamRetryLimitExceeded, UpstreamConnectionFailure],
      'envoy; error=connection_refused; details="why; URX,UF"',
    ],
    [[ResponseFlag.UpstreamProtocolError], 'envoy; error=http_protocol_error; details="why; UPE"'],
    [[ResponseFlag.DnsResolutionFailed], 'envoy; error=dns_error; details="why; DF"'],
  ];
  for (const [flags, expected] of rows) assert.equal(said({ flags }), [503, expected]);
});

test("details are left out in parts", () => {
  const flags = [NoRouteFound];
  const termination = "closed";
  const text = (plan: Partial<ProxyStatusPlan>): string | null => said({ plan, flags, termination })[1];
  assert.is(text({}), 'envoy; error=destination_not_found; details="why; closed; NR"');
  assert.is(
    text({ removeConnectionTerminationDetails: true }),
    'envoy; error=destination_not_found; details="why; NR"',
  );
  assert.is(text({ removeResponseFlags: true }), 'envoy; error=destination_not_found; details="why; closed"');
  assert.is(text({ removeDetails: true }), "envoy; error=destination_not_found");
  assert.is(said({ flags, details: "" })[1], "envoy; error=destination_not_found");
});

test("details that a filter made up cannot leave their quotes", () => {
  assert.is(
    said({ flags: [NoRouteFound], details: 'a"; error=dns_error\\\r\n\xe9' })[1],
    'envoy; error=destination_not_found; details="a\\"; error=dns_error\\\\___; NR"',
  );
});

test("it follows what proxies before have said, and has the node's id where asked", () => {
  const plan = { proxyName: null, removeDetails: true };
  assert.is(said({ plan, flags: [NoRouteFound] })[1], "node; error=destination_not_found");
  assert.is(said({ plan, flags: [NoRouteFound], before: ["a", "b"] })[1], "a,b, node; error=destination_not_found");
});

test("the recommended status, where there is one", () => {
  const status = (flag: ResponseFlag): number => said({ plan: { setRecommendedResponseCode: true }, flags: [flag] })[0];
  assert.is(status(NoRouteFound), 500);
  assert.is(status(UpstreamConnectionFailure), 502);
  assert.is(status(ResponseFlag.UpstreamRequestTimeout), 504);
  assert.is(status(ResponseFlag.DownstreamProtocolError), 503);
});

test("a response that is sent has it, and is logged with the recommended status", () => {
  const down = new Downstream({ plan: { proxyStatus: { ...PLAN, setRecommendedResponseCode: true } } });
  down.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  down.last.stream.info.setFlag(NoRouteFound);
  down.last.stream.sendLocalReply({ status: 404, details: "route not found" });
  assert.is(
    down.take(),
    "HTTP/1.1 500 Internal Server Error\r\nserver: envoy\r\n" +
      'proxy-status: envoy; error=destination_not_found; details="route_not_found; NR"\r\ncontent-length: 0\r\n\r\n',
  );
  assert.is(down.logged[0]!.code, 500);
});

test.run();
