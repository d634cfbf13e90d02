// host/upstream/mirror_policy.ts: which requests get a copy, where it goes, and how it differs.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/router/config_impl.cc ShadowPolicyImpl, source/common/router/shadow_writer_impl.cc
 * @module
 */
import { type Runtime, runtimeFraction, type RuntimeFractionPlan } from "../base/runtime.ts";
import { compileHeaderMutation, type HeaderMutation, type HeaderMutationPlan } from "../http/header_mutation.ts";
import type { HeaderMap } from "../http/header_map.ts";
import type { CompileFormat } from "../http/header_ops.ts";
import type { StreamInfo } from "../observe/stream_info.ts";

/** A RequestMirrorPolicy as plain data. */
export interface MirrorPolicyPlan {
  /** "" when `clusterHeader` names it. */
  readonly cluster: string;
  readonly clusterHeader: string;
  /** Null for all requests. */
  readonly fraction: RuntimeFractionPlan | null;
  /** In place of the host; "" keeps it. */
  readonly hostLiteral: string;
  /** Where it stays, the host tells that the request is a copy. */
  readonly appendsHostSuffix: boolean;
  readonly mutations: readonly HeaderMutationPlan[];
}

export class MirrorPolicy {
  readonly #plan: MirrorPolicyPlan;
  /** Null for all requests. */
  readonly #takes: ((random: number) => boolean) | null;
  readonly #mutations: readonly HeaderMutation[];

  constructor(plan: MirrorPolicyPlan, compileFormat: CompileFormat, runtime: Runtime) {
    this.#plan = plan;
    this.#takes = plan.fraction === null ? null : runtimeFraction(plan.fraction, runtime);
    this.#mutations = plan.mutations.map((mutation) => compileHeaderMutation(mutation, compileFormat));
  }

  /** True for requests that are to be copied; `random` is the stream's own number, which its route was found by. */
  takes(random: number): boolean {
    return this.#takes === null || this.#takes(random);
  }

  /** Where the copy of a request goes; "" for nowhere. */
  clusterFor(headers: HeaderMap): string {
    const { cluster, clusterHeader } = this.#plan;
    return cluster === "" ? headers.get(clusterHeader) ?? "" : cluster;
  }

  /** Makes a copy of the headers what the mirror is to see. */
  change(headers: HeaderMap, info: StreamInfo): void {
    const { hostLiteral, appendsHostSuffix } = this.#plan;
    if (hostLiteral !== "") headers.authority = hostLiteral;
    else if (appendsHostSuffix && headers.authority !== null) headers.authority = withSuffix(headers.authority);
    for (const mutation of this.#mutations) mutation.mutate(headers, info);
  }
}

/** `-shadow` at the end of the name, before the port. */
function withSuffix(host: string): string {
  const port = /:\d*$/.exec(host)?.index ?? -1;
  // Several colons without brackets are an IPv6 address.
  const hasPort = port >= 0 && (host.startsWith("[") ? host[port - 1] === "]" : host.indexOf(":") === port);
  return hasPort ? `${host.slice(0, port)}-shadow${host.slice(port)}` : `${host}-shadow`;
}
