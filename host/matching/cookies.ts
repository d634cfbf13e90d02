// host/matching/cookies.ts: one cookie of a request.
// pure: no I/O, no clock, no runtime globals
/**
 * @see RFC 6265 §4.2.1
 * @see Envoy: source/common/http/utility.cc parseCookieValue
 * @module
 */
import { compileStringMatcher, type StringMatcherPlan, type StringPredicate } from "./string_matcher.ts";

/** The value of the first cookie called `name`, without quotes around it; null when there is none. */
function findCookie(cookieHeaders: readonly string[], name: string): string | null {
  for (const header of cookieHeaders) {
    for (const pair of header.split(";")) {
      const equals = pair.indexOf("=");
      if (equals < 0 || pair.slice(0, equals).trim() !== name) continue;
      const value = pair.slice(equals + 1).trim();
      return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
    }
  }
  return null;
}

/** As `findCookie`, but "" when there is none. */
export function cookieValue(cookieHeaders: readonly string[], name: string): string {
  return findCookie(cookieHeaders, name) ?? "";
}

/** A CookieMatcher as plain data. */
export interface CookieMatcherPlan {
  readonly name: string;
  readonly value: StringMatcherPlan;
  readonly invert: boolean;
}

/** A predicate over one cookie; one that is not there never has the value. */
export class CookieMatcher {
  readonly #name: string;
  readonly #predicate: StringPredicate;
  readonly #invert: boolean;

  constructor(plan: CookieMatcherPlan) {
    this.#name = plan.name;
    this.#predicate = compileStringMatcher(plan.value);
    this.#invert = plan.invert;
  }

  matches(cookieHeaders: readonly string[]): boolean {
    const value = findCookie(cookieHeaders, this.#name);
    return (value !== null && this.#predicate(value)) !== this.#invert;
  }
}
