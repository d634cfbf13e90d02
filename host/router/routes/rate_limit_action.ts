// host/router/routes/rate_limit_action.ts: what one action takes from a request.
// pure: no I/O, no clock, no runtime globals
/** @module */
import { cidrBlock, formatCidr, inCidrBlock } from "../../base/cidr.ts";
import { parseIp } from "../../base/ip.ts";
import { toWireText } from "../../base/wire_text.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import { compileHttpInput, requestData } from "../../http/match_inputs.ts";
import type { CompileFormat } from "../../http/header_ops.ts";
import { decodedQueryValues } from "../../http/query.ts";
import { HeaderMatcher, matchesAll } from "../../matching/header_matcher.ts";
import { QueryMatcher } from "../../matching/query_matcher.ts";
import { isPipe } from "../../net/address.ts";
import type { Expressions } from "../../observe/formatter.ts";
import type { FilterMetadata, StreamInfo } from "../../observe/stream_info.ts";
import type { DescriptorValuePlan, MetadataKeyPlan, RateLimitActionPlan } from "../rate_limit_plan.ts";

export interface RateLimitEntry {
  readonly key: string;
  readonly value: string;
}

/** What descriptors are made of. */
export interface RateLimitedStream {
  readonly headers: HeaderMap;
  readonly info: StreamInfo;
  readonly route: RateLimitedRoute | null;
  /** `--service-cluster`. */
  readonly serviceCluster: string;
  /** Of the cluster that the route leads to, where it is known. */
  readonly clusterMetadata?: FilterMetadata | null;
}

/** What descriptors say of a route. */
export interface RateLimitedRoute {
  /** Null where the request goes to no cluster. */
  readonly clusterName: string | null;
  readonly metadata: FilterMetadata;
}

/** An entry, `skip` to go on without one, or `drop` for no descriptor at all. */
export type ProduceEntry = (stream: RateLimitedStream) => RateLimitEntry | "skip" | "drop";

export function compileAction(
  plan: RateLimitActionPlan,
  compileFormat: CompileFormat,
  expressions: Expressions | null,
): ProduceEntry {
  switch (plan.kind) {
    case "sourceCluster":
      return ({ serviceCluster }) => ({ key: "source_cluster", value: serviceCluster });
    case "destinationCluster":
      return ({ route }) => {
        const cluster = route?.clusterName ?? null;
        return cluster === null ? "drop" : { key: "destination_cluster", value: cluster };
      };
    case "remoteAddress":
      return ({ info: { remoteAddress } }) =>
        isPipe(remoteAddress) ? "drop" : { key: "remote_address", value: remoteAddress.address };
    case "maskedRemoteAddress":
      return ({ info: { remoteAddress: { address } } }) => {
        const block = cidrBlock(address, address.includes(":") ? plan.v6PrefixBits : plan.v4PrefixBits);
        return block === null ? "drop" : { key: "masked_remote_address", value: formatCidr(block) };
      };
    case "requestHeader": {
      const absent = plan.skipIfAbsent ? "skip" : "drop";
      return ({ headers }) => {
        const value = headers.get(plan.name);
        return value === null ? absent : { key: plan.key, value };
      };
    }
    case "queryParameter": {
      const absent = plan.skipIfAbsent ? "skip" : "drop";
      return ({ headers }) => {
        const value = decodedQueryValues(headers.path ?? "", plan.name)[0];
        return value === undefined ? absent : { key: plan.key, value };
      };
    }
    case "genericKey":
      return compileValue(plan, compileFormat);
    case "headerValueMatch": {
      const matchers = plan.headers.map((matcher) => new HeaderMatcher(matcher));
      const produce = compileValue(plan, compileFormat);
      return (stream) => matchesAll(matchers, stream.headers) === plan.expectMatch ? produce(stream) : "drop";
    }
    case "queryParameterValueMatch": {
      const matchers = plan.query.map((matcher) => new QueryMatcher(matcher));
      const produce = compileValue(plan, compileFormat);
      return (stream) => {
        const target = stream.headers.path ?? "";
        const matches = matchers.every((each) => each.takes(decodedQueryValues(target, each.name)[0] ?? null));
        return matches === plan.expectMatch ? produce(stream) : "drop";
      };
    }
    case "remoteAddressMatch": {
      const produce = compileValue(plan, compileFormat);
      return (stream) => {
        const ip = parseIp(stream.info.remoteAddress.address);
        const matches = ip !== null && plan.blocks.some((block) => inCidrBlock(block, ip)) !== plan.invert;
        return matches ? produce(stream) : "drop";
      };
    }
    case "metadata": {
      const absent = plan.fallback !== ""
        ? { key: plan.key, value: toWireText(plan.fallback) }
        : plan.skipIfAbsent
        ? "skip"
        : "drop";
      return (stream) => {
        const value = metadataValue(metadataOf(plan.source, stream), plan.metadataKey);
        return typeof value === "string" && value !== "" ? { key: plan.key, value: toWireText(value) } : absent;
      };
    }
    case "expression": {
      const compiled = expressions?.compile(plan.expression);
      const absent = plan.skipIfError ? "skip" : "drop";
      if (compiled === undefined || typeof compiled === "string") return () => absent;
      return ({ headers, info }) => {
        const value = compiled.text(requestData(headers, info));
        return value === null ? absent : { key: plan.key, value };
      };
    }
    case "input": {
      const input = compileHttpInput(plan.input);
      return ({ headers, info }) => {
        const value = input(requestData(headers, info));
        if (typeof value !== "string") return "drop";
        return value === "" ? "skip" : { key: plan.key, value };
      };
    }
  }
}

/** A value that is the same for all requests, or a format's. */
function compileValue({ key, value, fallback }: DescriptorValuePlan, compileFormat: CompileFormat): ProduceEntry {
  const fallbackText = toWireText(fallback);
  if (!value.includes("%") && value !== "") {
    const entry = { key, value: toWireText(value) };
    return () => entry;
  }
  const formatter = compileFormat(value);
  return ({ headers, info }) => {
    const text = formatter.format(requestData(headers, info)) || fallbackText;
    return text === "" ? "drop" : { key, value: text };
  };
}

function metadataOf(source: "dynamic" | "route" | "cluster" | "locality", stream: RateLimitedStream): FilterMetadata {
  switch (source) {
    case "dynamic":
      return stream.info.dynamicMetadata;
    case "route":
      return stream.route?.metadata ?? NONE;
    case "cluster":
      return stream.clusterMetadata ?? stream.info.upstream?.clusterMetadata ?? NONE;
    case "locality":
      return stream.info.upstream?.localityMetadata ?? NONE;
  }
}

const NONE: FilterMetadata = new Map();

/** The value at the end of a key's path; `undefined` when it leads nowhere. */
export function metadataValue(metadata: FilterMetadata, { namespace, path }: MetadataKeyPlan): unknown {
  let value: unknown = metadata.get(namespace);
  for (const segment of path) {
    if (typeof segment === "number") {
      value = Array.isArray(value) ? value[segment] : undefined;
    } else {
      const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
      value = isObject && Object.hasOwn(value as object, segment)
        ? (value as Record<string, unknown>)[segment]
        : undefined;
    }
  }
  return value;
}
