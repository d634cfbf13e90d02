// test/fuzz/path.test.ts: what holds of every path that was made canonical.
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { canonicalizePath, normalizePath, type PathPlan } from "../../host/http/path.ts";

const piece = fc.oneof(
  fc.constantFrom(
    ..."/ // /// . .. ... ; : @ ~ ? # & = + % %2 %2f %2F %5c %5C %2e %2E%2e %252f %00 %61 %7e %zz %c0%ae \\ \\\\ \xff"
      .split(" "),
  ),
  fc.stringMatching(/^[a-zA-Z0-9._-]{1,5}$/),
);
const path = fc.array(piece, { maxLength: 12 }).map((pieces) => "/" + pieces.join(""));
const plan: fc.Arbitrary<PathPlan> = fc.record({
  normalizePath: fc.boolean(),
  mergeSlashes: fc.boolean(),
  escapedSlashesAction: fc.constantFrom<PathPlan["escapedSlashesAction"]>(
    "KEEP_UNCHANGED",
    "REJECT_REQUEST",
    "UNESCAPE_AND_REDIRECT",
    "UNESCAPE_AND_FORWARD",
  ),
});

function withoutQuery(text: string): string {
  return text.split("?", 1)[0]!;
}

/** A percent sign that begins no escape can begin one when what follows it was unescaped, as in Envoy. */
const BROKEN_ESCAPE = /%(?![0-9a-f]{2})/i;

test("what was made canonical stays as it is, and needs no redirect", () => {
  fc.assert(
    fc.property(path, plan, (input, settings) => {
      fc.pre(!BROKEN_ESCAPE.test(input));
      const once = canonicalizePath(input, settings);
      if (once.kind === "reject") return;
      assert.equal(canonicalizePath(once.path, settings), { kind: "continue", path: once.path }, JSON.stringify(input));
    }),
    { seed: 20261221, numRuns: 6000 },
  );
});

test("a canonical path has none of what its settings take out", () => {
  fc.assert(
    fc.property(path, plan, (input, settings) => {
      const result = canonicalizePath(input, settings);
      if (result.kind === "reject") return;
      const target = withoutQuery(result.path);
      assert.ok(target.startsWith("/"), target);
      if (settings.normalizePath) {
        assert.not.match(target, /\\|%00/);
        assert.not.match(target, /(^|\/)\.\.?(;|\/|$)/);
        // Unreserved characters are never escaped: two spellings of one path do not both pass a rule.
        if (!BROKEN_ESCAPE.test(input)) {
          assert.not.match(target, /%(?:4[1-9a-f]|5[0-9a]|6[1-9a-f]|7[0-9ae]|3[0-9]|2[de]|5f)/i);
        }
      }
      // Envoy leaves a path of slashes two of them.
      if (settings.mergeSlashes && target !== "//") assert.not.match(target, /\/\//);
      if (settings.escapedSlashesAction !== "KEEP_UNCHANGED" && !BROKEN_ESCAPE.test(input)) {
        assert.not.match(target, /%2f|%5c/i);
      }
    }),
    { seed: 20261222, numRuns: 6000 },
  );
});

test("the query is never touched", () => {
  fc.assert(
    fc.property(path.filter((each) => !each.includes("?")), path, plan, (before, query, settings) => {
      const result = canonicalizePath(`${before}?${query}`, settings);
      if (result.kind !== "reject") assert.ok(result.path.endsWith(`?${query}`));
    }),
    { seed: 20261223, numRuns: 5000 },
  );
});

test("dot segments go as in a URL parser", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("a", "b", ".", "..", "", "c.d", "..."), { maxLength: 8 }), (segments) => {
      const input = "/" + segments.join("/");
      // A URL parser takes a path that begins with two slashes for an authority.
      if (input.startsWith("//")) return;
      assert.is(normalizePath(input), new URL(`http://a${input}`).pathname);
    }),
    { seed: 20261224, numRuns: 5000 },
  );
});

test("any text: no throw", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 60 }), plan, (input, settings) => {
      canonicalizePath(input, settings);
    }),
    { seed: 20261225, numRuns: 5000 },
  );
});

test.run();
