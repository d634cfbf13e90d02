// host/server/wasm_code/challenge.ts: what a registry asks for: the WWW-Authenticate header, and the token's answer.
// pure: no I/O, no clock, no runtime globals
/**
 * @see RFC 9110 §11.6.1, https://distribution.github.io/distribution/spec/auth/token/
 * @module
 */

export interface Challenge {
  /** In lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** The challenges of a header, several of them joined by commas included. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  // A scheme, a parameter, or both with a space between them.
  const part =
    /(?:([A-Za-z][A-Za-z0-9_-]*)(?=\s|,|$)\s*)?(?:([A-Za-z][A-Za-z0-9_-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?\s*(?:,|$)/gy;
  const text = header.trim();
  while (part.lastIndex < text.length) {
    part.lastIndex += /^[\s,]*/.exec(text.slice(part.lastIndex))![0].length;
    const match = part.exec(text);
    // What cannot be read ends the list: a parameter must not become another scheme's.
    if (match === null || match[0] === "") break;
    const [, scheme, name, quoted, plain] = match;
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: new Map() });
    if (name === undefined) continue;
    challenges.at(-1)?.parameters.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, "$1") ?? plain!);
  }
  return challenges;
}

/** The token in a token server's answer; null when there is none that can stand in a header. */
export function readToken(body: string): string | null {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    return null;
  }
  if (typeof answer !== "object" || answer === null) return null;
  const { token, access_token: accessToken } = answer as Record<string, unknown>;
  const text = typeof token === "string" && token !== "" ? token : accessToken;
  return typeof text === "string" && /^[\x21-\x7e]+$/.test(text) ? text : null;
}
