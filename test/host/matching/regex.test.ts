// test/host/matching/regex.test.ts: RE2 patterns, their short cuts and their substitutions.
import * as fc from "fast-check";
import { RE2JS } from "re2js";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseSubstitution, Regex, regexProblem } from "../../../host/matching/regex.ts";

test("a pattern matches the whole text", () => {
  const rows: [string, string, boolean][] = [
    ["/rx/[a-c]+", "/rx/abc", true],
    ["/rx/[a-c]+", "/rx/abcd", false],
    ["/alt|/b", "/b", true],
    ["/alt|/b", "/altb", false],
    ["/api/.*", "/api/", true],
    ["/api/.*", "/api", false],
    ["/api/.+", "/api/", false],
    ["/api/(.*)", "/api/x/y", true],
    [".*\\.png", "/a/b.png", true],
    [".*\\.png", "/a/bxpng", false],
    [".+x", "x", false],
    [".*foo.*", "a foo b", true],
    ["^/a$", "/a", true],
    ["/a\\$", "/a$", true],
    ["ab*", "a", true],
    ["ab?", "abb", false],
    ["a{2}", "aa", true],
    ["(?i)abc", "ABC", true],
    ["", "", true],
    [".*", "", true],
    [".+", "", false],
    ["a.*", "a\nb", false],
    ["(?s)a.*", "a\nb", true],
  ];
  for (const [pattern, text, expected] of rows) {
    assert.is(new Regex(pattern).matches(text), expected, `${pattern} on ${JSON.stringify(text)}`);
  }
});

test("one character is one byte, as in Envoy", () => {
  const dot = new Regex("a.b");
  assert.is(dot.matches("a\xffb"), true);
  assert.is(dot.matches("a\xc3\xa9b"), false, "é is two bytes");
  assert.is(new Regex("a.*").matches("a\xc3"), true);
  assert.is(new Regex("aé").matches("a\xc3\xa9"), true);
  assert.is(new Regex("a[é]b").matches("a\xc3b"), true, "a class holds bytes");
});

test("what RE2 has not is refused with the reason", () => {
  assert.is(regexProblem("/a/.*"), null);
  assert.match(regexProblem("(?=a)b")!, "no lookahead");
  assert.match(regexProblem("(?<!a)b")!, "no lookbehind");
  assert.match(regexProblem("(a)\\1")!, "no backreferences");
  assert.match(regexProblem("[")!, "missing closing ]");
  assert.match(regexProblem("a{1001}")!, "repeat");
});

test("property: short cuts answer as the engine does", () => {
  const piece = fc.constantFrom(
    "/",
    "a",
    "b",
    ".*",
    ".+",
    "(.*)",
    "\\.",
    "a*",
    "b?",
    "[ab]",
    "|",
    "^",
    "$",
    "(a|b)",
    "\\d",
  );
  const pattern = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join("")).filter((p) =>
    regexProblem(p) === null
  );
  const text = fc.array(fc.constantFrom("/", "a", "b", ".", "\n", "\xff", "1"), { maxLength: 6 })
    .map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(pattern, text, (p, t) => new Regex(p).matches(t) === RE2JS.compile(p).testExact(t)),
    { seed: 7, numRuns: 3000 },
  );
});

test("substitutions follow RE2's GlobalReplace", () => {
  const rows: [string, string, string, string][] = [
    ["^/rr/([^/]+)(/.*)$", "\\2/i/\\1", "/rr/a/b/c", "/b/c/i/a"],
    ["a", "b\\\\\\0", "/ra", "/rb\\a"],
    ["b*", "-", "abc", "-a-c-"],
    ["x", "y", "abc", "abc"],
    ["(a)|(b)", "<\\1\\2>", "ab", "<a><b>"],
    ["e", "é", "e", "\xc3\xa9"],
  ];
  for (const [pattern, substitution, text, expected] of rows) {
    const parts = parseSubstitution(substitution, pattern);
    assert.not.type(parts, "string");
    assert.is(new Regex(pattern).replaceAll(text, parts as (string | number)[]), expected, pattern);
  }
  assert.match(parseSubstitution("\\1", "a") as string, "names a group");
  assert.match(parseSubstitution("\\x", "a") as string, "backslash");
});

test.run();
