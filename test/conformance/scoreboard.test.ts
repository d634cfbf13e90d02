// test/conformance/scoreboard.test.ts: the scoreboard page is up to date, and nothing of the ABI is left out.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HOSTCALLS } from "../../abi/mod.ts";
import { ROOT } from "../support/proxy_process.ts";
import { SUPERSETS } from "./hostcalls/supersets.ts";
import { readScoreboard, renderScoreboard } from "./write_scoreboard.ts";

const FOLDER = join(ROOT, "test/conformance/hostcalls");

test("the page is up to date", () => {
  assert.is(readScoreboard(), renderScoreboard(), "run node test/conformance/write_scoreboard.ts");
});

test("every host function has a file of cases", () => {
  for (const row of HOSTCALLS) assert.ok(existsSync(join(FOLDER, `${row.name}.test.ts`)), row.name);
});

test("every superset is of a file of cases", () => {
  for (const name of SUPERSETS.flatMap((each) => each.cases)) {
    assert.ok(existsSync(join(FOLDER, `${name.split(": ")[0]}.test.ts`)), name);
  }
});

test.run();
