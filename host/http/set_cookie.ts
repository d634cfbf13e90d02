// host/http/set_cookie.ts: the cookies that the proxy itself gives to clients.
// pure: no I/O, no clock, no runtime globals
/**
 * @see RFC 6265 §4.1
 * @see Envoy: source/common/http/utility.cc makeSetCookieValue
 * @module
 */

/** What of a cookie is configured. */
export interface CookiePlan {
  readonly name: string;
  /** Empty for the path of the request. */
  readonly path: string;
  readonly attributes: readonly CookieAttributePlan[];
}

export interface CookieAttributePlan {
  readonly name: string;
  /** Empty for a name alone. */
  readonly value: string;
}

/** The value of a `set-cookie` header; 0 seconds for as long as the browser runs. Scripts cannot read the cookie. */
export function setCookieHeader(plan: CookiePlan, value: string, ttlSeconds: number): string {
  let header = `${plan.name}="${value}"`;
  if (ttlSeconds > 0) header += `; Max-Age=${ttlSeconds}`;
  if (plan.path !== "") header += `; Path=${plan.path}`;
  for (const attribute of plan.attributes) {
    header += attribute.value === "" ? `; ${attribute.name}` : `; ${attribute.name}=${attribute.value}`;
  }
  return `${header}; HttpOnly`;
}
