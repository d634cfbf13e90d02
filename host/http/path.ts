// host/http/path.ts: the one place where request paths are made canonical.
// pure: no I/O, no clock, no runtime globals
/**
 * Router and filters must see the same path, or an access rule on one spelling lets another through.
 * Everything that `normalize_path`, `merge_slashes` and `path_with_escaped_slashes_action` do happens
 * here, once, before either looks.
 *
 * @see Envoy: source/common/http/path_utility.cc
 * @see RFC 3986 §5.2.4, §6.2.2
 * @module
 */

/** Settings with Envoy's names and defaults. */
export interface PathPlan {
  readonly normalizePath: boolean;
  readonly mergeSlashes: boolean;
  readonly escapedSlashesAction: "KEEP_UNCHANGED" | "REJECT_REQUEST" | "UNESCAPE_AND_REDIRECT" | "UNESCAPE_AND_FORWARD";
}

export type PathResult =
  | { readonly kind: "continue"; readonly path: string }
  /** Refused; `path` is what is logged. */
  | { readonly kind: "reject"; readonly path: string }
  /** The client is sent to the canonical path. */
  | { readonly kind: "redirect"; readonly path: string };

const ESCAPED_SLASH = /%2f|%5c/i;

/** The canonical form of `path` (with query), or what to do instead. */
export function canonicalizePath(path: string, plan: PathPlan): PathResult {
  const question = path.indexOf("?");
  let target = question < 0 ? path : path.slice(0, question);
  const query = question < 0 ? "" : path.slice(question);
  let redirect = false;
  if (plan.escapedSlashesAction !== "KEEP_UNCHANGED" && ESCAPED_SLASH.test(target)) {
    target = target.replace(/%2f/gi, "/").replace(/%5c/gi, "\\");
    if (plan.escapedSlashesAction === "REJECT_REQUEST") return { kind: "reject", path: target + query };
    redirect = plan.escapedSlashesAction === "UNESCAPE_AND_REDIRECT";
  }
  if (plan.normalizePath) {
    const normalized = normalizePath(target);
    if (normalized === null) return { kind: "reject", path };
    target = normalized;
  }
  if (plan.mergeSlashes && target.includes("//")) target = mergeSlashes(target);
  return { kind: redirect ? "redirect" : "continue", path: target + query };
}

/** One slash for several; a path of nothing but slashes keeps its first and its last one, as in Envoy. */
function mergeSlashes(path: string): string {
  const merged = path.replace(/\/{2,}/g, "/");
  return merged === "/" ? "//" : merged;
}

/** What a path must have for there to be anything to do. */
const NOT_NORMAL = /[\\%{}|^`"<>]|\/\./;
/** What a URL must not have as it is. */
const TO_ESCAPE = /[{}|^`"<>]/g;

/**
 * Backslashes become slashes, unreserved characters are unescaped and others that a URL may not have are
 * escaped, dot segments are removed, with parameters (`..;x`) too, which some servers drop before they look.
 * Null when the path cannot be a path: it does not begin with a slash or holds an encoded NUL.
 */
export function normalizePath(path: string): string | null {
  if (path.charCodeAt(0) !== 0x2f) return null;
  if (path.includes("%00")) return null;
  // Nothing to do for nearly every path: one pass decides.
  if (!NOT_NORMAL.test(path)) return path;
  const decoded = path.replaceAll("\\", "/").replace(/%[0-9a-f]{2}/gi, unescapeUnreserved).replace(TO_ESCAPE, escaped);
  const out: string[] = [];
  const segments = decoded.split("/");
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i]!;
    const last = i === segments.length - 1;
    const name = segment.charCodeAt(0) === 0x2e ? segment.split(";", 1)[0] : segment;
    if (name === "..") {
      out.pop();
      if (last) out.push("");
    } else if (name === ".") {
      if (last) out.push("");
    } else {
      out.push(segment);
    }
  }
  return "/" + out.join("/");
}

function escaped(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** Unescapes letters, digits, `-`, `.`, `_` and `~` (RFC 3986 §2.3); other escapes stay as they are. */
function unescapeUnreserved(escape: string): string {
  const character = String.fromCharCode(parseInt(escape.slice(1), 16));
  return /[A-Za-z0-9\-._~]/.test(character) ? character : escape;
}
