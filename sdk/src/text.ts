// sdk/src/text.ts: comparing text as HTTP does, without regard to the case of ASCII letters.
/**
 * `toLowerCase()` knows every alphabet, which makes a module about eight kilobytes larger; names and tokens of HTTP are
 * ASCII.
 */

/** Whether two texts are equal but for the case of ASCII letters: header values such as `Keep-Alive`, schemes, hosts. */
export function equalsIgnoreCase(a: string, b: string): bool {
  return a.length == b.length && startsWithIgnoreCase(a, b);
}

/** Whether `text` begins with `prefix`, but for the case of ASCII letters. */
export function startsWithIgnoreCase(text: string, prefix: string): bool {
  if (text.length < prefix.length) return false;
  for (let i = 0; i < prefix.length; ++i) {
    if (lower(text.charCodeAt(i)) != lower(prefix.charCodeAt(i))) return false;
  }
  return true;
}

function lower(code: i32): i32 {
  return code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
}
