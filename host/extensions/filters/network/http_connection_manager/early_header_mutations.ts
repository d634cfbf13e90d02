// host/extensions/filters/network/http_connection_manager/early_header_mutations.ts: what requests are changed to first.
/**
 * @see Envoy: source/common/http/header_mutation.cc
 * @module
 */
import type { EarlyHeaderMutation } from "../../../../http/conn_manager_config.ts";
import { compileStringMatcher } from "../../../../matching/string_matcher.ts";
import { compileFormat, type FormatWorld } from "../../../../observe/formatter.ts";
import { HeaderOps } from "../../../../http/header_ops.ts";
import type { HeaderMutationPlan } from "./early_header_mutations_plan.ts";

export function compileEarlyMutation(plan: HeaderMutationPlan, world: FormatWorld): EarlyHeaderMutation {
  switch (plan.kind) {
    case "remove":
      return { mutate: (headers) => headers.remove(plan.name) };
    case "removeOnMatch": {
      const matches = compileStringMatcher(plan.names);
      return {
        mutate(headers) {
          for (const [name] of headers.entries()) if (!isRouted(name) && matches(name)) headers.remove(name);
        },
      };
    }
    case "append": {
      const ops = new HeaderOps(
        { remove: [], add: [plan.addition] },
        "request",
        (text) => compileFormat(text, world, { omitEmptyValues: true }),
      );
      return {
        mutate(headers, info) {
          ops.apply(headers, { requestHeaders: headers, responseHeaders: null, responseTrailers: null, info });
        },
      };
    }
  }
}

/** What a request goes by cannot be taken from it. */
function isRouted(name: string): boolean {
  return name.startsWith(":") || name === "host";
}
