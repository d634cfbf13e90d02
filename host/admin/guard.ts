// host/admin/guard.ts: who may talk to the admin port: against web pages that reach for it.
// pure: no I/O, no clock, no runtime globals
/**
 * The port has no password; it is safe because only this machine reaches it. A web page that runs in a
 * browser on this machine reaches it too: by a form or a script from another origin, and by DNS rebinding,
 * where the page's own name suddenly points to 127.0.0.1. The first shows in `Origin`; the second in
 * `Host`, which names somebody else's site.
 *
 * @see Caddy: admin.go, `enforce_origin`
 * @module
 */

export interface GuardOptions {
  /** Host names besides localhost and addresses that requests may use. */
  readonly allowedHosts: readonly string[];
}

/** What is wrong with a request, or null. `local` is the address that it came in on. */
export function refusal(
  host: string | undefined,
  origin: string | undefined,
  local: string | undefined,
  options: GuardOptions,
): string | null {
  const name = hostName(host ?? "");
  // On an address that the network reaches any name may be meant: that of a service, or of a pod.
  if (isLoopback(local) && !isOwnName(name, options.allowedHosts)) {
    return `host not allowed: "${name}". Use an address or localhost`;
  }
  if (origin !== undefined && originHost(origin) !== (host ?? "").toLowerCase()) {
    return `origin not allowed: "${origin}"`;
  }
  return null;
}

/** The name in a Host header: lower case, without port and brackets. */
function hostName(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
}

function isOwnName(name: string, allowed: readonly string[]): boolean {
  if (name === "" || name === "localhost" || name.endsWith(".localhost")) return true;
  // An address cannot be rebound.
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(name) || /^[0-9a-f:.]*:[0-9a-f:.%]*$/.test(name)) return true;
  return allowed.some((each) => each.toLowerCase() === name);
}

/** Host and port of an origin; empty for an opaque one. */
function originHost(origin: string): string {
  return /^https?:\/\/([^/]+)$/.exec(origin.toLowerCase())?.[1] ?? "";
}

function isLoopback(address: string | undefined): boolean {
  // A unix socket has no address: only who may open the file gets here, no browser.
  if (address === undefined) return false;
  return /^(?:::ffff:)?127\./.test(address) || address === "::1";
}
