// host/extensions/access_loggers/common/filter.ts: which streams are worth a line.
/**
 * @see Envoy: source/common/access_log/access_log_impl.cc
 * @module
 */
import type { Random } from "../../../base/random.ts";
import { type Runtime, runtimeInteger } from "../../../base/runtime.ts";
import type { Clock } from "../../../base/clock.ts";
import { HeaderMatcher } from "../../../matching/header_matcher.ts";
import { compileValueMatcher, valueAt } from "../../../matching/value_matcher.ts";
import type { ExtensionPlan } from "../../../net/plan.ts";
import type { AccessLogEntry, AccessLogFilter } from "../../../observe/access_log.ts";
import { grpcStatusOf } from "../../../observe/formatter/header_commands.ts";
import type { AccessLogFilterPlan, ComparisonOp } from "./filter_plan.ts";

/** A factory context is one. */
export interface FilterWorld {
  readonly clock: Clock;
  readonly random: Random;
  readonly runtime: Runtime;
  createAccessLogFilter(plan: ExtensionPlan): AccessLogFilter;
}

/** gRPC's UNKNOWN: what an answer without a status counts as. */
const GRPC_UNKNOWN = 2;
const NO_HEADERS = { get: (): null => null, getJoined: (): null => null, getAll: (): readonly string[] => [] };

/** Compiles a filter; without a plan every stream is worth a line. */
export function compileAccessLogFilter(plan: AccessLogFilterPlan | null, world: FilterWorld): AccessLogFilter | null {
  return plan === null ? null : compile(plan, world);
}

function compile(plan: AccessLogFilterPlan, world: FilterWorld): AccessLogFilter {
  switch (plan.kind) {
    case "status_code": {
      const limit = runtimeInteger(plan.limit, world.runtime);
      return ({ info }) => compare(plan.op, info.responseCode, limit());
    }
    case "duration": {
      const limit = runtimeInteger(plan.limit, world.runtime);
      return ({ info }) => {
        const endMs = info.endMs < 0 ? world.clock.nowMs() : info.endMs;
        return compare(plan.op, Math.floor(endMs - info.startMs), limit());
      };
    }
    case "not_health_check":
      return ({ info }) => !info.healthCheck;
    case "sample":
      return sample(runtimeInteger(plan.numerator, world.runtime), plan.denominator, plan.independent, world);
    case "and": {
      const filters = plan.filters.map((each) => compile(each, world));
      return (entry) => filters.every((filter) => filter(entry));
    }
    case "or": {
      const filters = plan.filters.map((each) => compile(each, world));
      return (entry) => filters.some((filter) => filter(entry));
    }
    case "header": {
      const matcher = new HeaderMatcher(plan.matcher);
      return (entry) => matcher.matches(entry.requestHeaders ?? NO_HEADERS);
    }
    case "response_flag": {
      const wanted = new Set(plan.flags);
      if (wanted.size === 0) return ({ info }) => info.flags.length > 0;
      return ({ info }) => info.flags.some((flag) => wanted.has(flag));
    }
    case "grpc_status": {
      const statuses = new Set(plan.statuses);
      return (entry) => statuses.has(grpcStatusOf(entry) ?? GRPC_UNKNOWN) !== plan.exclude;
    }
    case "extension":
      return world.createAccessLogFilter(plan.plan);
    case "metadata": {
      const { namespace, path, matchIfKeyNotFound } = plan;
      const matches = plan.matcher === null ? null : compileValueMatcher(plan.matcher);
      return ({ info }) => {
        const value = valueAt(info.dynamicMetadata.get(namespace), path);
        return value === undefined ? matchIfKeyNotFound : matches !== null && matches(value);
      };
    }
    case "log_type": {
      const types = new Set(plan.types);
      return (entry) => types.has(entry.accessLogType ?? "NotSet") !== plan.exclude;
    }
  }
}

function compare(op: ComparisonOp, value: number, limit: number): boolean {
  switch (op) {
    case "EQ":
      return value === limit;
    case "GE":
      return value >= limit;
    case "LE":
      return value <= limit;
    case "NE":
      return value !== limit;
  }
}

/** A share of the streams: by the request id, so that all proxies on the way agree, or by chance. */
function sample(
  numerator: () => number,
  denominator: number,
  independent: boolean,
  world: FilterWorld,
): AccessLogFilter {
  return (entry: AccessLogEntry) => {
    const id = independent ? "" : entry.requestHeaders?.get("x-request-id") ?? "";
    const draw = /^[0-9a-f]{8}/i.test(id) ? parseInt(id.slice(0, 8), 16) : world.random.uint32();
    return draw % denominator < numerator();
  };
}
