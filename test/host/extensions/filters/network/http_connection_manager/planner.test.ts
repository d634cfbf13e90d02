// test/host/extensions/filters/network/http_connection_manager/planner.test.ts: what the planner refuses.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { planned } from "./fixture.ts";

test("access_log_options and the fields before it", () => {
  const { manager } = planned("access_log_options: { access_log_flush_interval: 2s }").plan!;
  assert.is(manager.accessLogFlushIntervalMs, 2000);
  assert.is(planned("access_log_flush_interval: 3s").plan!.manager.accessLogFlushIntervalMs, 3000);
  assert.is(planned("flush_access_log_on_new_request: true").plan!.manager.flushAccessLogOnNewRequest, true);
  for (const field of ["access_log_flush_interval: 3s", "flush_access_log_on_new_request: true"]) {
    assert.match(planned(`access_log_options: {}\n${field}`).problems.join(), "access_log_options are both set");
  }
});

test("whose name the Proxy-Status header has", () => {
  const name = (fields: string, more = ""): string | null =>
    planned(`proxy_status_config: { ${fields} }\n${more}`).plan!.manager.proxyStatus!.proxyName;
  assert.is(planned("").plan!.manager.proxyStatus, null);
  assert.is(name(""), "envoy");
  assert.is(name("", "server_name: mine"), "mine");
  assert.is(name("literal_proxy_name: own"), "own");
  assert.is(name("use_node_id: true"), null);
  assert.is(name("use_node_id: false"), null);
});

test("responses are flushed for as long as streams may be idle, unless said otherwise", () => {
  const flushMs = (fields: string): number => planned(fields).plan!.manager.streamFlushTimeoutMs;
  assert.is(flushMs(""), 300_000);
  assert.is(flushMs("stream_idle_timeout: 3s"), 3000);
  assert.is(flushMs("stream_idle_timeout: 3s\nstream_flush_timeout: 5s"), 5000);
  assert.is(flushMs("stream_idle_timeout: 3s\nstream_flush_timeout: 0s"), 0);
});

test("the jitter of the drain time", () => {
  assert.is(planned("").plan!.manager.drainTimeoutJitterPercent, 0);
  assert.is(planned("drain_timeout_jitter: { value: 12.5 }").plan!.manager.drainTimeoutJitterPercent, 12.5);
});

test.run();
