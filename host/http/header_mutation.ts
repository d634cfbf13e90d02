// host/http/header_mutation.ts: header changes that are made one after the other.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/http/header_mutation.cc
 * @module
 */
import { compileStringMatcher, type StringMatcherPlan } from "../matching/string_matcher.ts";
import type { StreamInfo } from "../observe/stream_info.ts";
import type { HeaderMap } from "./header_map.ts";
import { type CompileFormat, type HeaderAddPlan, HeaderOps } from "./header_ops.ts";

/** One change. */
export type HeaderMutationPlan =
  | { readonly kind: "remove"; readonly name: string }
  | { readonly kind: "removeOnMatch"; readonly names: StringMatcherPlan }
  | { readonly kind: "append"; readonly addition: HeaderAddPlan };

/** One change of a request's headers, ready to be made. */
export interface HeaderMutation {
  mutate(headers: HeaderMap, info: StreamInfo): void;
}

export function compileHeaderMutation(plan: HeaderMutationPlan, compileFormat: CompileFormat): HeaderMutation {
  switch (plan.kind) {
    case "remove":
      return { mutate: (headers) => void headers.remove(plan.name) };
    case "removeOnMatch": {
      const matches = compileStringMatcher(plan.names);
      return {
        mutate(headers) {
          for (const [name] of headers.entries()) if (!isRouted(name) && matches(name)) headers.remove(name);
        },
      };
    }
    case "append": {
      const ops = new HeaderOps({ remove: [], add: [plan.addition] }, "request", compileFormat);
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
