// host/extensions/filters/network/http_connection_manager/local_replies.ts: mappers and formats of local replies.
/**
 * Every reply that the proxy makes itself goes through here, whoever made it: its filters see the reply as it
 * is sent. Mappers look at the status, flags and details that the reply began with.
 *
 * @see Envoy: source/common/local_reply/local_reply.cc
 * @module
 */
import { fromLatin1, latin1Slice } from "../../../../base/bytes.ts";
import type { LocalReplies, RepliedStream } from "../../../../http/conn_manager/conn_manager_config.ts";
import type { HeaderMap } from "../../../../http/header_map.ts";
import type { RewrittenReply } from "../../../../http/local_reply.ts";
import type { AccessLogFilter } from "../../../../observe/access_log.ts";
import { type BodyFormatPlan, compileLine, defaultContentType } from "../../../../observe/format_plan.ts";
import { compileFormat, type Format } from "../../../../observe/formatter.ts";
import { HeaderOps } from "../../../../http/header_ops.ts";
import { compileAccessLogFilter } from "../../../access_loggers/common/filter.ts";
import type { FactoryContext } from "../../../define.ts";
import type { LocalRepliesPlan } from "./local_replies_plan.ts";

interface BodyFormat {
  readonly format: Format;
  readonly contentType: string;
}

interface ResponseMapper {
  readonly filter: AccessLogFilter;
  readonly statusCode: number | null;
  readonly body: Uint8Array | null;
  readonly bodyFormat: BodyFormat | null;
  readonly headers: HeaderOps;
}

/** Compiles the plan, once per connection manager. */
export function compileLocalReplies(plan: LocalRepliesPlan, context: FactoryContext): LocalReplies {
  const compileHeader = (text: string) => compileFormat(text, context.world, { omitEmptyValues: true });
  const compileBody = (body: BodyFormatPlan | null): BodyFormat | null =>
    body === null ? null : {
      format: compileLine(body.format, context.world),
      contentType: body.contentType || defaultContentType(body.format),
    };
  const mappers = plan.mappers.map((mapper): ResponseMapper => ({
    filter: compileAccessLogFilter(mapper.filter, context)!,
    statusCode: mapper.statusCode,
    body: mapper.body,
    bodyFormat: compileBody(mapper.bodyFormat),
    headers: new HeaderOps({ remove: [], add: mapper.headersToAdd }, "response", compileHeader),
  }));
  return new MappedReplies(mappers, compileBody(plan.bodyFormat));
}

class MappedReplies implements LocalReplies {
  readonly #mappers: readonly ResponseMapper[];
  readonly #bodyFormat: BodyFormat | null;

  constructor(mappers: readonly ResponseMapper[], bodyFormat: BodyFormat | null) {
    this.#mappers = mappers;
    this.#bodyFormat = bodyFormat;
  }

  rewrite(headers: HeaderMap, status: number, body: Uint8Array, stream: RepliedStream): RewrittenReply {
    const { info, requestHeaders } = stream;
    const facts = { info, requestHeaders, responseHeaders: headers, responseTrailers: null };
    info.responseCode = status;
    let rewritten = body;
    let bodyFormat = this.#bodyFormat;
    const mapper = this.#mappers.find((each) => each.filter(facts));
    if (mapper !== undefined) {
      rewritten = mapper.body ?? body;
      mapper.headers.apply(headers, facts);
      if (mapper.statusCode !== null) info.responseCode = headers.status = mapper.statusCode;
      bodyFormat = mapper.bodyFormat ?? bodyFormat;
    }
    if (bodyFormat === null) return { status: info.responseCode, body: rewritten, contentType: "text/plain" };
    const localReplyBody = latin1Slice(rewritten, 0, rewritten.length);
    return {
      status: info.responseCode,
      body: fromLatin1(bodyFormat.format({ ...facts, localReplyBody })),
      contentType: bodyFormat.contentType,
    };
  }
}
