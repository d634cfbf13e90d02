// test/host/config/runtime_keys.test.ts: the keys that mean something, and their page.
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { isKnownRuntimeKey, renderRuntimeKeys } from "../../../host/config/runtime_keys.ts";

test("keys are known with any name in the place of <…>", () => {
  for (
    const key of [
      "circuit_breakers.web.default.max_requests",
      "circuit_breakers.a.b.high.retry_budget.budget_percent",
      "envoy.resource_limits.listener.web.connection_limit",
      "upstream.maintenance_mode.web",
      "outlier_detection.consecutive_5xx",
    ]
  ) assert.ok(isKnownRuntimeKey(key), key);
  for (
    const key of [
      "circuit_breakers.web.default.max_request",
      "upstream.maintenance_mode.",
      "outlier_detection.consecutive_5xx.x",
      "envoy.reloadable_features.x",
      "upstreamXuse_retry",
    ]
  ) assert.not(isKnownRuntimeKey(key), key);
});

test("docs/reference/runtime.md has every key", () => {
  const page = readFileSync(new URL("../../../docs/reference/runtime.md", import.meta.url), "utf8");
  assert.is(page, renderRuntimeKeys(), "run node host/config/write_reference.ts");
});

test.run();
