// test/host/extensions/common/wasm/limits.test.ts: limits of wasm plugins from runtime keys.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { WasmLimitsPlan } from "../../../../../host/extensions/common/wasm/limits.ts";

function plan(values: Readonly<Record<string, unknown>>): WasmLimitsPlan {
  return new WasmLimitsPlan(new Map(Object.entries(values)));
}

test("limits of all plugins, and of those of one name", () => {
  const limits = plan({
    "nuncio.wasm.cpu_budget": 1000,
    "nuncio.wasm.max_memory_bytes": 1 << 20,
    "nuncio.wasm.plugins.guard.v2.cpu_budget": 50,
    "nuncio.wasm.plugins.guard.v2.metering": true,
    "nuncio.wasm.plugins.fast.metering": false,
    "nuncio.wasm.plugins.old.compat": "envoy",
    "envoy.reloadable_features.x": true,
  });
  assert.equal(limits.problems, []);
  assert.equal(limits.of("other"), { cpuBudget: 1000, maxMemoryBytes: 1 << 20 });
  assert.equal(limits.of("guard.v2"), { cpuBudget: 50, maxMemoryBytes: 1 << 20 });
  assert.is(limits.of("fast").cpuBudget, 0);
  assert.is(limits.of("old").compat, "envoy");
});

test("every key that is not understood is told, with what was expected", () => {
  const limits = plan({
    "nuncio.wasm.cpu_budgett": 1,
    "nuncio.wasm.frobnicate": 1,
    "nuncio.wasm.start_cpu_budget": 3e9,
    "nuncio.wasm.plugins.a.max_memory_bytes": "1 MiB",
    "nuncio.wasm.metering": "no",
    "nuncio.wasm.max_metrics": 1.5,
    "nuncio.wasm.compat": "Envoy",
  });
  assert.equal(
    limits.problems.map(({ key, message, help }) => `${key} ${message}${help === null ? "" : `; ${help}`}`),
    [
      "nuncio.wasm.cpu_budgett is not known; there is cpu_budget",
      "nuncio.wasm.frobnicate is not known; limits are cpu_budget, start_cpu_budget, max_memory_bytes, " +
      "max_table_elements, max_http_calls, max_http_calls_per_stream, max_http_call_bytes, max_metrics, " +
      "max_log_line_bytes, max_log_lines_per_second, max_log_bytes_per_second, max_shared_bytes, max_shared_keys, " +
      "max_queues, max_queued_messages, max_contexts, max_property_bytes, max_body_bytes, max_header_bytes, " +
      "max_deferred, metering, compat",
      "nuncio.wasm.start_cpu_budget is 3000000000, expected a whole number from 1 to 2147483647",
      'nuncio.wasm.plugins.a.max_memory_bytes is "1 MiB", expected a whole number from 65536 to 4294967296',
      'nuncio.wasm.metering is "no", expected true or false',
      "nuncio.wasm.max_metrics is 1.5, expected a whole number from 0 to 2147483647",
      'nuncio.wasm.compat is "Envoy", expected "envoy" or "nuncio"',
    ],
  );
});

test.run();
