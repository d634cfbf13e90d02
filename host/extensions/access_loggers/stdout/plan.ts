// host/extensions/access_loggers/stdout/plan.ts: the StdoutAccessLog message as plain data.
/**
 * @see Envoy: api/envoy/extensions/access_loggers/stream/v3/stream.proto
 * @module
 */
export { streamPlanner as planner } from "../common/stream_plan.ts";
