// host/extensions/filters/http/upstream_codec/planner.ts: the end of an upstream chain; it has no settings.
/**
 * @see Envoy: api/envoy/extensions/filters/http/upstream_codec/v3/upstream_codec.proto
 * @module
 */
import type { HttpFilterPlanner } from "../../../define.ts";

export const planner: HttpFilterPlanner = {
  terminal: true,
  place: "upstream",
  plan: () => null,
};
