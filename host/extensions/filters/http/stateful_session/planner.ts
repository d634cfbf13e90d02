// host/extensions/filters/http/stateful_session/planner.ts: the planner of stateful_session.
/**
 * @see Envoy: source/extensions/filters/http/stateful_session/config.cc
 * @module
 */
import { asciiLower, toWireText } from "../../../../base/wire_text.ts";
import type { ConfigNode } from "../../../../config/node.ts";
import type { HttpFilterPlanner } from "../../../define.ts";
import type { SessionStatePlan, StatefulSessionPlan, StatefulSessionRoutePlan } from "./plan.ts";

const STATES = "envoy.extensions.http.stateful_session";
const COOKIE = `${STATES}.cookie.v3.CookieBasedSessionState`;
const HEADER = `${STATES}.header.v3.HeaderBasedSessionState`;
const ENVELOPE = `${STATES}.envelope.v3.EnvelopeSessionState`;

export const planner: HttpFilterPlanner = {
  place: "downstream",
  plan: planSession,
  routeConfig: "envoy.extensions.filters.http.stateful_session.v3.StatefulSessionPerRoute",
  planRoute(config): StatefulSessionRoutePlan {
    // `disabled` cannot be false.
    if (config.bool("disabled")) return { session: null };
    const session = config.message("stateful_session");
    if (session === null) return { session: null };
    session.accept("stat_prefix", "what a route says is not counted, as in Envoy");
    return { session: { ...planSession(session), statPrefix: "" } };
  },
};

function planSession(config: ConfigNode): StatefulSessionPlan {
  const state = config.message("session_state");
  const strict = config.bool("strict");
  const notFoundStatus = config.number("status_on_strict_destination_not_found", 0);
  if (notFoundStatus !== 0 && (notFoundStatus < 200 || notFoundStatus > 599)) {
    config.error("config/out-of-range", `${notFoundStatus} is no status of a response`, {
      field: "status_on_strict_destination_not_found",
      help: "use 503, the default, or another one from 200 to 599",
    });
  }
  return {
    state: state === null ? null : planState(state),
    strict,
    notFoundStatus: strict && notFoundStatus !== 0 ? notFoundStatus : 503,
    statPrefix: config.string("stat_prefix"),
  };
}

function planState(extension: ConfigNode): SessionStatePlan | null {
  const config = extension.any("typed_config");
  extension.accept("name", "the kind of session is known by its type");
  switch (config?.typeName) {
    case COOKIE:
      return planCookie(config);
    case HEADER:
      return { kind: "header", name: asciiLower(toWireText(config.string("name"))) };
    case ENVELOPE:
      return { kind: "envelope", name: asciiLower(toWireText(config.message("header")?.string("name") ?? "")) };
    default:
      extension.error("config/unsupported", `no support for sessions of ${config?.typeName ?? "no type"}`, {
        field: "typed_config",
        help: `use ${COOKIE}, ${HEADER} or ${ENVELOPE}`,
      });
      return null;
  }
}

function planCookie(config: ConfigNode): SessionStatePlan | null {
  const cookie = config.message("cookie");
  if (cookie === null) return null;
  return {
    kind: "cookie",
    name: toWireText(cookie.string("name")),
    ttlSeconds: Math.trunc(cookie.durationMs("ttl", 0) / 1000),
    path: toWireText(cookie.string("path")),
    attributes: cookie.messages("attributes").map((attribute) => ({
      name: toWireText(attribute.string("name")),
      value: toWireText(attribute.string("value")),
    })),
  };
}
