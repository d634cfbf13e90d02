// test/conformance/scoreboard.test.ts: the scoreboard page is up to date, and nothing of the ABI is left out.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HOSTCALLS } from "../../abi/mod.ts";
import { CASE_FILES } from "./hostcalls/recording.ts";
import { SUPERSETS } from "./hostcalls/supersets.ts";
import { readScoreboard, renderScoreboard } from "./write_scoreboard.ts";

test("the page is up to date", () => {
  assert.is(readScoreboard(), renderScoreboard(), "run node test/conformance/write_scoreboard.ts");
});

test("every host function has a file of cases", () => {
  for (const row of HOSTCALLS) assert.ok(CASE_FILES.includes(row.name), row.name);
});

test("every superset is of a file of cases", () => {
  for (const name of SUPERSETS.flatMap((each) => each.cases)) {
    assert.ok(CASE_FILES.includes(name.split(": ")[0]!), name);
  }
});

test.run();
