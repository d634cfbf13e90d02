// host/extensions/access_loggers/stderr/plan.ts: the StderrAccessLog message as plain data.
/**
 * @see Envoy: api/envoy/extensions/access_loggers/stream/v3/stream.proto
 * @module
 */
export { streamPlanner as planner } from "../common/stream_plan.ts";
