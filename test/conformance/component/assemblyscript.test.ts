// test/conformance/component/assemblyscript.test.ts: the tests of examples, with the filters built as components.
/**
 * Headers, trailers and answers, bodies, callouts and ticks, connections, shared data and metrics: nothing in a
 * filter's source says what it is built as.
 */
import "./as_components.ts";
import "../../../filters-examples/auth_callout/filter.test.ts";
import "../../../filters-examples/body_rewrite/filter.test.ts";
import "../../../filters-examples/rate_limit/filter.test.ts";
import "../../../filters-examples/tcp_gate/filter.test.ts";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { buildFilter } from "../../../host/testing/mod.ts";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { looksLikeComponent } from "../../../host/wasm/component/compile_component.ts";

test("they are components", async () => {
  for (const name of ["auth_callout", "body_rewrite", "rate_limit", "tcp_gate"]) {
    const path = fileURLToPath(new URL(`../../../filters-examples/${name}`, import.meta.url));
    const { outFile, upToDate } = await buildFilter({ path, component: true });
    assert.ok(upToDate, `${name} was built by its test`);
    assert.match(outFile, /filter\.component\.wasm$/);
    assert.ok(looksLikeComponent(readFileSync(outFile)));
  }
});

test.run();
