// test/conformance/smuggling/smuggling.test.ts: no request reaches an upstream that nobody sent.
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readMessages } from "../../host/http/h1/oracle.ts";
import { type Case, get, type Outcome, type Rule, RULES } from "./case.ts";
import { playConnection, type Played } from "./chain.ts";
import { DOWNGRADES } from "./downgrades.ts";
import { REQUESTS } from "./requests.ts";

const RECORDED = JSON.parse(
  readFileSync(new URL("recorded.json", import.meta.url), "utf8"),
) as Record<string, Outcome>;

/** What nuncio must make of a case: what Envoy does, or what a stricter rule says. */
function expected(each: Case, log: readonly string[]): Outcome {
  const recorded = RECORDED[each.name];
  assert.ok(recorded !== undefined, `there is no recording of it: run record.ts`);
  if (each.stricter === undefined) return recorded!;
  const rule: Rule = RULES[each.stricter];
  // A head that was refused has no method yet.
  const method = /\|[^|]*$/.exec(log.at(-1) ?? "")?.[0] ?? "";
  return {
    log: [rule.log + method],
    upstream: rule.upstream === undefined ? [] : [rule.upstream],
    closed: rule.open !== true,
  };
}

/** What reached the upstreams parses as exactly the requests that are whole; of others only a cut part did. */
function checkSent(played: Played): void {
  for (const text of played.sent) {
    const messages = readMessages(text, "request");
    if (typeof messages === "string") assert.not.match(text, /^GET \/smuggled/);
    else assert.is(messages.length, 1, `${messages.length} requests in one`);
  }
}

for (const each of [...REQUESTS, ...DOWNGRADES]) {
  test(each.name, async () => {
    const played = await playConnection([each.bytes]);
    checkSent(played);
    const { log, upstream, closed } = played;
    assert.equal({ log, upstream, closed }, expected(each, log));
  });
}

/** Bytes that are answered by the proxy itself, and are the last ones of their connection. */
function isRefused({ log, closed }: Outcome): boolean {
  return closed && log.length === 1 && /^[45]/.test(log[0]!);
}

const GOOD = get("", "/good");
const GOOD_LOG = "200|via_upstream|GET";
const GOOD_LINE = "GET /good HTTP/1.1";

test("good requests before a refused one are served, those behind it never", async () => {
  let refused = 0;
  for (const each of REQUESTS) {
    const alone = await playConnection([each.bytes]);
    if (!isRefused(alone)) continue;
    refused++;
    for (const count of [1, 3]) {
      const played = await playConnection([GOOD.repeat(count) + each.bytes + GOOD]);
      checkSent(played);
      // A head that looks like TLS or HTTP/2 at the start of a connection is one more bad request later.
      assert.is(played.log.length, count + 1, each.name);
      assert.equal(played.log.slice(0, count), Array(count).fill(GOOD_LOG), each.name);
      assert.equal(played.upstream, Array(count).fill(GOOD_LINE), each.name);
      assert.ok(played.closed, each.name);
    }
  }
  assert.ok(refused > 150, `only ${refused} cases are refused`);
});

test("good requests before and behind one that is served are served", async () => {
  let served = 0;
  for (const each of REQUESTS) {
    const alone = await playConnection([each.bytes]);
    // What is not whole takes what follows for its rest.
    if (alone.closed || alone.log.some((line) => !line.startsWith("200|"))) continue;
    served++;
    const played = await playConnection([GOOD + each.bytes, GOOD]);
    checkSent(played);
    assert.equal(played.log, [GOOD_LOG, ...alone.log, GOOD_LOG], each.name);
    assert.equal(played.upstream, [GOOD_LINE, ...alone.upstream, GOOD_LINE], each.name);
  }
  assert.ok(served > 20, `only ${served} cases are served`);
});

test("where the bytes are cut makes no difference", async () => {
  for (const each of [...REQUESTS, ...DOWNGRADES]) {
    const whole = await playConnection([each.bytes]);
    for (const pieces of [[...each.bytes], each.bytes.match(/[^]{1,7}/g)!]) {
      const played = await playConnection(pieces);
      checkSent(played);
      assert.equal(played, { ...whole, sent: played.sent }, each.name);
    }
  }
});

test("the corpus is large, its names differ, and each of its rules has a case", () => {
  const all = [...REQUESTS, ...DOWNGRADES];
  assert.ok(all.length >= 150);
  assert.is(new Set(all.map(({ name }) => name)).size, all.length);
  assert.equal([...new Set(all.flatMap(({ stricter }) => stricter ?? []))].sort(), Object.keys(RULES).sort());
  console.log(
    `${all.length} cases, ${all.filter(({ stricter }) => stricter !== undefined).length} of them stricter than Envoy`,
  );
});

test.run();
