// host/http/plan/match_inputs.ts: inputs of match trees over HTTP streams as plain data.
/**
 * @see Envoy: api/envoy/type/matcher/v3/http_inputs.proto
 * @see Envoy: api/envoy/extensions/matching/common_inputs
 * @module
 */
import { asciiLower, toWireText } from "../../base/wire_text.ts";
import type { ConfigNode } from "../../config/node.ts";
import type { HttpFactInput, HttpHeadersInput, HttpInputPlan } from "../match_inputs.ts";

/** What planning inputs needs to know from outside. */
export interface HttpInputContext {
  env(name: string): string | undefined;
}

const HTTP = "envoy.type.matcher.v3.";
const NETWORK = "envoy.extensions.matching.common_inputs.network.v3.";
const SSL = "envoy.extensions.matching.common_inputs.ssl.v3.";

const HEADERS: Readonly<Record<string, HttpHeadersInput>> = {
  [`${HTTP}HttpRequestHeaderMatchInput`]: "requestHeaders",
  [`${HTTP}HttpRequestTrailerMatchInput`]: "requestTrailers",
  [`${HTTP}HttpResponseHeaderMatchInput`]: "responseHeaders",
  [`${HTTP}HttpResponseTrailerMatchInput`]: "responseTrailers",
};

const FACTS: Readonly<Record<string, HttpFactInput>> = {
  [`${NETWORK}SourceIPInput`]: "sourceIp",
  [`${NETWORK}SourcePortInput`]: "sourcePort",
  [`${NETWORK}DirectSourceIPInput`]: "directSourceIp",
  [`${NETWORK}SourceTypeInput`]: "sourceType",
  [`${NETWORK}DestinationIPInput`]: "destinationIp",
  [`${NETWORK}DestinationPortInput`]: "destinationPort",
  [`${NETWORK}ServerNameInput`]: "serverName",
  [`${NETWORK}NetworkNamespaceInput`]: "networkNamespace",
  [`${SSL}UriSanInput`]: "uriSan",
  [`${SSL}DnsSanInput`]: "dnsSan",
  [`${SSL}SubjectInput`]: "subject",
  [`${HTTP}HttpResponseLocalReplyMatchInput`]: "localReply",
  [`${HTTP}HttpResponseStatusCodeMatchInput`]: "statusCode",
  [`${HTTP}HttpResponseStatusCodeClassMatchInput`]: "statusCodeClass",
};

/** The message of an input, or null after reporting that there is no such input. */
export function planHttpInput(config: ConfigNode, context: HttpInputContext): HttpInputPlan | null {
  const { typeName } = config;
  const headers = HEADERS[typeName];
  if (headers !== undefined) {
    return { kind: headers, name: asciiLower(toWireText(config.string("header_name"))) };
  }
  const fact = FACTS[typeName];
  if (fact !== undefined) return { kind: fact };
  switch (typeName) {
    case "xds.type.matcher.v3.HttpAttributesCelMatchInput":
      return { kind: "attributes" };
    case `${HTTP}HttpRequestQueryParamMatchInput`:
      return { kind: "queryParameter", name: toWireText(config.string("query_param")) };
    case `${NETWORK}DynamicMetadataInput`:
      return {
        kind: "dynamicMetadata",
        namespace: config.string("filter"),
        path: config.messages("path").map((segment) => segment.string("key")),
      };
    case `${NETWORK}FilterStateInput`:
      if (config.string("field") !== "") {
        config.error("config/unsupported", "objects of the filter state have no fields here", { field: "field" });
      }
      return { kind: "filterState", key: config.string("key") };
    case "envoy.extensions.matching.common_inputs.environment_variable.v3.Config": {
      const value = context.env(config.string("name"));
      return { kind: "environment", value: value === undefined ? null : toWireText(value) };
    }
    default:
      config.error("config/unknown-extension", `${typeName} is no input of an HTTP stream`);
      return null;
  }
}
