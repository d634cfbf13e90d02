// host/matching/cookies.ts: one cookie of a request.
// pure: no I/O, no clock, no runtime globals
/**
 * @see RFC 6265 §4.2.1
 * @see Envoy: source/common/http/utility.cc parseCookieValue
 * @module
 */

/** The value of the first cookie called `name`, without quotes around it; "" when there is none. */
export function cookieValue(cookieHeaders: readonly string[], name: string): string {
  for (const header of cookieHeaders) {
    for (const pair of header.split(";")) {
      const equals = pair.indexOf("=");
      if (equals < 0 || pair.slice(0, equals).trim() !== name) continue;
      const value = pair.slice(equals + 1).trim();
      return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
    }
  }
  return "";
}
