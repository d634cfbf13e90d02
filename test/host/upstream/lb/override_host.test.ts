// test/host/upstream/lb/override_host.test.ts: hosts that requests name, in headers and in metadata.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { StreamInfo } from "../../../../host/observe/stream_info.ts";
import type { Host } from "../../../../host/upstream/host.ts";
import { createBalancer } from "../../../../host/upstream/lb/create_balancer.ts";
import type { LoadBalancerContext } from "../../../../host/upstream/lb/context.ts";
import type { OverrideHostPlan } from "../../../../host/upstream/lb/plan.ts";
import { NO_LOCALITY } from "../../../../host/upstream/plan.ts";
import { PrioritySet } from "../../../../host/upstream/priority.ts";
import { FakeConnection } from "../fakes.ts";
import { contextOf, environmentOf, newHost } from "./setup.ts";

const PLAN: OverrideHostPlan = {
  policy: "OVERRIDE_HOST",
  sources: [
    { kind: "metadata", key: { namespace: "picker", path: ["a", "b"] } },
    { kind: "header", name: "x-host" },
  ],
  selectedHostKey: { namespace: "chosen", path: ["host"] },
  fallback: { policy: "ROUND_ROBIN", localityWeighted: false, failTrafficOnPanic: false },
};

interface Ask {
  readonly context: LoadBalancerContext;
  readonly info: StreamInfo;
}

function ask(headers: Readonly<Record<string, string>>, metadata: Readonly<Record<string, unknown>> = {}): Ask {
  const info = new StreamInfo(new FakeConnection({ address: "10.9.9.9", port: 1, text: "10.9.9.9:1" }).info, 0, 0);
  info.mergeDynamicMetadata("picker", metadata);
  return { info, context: contextOf({ requestHeaders: HeaderMap.of(headers), streamInfo: info }) };
}

function setup(): { choose(context: LoadBalancerContext | null): Host | null; hosts: readonly Host[] } {
  const priorities = new PrioritySet(140, { current: 50 });
  const hosts = Array.from({ length: 3 }, () => newHost());
  const sick = newHost({ health: "UNHEALTHY", priority: 1 });
  priorities.updateHosts(0, hosts, [{ locality: NO_LOCALITY, weight: 1, hosts }]);
  priorities.updateHosts(1, [sick], [{ locality: NO_LOCALITY, weight: 1, hosts: [sick] }]);
  const balancer = createBalancer(PLAN, environmentOf(priorities));
  assert.is(balancer.asksContext, true);
  return { choose: (context) => balancer.chooseHost(context), hosts: [...hosts, sick] };
}

test("metadata comes before headers here, and each attempt takes the next address", () => {
  const { choose, hosts: [first, second, third, sick] } = setup();
  const list = `${second!.address.text}, 10.7.7.7:7 ,${sick!.address.text}`;
  const { context, info } = ask({ "x-host": first!.address.text }, { a: { b: list } });
  assert.is(choose(context), second);
  assert.equal({ ...info.dynamicMetadata.get("chosen") }, { host: second!.address.text });
  assert.is(choose(context), sick);
  assert.is(choose(context), first);
  // Nobody is left: the policy below takes all in turn.
  assert.is(new Set([choose(context), choose(context), choose(context)]).size, 3);
  assert.ok(third);
});

test("what is no text in the metadata names nobody", () => {
  for (const metadata of [{ a: { b: 7 } }, { a: "x" }, { a: { b: null } }, {}]) {
    const { choose, hosts } = setup();
    const { context } = ask({}, metadata);
    assert.is(new Set(Array.from({ length: 3 }, () => choose(context))).size, 3);
    assert.ok(!hosts.slice(3).includes(choose(context)!));
  }
});

test("where there is no stream the policy below decides", () => {
  const { choose } = setup();
  assert.ok(choose(null) !== null);
  assert.ok(choose(contextOf({ requestHeaders: HeaderMap.of({ "x-host": "10.0.0.1:1" }) })) !== null);
});

test.run();
