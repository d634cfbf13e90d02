// host/extensions/filters/network/http_connection_manager/local_replies_plan.ts: LocalReplyConfig as plain data.
/**
 * @see Envoy: api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto
 * @module
 */
import type { ConfigNode } from "../../../../config/node.ts";
import type { HeaderAddPlan } from "../../../../http/header_ops.ts";
import { planBodyFormat } from "../../../../http/plan/format.ts";
import { planHeaderAdditions } from "../../../../http/plan/header_ops.ts";
import type { BodyFormatPlan } from "../../../../observe/format_plan.ts";
import { type AccessLogFilterPlan, planAccessLogFilter } from "../../../access_loggers/common/filter_plan.ts";
import type { PlanContext } from "../../../define.ts";

/** What a reply becomes when `filter` takes it. */
export interface ResponseMapperPlan {
  readonly filter: AccessLogFilterPlan;
  /** Null: as it is; so too for what follows. */
  readonly statusCode: number | null;
  readonly body: Uint8Array | null;
  readonly bodyFormat: BodyFormatPlan | null;
  readonly headersToAdd: readonly HeaderAddPlan[];
}

export interface LocalRepliesPlan {
  /** The first one that takes a reply counts. */
  readonly mappers: readonly ResponseMapperPlan[];
  /** Of replies that no mapper has a format for. */
  readonly bodyFormat: BodyFormatPlan | null;
}

/** The plan of `local_reply_config`; null when there is none, or nothing in it. */
export function planLocalReplies(node: ConfigNode | null, context: PlanContext): LocalRepliesPlan | null {
  if (node === null) return null;
  const mappers = node.messages("mappers").flatMap((mapper) => planMapper(mapper, context) ?? []);
  const bodyFormat = planBodyFormat(node, "body_format", context);
  return mappers.length === 0 && bodyFormat === null ? null : { mappers, bodyFormat };
}

function planMapper(node: ConfigNode, context: PlanContext): ResponseMapperPlan | null {
  const filter = planAccessLogFilter(node, context);
  const body = node.message("body");
  const plan = {
    statusCode: node.has("status_code") ? node.number("status_code") : null,
    body: body === null ? null : context.readDataSource(body),
    bodyFormat: planBodyFormat(node, "body_format_override", context),
    headersToAdd: planHeaderAdditions(node, "headers_to_add", context),
  };
  return filter === null ? null : { filter, ...plan };
}
