// test/host/extensions/filters/http/stateful_session/planner.test.ts: StatefulSession messages to plans.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadBootstrap, loadRegistry } from "../../../../../../host/config/load.ts";
import { unreadFields } from "../../../../../../host/config/unread.ts";
import type { PlanContext } from "../../../../../../host/extensions/define.ts";
import { planner } from "../../../../../../host/extensions/filters/http/stateful_session/planner.ts";

const registry = loadRegistry();
const FILTER = "envoy.extensions.filters.http.stateful_session.v3";
const STATES = "type.googleapis.com/envoy.extensions.http.stateful_session";

function plan(yaml: string, isRoute = false): { plan: unknown; problems: string[] } {
  const typeName = `${FILTER}.${isRoute ? "StatefulSessionPerRoute" : "StatefulSession"}`;
  const { root, diagnostics } = loadBootstrap({ registry, typeName, yaml });
  const planned = root === null ? null : isRoute ? planner.planRoute!(root) : planner.plan(root, {} as PlanContext);
  const problems = [...diagnostics.all, ...(root === null ? [] : unreadFields(root))];
  return {
    plan: planned,
    problems: problems.filter(({ severity }) => severity !== "note").map(({ message }) => message),
  };
}

function good(yaml: string, isRoute = false): unknown {
  const { plan: planned, problems } = plan(yaml, isRoute);
  assert.equal(problems, []);
  return planned;
}

function state(type: string, fields: string): string {
  return `session_state: { name: x, typed_config: { "@type": ${STATES}.${type}, ${fields} } }`;
}

const DEFAULTS = { state: null, strict: false, notFoundStatus: 503, statPrefix: "" };
const HEADER = state("header.v3.HeaderBasedSessionState", "name: X-Session");

test("each kind of session", () => {
  assert.equal(good("{}"), DEFAULTS);
  assert.equal(good(HEADER), { ...DEFAULTS, state: { kind: "header", name: "x-session" } });
  assert.equal(good(state("envelope.v3.EnvelopeSessionState", "header: { name: X-Token }")), {
    ...DEFAULTS,
    state: { kind: "envelope", name: "x-token" },
  });
  const cookie =
    "cookie: { name: s, ttl: 1.9s, path: /a, attributes: [ { name: SameSite, value: Lax }, { name: Secure } ] }";
  assert.equal(good(`${state("cookie.v3.CookieBasedSessionState", cookie)}\nstat_prefix: p`), {
    ...DEFAULTS,
    statPrefix: "p",
    state: {
      kind: "cookie",
      name: "s",
      ttlSeconds: 1,
      path: "/a",
      attributes: [{ name: "SameSite", value: "Lax" }, { name: "Secure", value: "" }],
    },
  });
});

test("the status without a host counts where sessions are strict", () => {
  const of = (yaml: string) => (good(yaml) as { notFoundStatus: number }).notFoundStatus;
  assert.is(of("{ strict: true }"), 503);
  assert.is(of("{ strict: true, status_on_strict_destination_not_found: 410 }"), 410);
  assert.is(of("{ status_on_strict_destination_not_found: 410 }"), 503);
  assert.equal(plan("{ strict: true, status_on_strict_destination_not_found: 99 }").problems, [
    "99 is no status of a response",
  ]);
});

test("what routes say", () => {
  assert.equal(good("disabled: true", true), { session: null });
  assert.equal(good(`stateful_session: { strict: true, stat_prefix: p, ${HEADER} }`, true), {
    session: { ...DEFAULTS, strict: true, state: { kind: "header", name: "x-session" } },
  });
});

test("another kind of session is refused", () => {
  const other = 'session_state: { name: x, typed_config: { "@type": type.googleapis.com/google.protobuf.Struct } }';
  assert.equal(plan(other).problems, ["no support for sessions of google.protobuf.Struct"]);
});

test.run();
