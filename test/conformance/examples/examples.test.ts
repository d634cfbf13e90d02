// test/conformance/examples/examples.test.ts: nuncio does with the example filters what Envoy does.
/**
 * Plays the exchanges of `exchanges.ts` through nuncio and compares with what `record.ts` wrote down of Envoy.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { renderText } from "../../../host/base/diagnostic_render.ts";
import { buildFilter } from "../../../host/testing/mod.ts";
import { PLAYS } from "./exchanges.ts";
import { playName, type PlayObservation, playThrough } from "./play.ts";
import { type ProxyCommand, ROOT } from "./proxy.ts";

const recording = JSON.parse(readFileSync(join(ROOT, "test/conformance/examples/envoy-1.40.json"), "utf8")) as {
  plays: Record<string, PlayObservation>;
};

/** VMs share what it counts, so it has several; more than one worker is most of what a start costs. */
const ON_TWO_WORKERS = "rate_limit";

/** The proxy on the runtime that this test runs on. */
function nuncio(workers: number): ProxyCommand {
  return {
    command: process.execPath,
    args: [
      ...("Deno" in globalThis ? ["run", "--allow-all", "--no-check", "--quiet"] : []),
      join(ROOT, "host/cli/main.ts"),
      "--concurrency",
      String(workers),
      "-l",
      "warn",
    ],
  };
}

for (const play of PLAYS) {
  test(playName(play), async () => {
    const { diagnostics } = await buildFilter({ path: join(ROOT, "filters-examples", play.example) });
    assert.not(diagnostics.hasErrors, renderText(diagnostics));
    const expected = recording.plays[playName(play)];
    assert.ok(expected, "not recorded: run record.ts");
    const seen = await playThrough(nuncio(play.example === ON_TWO_WORKERS ? 2 : 1), play);
    for (const [i, exchange] of (expected.http ?? expected.tcp ?? []).entries()) {
      assert.equal((seen.http ?? seen.tcp)![i], exchange, exchange.name);
    }
    assert.equal(seen, expected);
  });
}

test.run();
