// test/host/http/h2/plan.test.ts: which word counts when several say what a malformed message ends.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadBootstrap, loadRegistry } from "../../../../host/config/load.ts";
import { HTTP2_DEFAULTS, type Http2Plan } from "../../../../host/http/h2/options.ts";
import { planHttp2 } from "../../../../host/http/h2/plan.ts";

const registry = loadRegistry();

function plan(yaml: string, ofManager: boolean | null): Http2Plan {
  const { root } = loadBootstrap({ registry, typeName: "envoy.config.core.v3.Http2ProtocolOptions", yaml });
  return planHttp2(root, ofManager);
}

test("without a message everything is as in Envoy, but for the manager's word", () => {
  assert.equal(planHttp2(null, null), HTTP2_DEFAULTS);
  assert.is(planHttp2(null, true).streamErrorOnInvalidMessage, true);
});

test("the override counts most, then the connection manager, then the deprecated field", () => {
  const of = (yaml: string, ofManager: boolean | null): boolean => plan(yaml, ofManager).streamErrorOnInvalidMessage;
  const override = "override_stream_error_on_invalid_http_message";
  const deprecated = "stream_error_on_invalid_http_messaging";
  assert.is(of("{}", null), false);
  assert.is(of("{}", true), true);
  assert.is(of(`${deprecated}: true`, null), true);
  assert.is(of(`${deprecated}: true`, false), false);
  assert.is(of(`${override}: false`, true), false);
  assert.is(of(`${override}: true\n${deprecated}: false`, false), true);
});

test.run();
