// host/http/hash_policy.ts: what of a request decides which host it goes to.
// pure: no I/O, no clock, no runtime globals
/**
 * The hashes of all policies of a route are joined; a terminal one that has a hash is the last. A cookie
 * policy with a lifetime makes the cookie when the client has none, from where the client and the listener are.
 *
 * @see Envoy: source/common/http/hash_policy.cc
 * @module
 */
import { latin1Slice } from "../base/bytes.ts";
import { xxHash64 } from "../base/xxhash.ts";
import type { HeaderMap } from "./header_map.ts";
import { type CookiePlan, setCookieHeader } from "./set_cookie.ts";
import { cookieValue } from "../matching/cookies.ts";
import { firstQueryValue } from "../matching/query_matcher.ts";
import { Regex } from "../matching/regex.ts";
import { isPipe } from "../net/address.ts";
import type { StreamInfo } from "../observe/stream_info.ts";
import type { RegexSubstitutionPlan } from "../matching/plan/string_matcher.ts";

/** The one object of the filter state that can be hashed; a filter sets it by this name. */
export const HASHABLE_STATE = "envoy.hashable_string";

/** A RouteAction.HashPolicy; when a terminal one has a hash, those behind it do not count. */
export type HashPolicyPlan =
  & { readonly terminal: boolean }
  & (
    | {
      readonly kind: "header";
      readonly name: string;
      readonly rewrite: RegexSubstitutionPlan | null;
    }
    | CookieHashPlan
    | { readonly kind: "sourceIp" }
    | { readonly kind: "queryParameter"; readonly name: string }
    | { readonly kind: "filterState"; readonly key: string }
  );

export interface CookieHashPlan extends CookiePlan {
  readonly kind: "cookie";
  /** Of the cookie that a client without one is given: 0 for its session, null for none. */
  readonly ttlSeconds: number | null;
}

/** The hash of one policy; null when the request has nothing to hash. */
type Method = (headers: HeaderMap, info: StreamInfo, setCookie: (header: string) => void) => bigint | null;

export class HashPolicy {
  readonly #methods: readonly { readonly hash: Method; readonly terminal: boolean }[];

  constructor(plans: readonly HashPolicyPlan[]) {
    this.#methods = plans.map((plan) => ({ hash: compileMethod(plan), terminal: plan.terminal }));
  }

  /** The hash of a request, or null. `setCookie` is given each `set-cookie` that its response must have. */
  hash(headers: HeaderMap, info: StreamInfo, setCookie: (header: string) => void): bigint | null {
    let joined: bigint | null = null;
    for (const { hash, terminal } of this.#methods) {
      const value = hash(headers, info, setCookie);
      if (value !== null) {
        // Rotated, so that two equal policies do not cancel each other out.
        joined = joined === null ? value : BigInt.asUintN(64, joined << 1n | joined >> 63n) ^ value;
      }
      // Also where the hash is that of policies before this one.
      if (terminal && joined !== null) break;
    }
    return joined;
  }
}

function compileMethod(plan: HashPolicyPlan): Method {
  switch (plan.kind) {
    case "header": {
      const { name, rewrite } = plan;
      const regex = rewrite === null ? null : new Regex(rewrite.pattern);
      return (headers) => {
        const values = headers.getAll(name);
        if (values.length === 0) return null;
        const texts = regex === null ? values : values.map((value) => regex.replaceAll(value, rewrite!.substitution));
        if (texts.length === 1) return xxHash64(texts[0]!);
        // Whichever came first: the hash of each is the seed of the next one.
        return [...texts].sort().reduce((seed, text) => xxHash64(text, seed), 0n);
      };
    }
    case "cookie":
      return (headers, info, setCookie) => {
        let value = cookieValue(headers.getAll("cookie"), plan.name);
        if (value === "" && plan.ttlSeconds !== null) {
          value = newCookieValue(info);
          setCookie(setCookieHeader(plan, value, plan.ttlSeconds));
        }
        return value === "" ? null : xxHash64(value);
      };
    case "sourceIp":
      return (_headers, info) => {
        const address = info.remoteAddress;
        return isPipe(address) ? null : xxHash64(address.address);
      };
    case "queryParameter":
      return (headers) => {
        const value = firstQueryValue(headers.path ?? "", plan.name);
        return value === null ? null : xxHash64(value);
      };
    case "filterState":
      return (_headers, info) => {
        const object = plan.key === HASHABLE_STATE ? info.findFilterState(plan.key) : null;
        return object === null ? null : xxHash64(latin1Slice(object.value, 0, object.value.length));
      };
  }
}

/** The same for all requests of a connection. */
function newCookieValue(info: StreamInfo): string {
  const { remoteAddress, localAddress } = info.connection;
  return xxHash64(`${remoteAddress.text}${localAddress.text}`).toString(16).padStart(16, "0");
}
