// test/host/extensions/filters/http/stateful_session/filter.test.ts: sessions, with the router behind the filter.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { StatefulSession } from "../../../../../../host/extensions/filters/http/stateful_session/filter.ts";
import type {
  SessionStatePlan,
  StatefulSessionPlan,
} from "../../../../../../host/extensions/filters/http/stateful_session/plan.ts";
import { StatefulSessionStats } from "../../../../../../host/extensions/filters/http/stateful_session/stats.ts";
import { HeaderMap } from "../../../../../../host/http/header_map.ts";
import { StatsStore } from "../../../../../../host/observe/stats.ts";
import { Stream, TO_C } from "../../../../router/router_stream.ts";

const HOSTS = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"];
const COOKIE: SessionStatePlan = { kind: "cookie", name: "s", ttlSeconds: 60, path: "", attributes: [] };
const HEADER: SessionStatePlan = { kind: "header", name: "x-s" };

interface Visit {
  readonly stream: Stream;
  /** Where the router went; null when it answered itself. */
  readonly host: string | null;
  readonly responseHeaders: HeaderMap;
}

const store = StatsStore.create();
const stats = new StatefulSessionStats(store.scope("s"));

/** A request through the filter to the router, and the response back; `laterMs` is how late it is. */
function visit(
  plan: Partial<StatefulSessionPlan>,
  request: Readonly<Record<string, string>>,
  { laterMs = 0, route = TO_C as object, hosts = HOSTS } = {},
): Visit {
  const stream = new Stream({ endpoints: hosts, route });
  stream.clock.advance(laterMs);
  const whole: StatefulSessionPlan = { state: COOKIE, strict: false, notFoundStatus: 503, statPrefix: "", ...plan };
  const filter = new StatefulSession({ name: "sticky", plan: whole, stats }, stream);
  const headers = HeaderMap.of({ ":method": "GET", ":path": "/p", ":authority": "a", ":scheme": "http", ...request });
  stream.requestHeaders = headers;
  filter.onRequestHeaders(headers);
  stream.request(request);
  if (stream.responseHeaders === null) stream.answer("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  const responseHeaders = stream.responseHeaders!;
  filter.onResponseHeaders(responseHeaders);
  return { stream, host: stream.info.upstream!.host?.text ?? null, responseHeaders };
}

function cookieOf(visit: Visit): string | null {
  return /^s="([^"]*)"/.exec(visit.responseHeaders.get("set-cookie") ?? "")?.[1] ?? null;
}

test("a client comes back to its host until the cookie ends", () => {
  const first = visit({}, {});
  const cookie = `s=${cookieOf(first)}`;
  for (let i = 0; i < 10; i++) {
    const again = visit({}, { cookie }, { laterMs: 60_000 });
    assert.is(again.host, first.host);
    assert.is(cookieOf(again), null);
  }
  const late = visit({}, { cookie }, { laterMs: 61_000 });
  assert.is.not(cookieOf(late), null);
  assert.is(visit({}, { cookie: `s=${cookieOf(late)}` }, { laterMs: 100_000 }).host, late.host);
});

test("a client whose host is gone gets another one, and is told", () => {
  const cookie = `s=${cookieOf(visit({}, {}, { hosts: ["10.9.9.9:80"] }))}`;
  const after = visit({}, { cookie });
  assert.ok(HOSTS.includes(after.host!));
  assert.is.not(cookieOf(after), null);
});

test("a strict one is answered", () => {
  const { responseHeaders } = visit({ state: HEADER }, {}, { hosts: ["10.9.9.9:80"] });
  const gone = { "x-s": responseHeaders.get("x-s")! };
  assert.equal(visit({ state: HEADER, strict: true }, gone).stream.seen, ["reply 503 no healthy upstream"]);
  const found = visit({ state: HEADER, strict: true, notFoundStatus: 410 }, gone);
  assert.equal(found.stream.seen, ["reply 410 no healthy upstream"]);
  assert.is(found.stream.stat("upstream_rq_410"), 1);
});

test("a retry is not bound to the host", () => {
  const route = { ...TO_C, route: { cluster: "c", retry_policy: { retry_on: "5xx", num_retries: 9 } } };
  const wanted = { "x-s": visit({ state: HEADER }, {}, { hosts: ["10.0.0.2:80"] }).responseHeaders.get("x-s")! };
  const stream = new Stream({ endpoints: HOSTS, route });
  const plan = { state: HEADER, strict: true, notFoundStatus: 503, statPrefix: "" };
  const filter = new StatefulSession({ name: "sticky", plan, stats }, stream);
  stream.requestHeaders = HeaderMap.of({ ":path": "/p", ...wanted });
  filter.onRequestHeaders(stream.requestHeaders);
  stream.request(wanted);
  const hosts = new Set<string>();
  for (let attempt = 0; attempt < 9; attempt++) {
    const connection = stream.answer("HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n");
    hosts.add(stream.info.upstream!.host!.text);
    if (attempt === 0) assert.equal([...hosts], ["10.0.0.2:80"]);
    connection.end();
    stream.clock.advance(1000);
  }
  assert.ok(hosts.size > 1);
});

test("what becomes of requests is counted", () => {
  const valueOf = (name: string) => store.valueOf(`s.${name}`) ?? 0;
  const before = ["routed", "failed_open", "failed_closed", "no_session"].map(valueOf);
  const counted = () =>
    ["routed", "failed_open", "failed_closed", "no_session"].map((name, i) => valueOf(name) - before[i]!);
  const header = visit({ state: HEADER }, {}).responseHeaders.get("x-s")!;
  assert.equal(counted(), [0, 1, 0, 0]);
  visit({ state: HEADER }, { "x-s": header });
  assert.equal(counted(), [1, 1, 0, 0]);
  visit({ state: HEADER, strict: true }, { "x-s": "MS4yLjMuNDo4MA==" });
  assert.equal(counted(), [1, 1, 1, 0]);
  visit({ state: { ...COOKIE, path: "/elsewhere" } }, {});
  visit({ state: null }, {});
  assert.equal(counted(), [1, 1, 1, 2]);
});

test.run();
