// test/host/router/attempts/load_balancer_context.test.ts: what a request asks of the host that it goes to.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { RequestLoadBalancerContext } from "../../../../host/router/attempts/load_balancer_context.ts";
import type { RoutedRequest } from "../../../../host/router/routed_request.ts";
import { ask, infoOf, tableOfRoutes } from "../support.ts";

function criteria(route: object | null, dynamic: Record<string, unknown> | null): unknown {
  const action = {
    cluster: "c",
    ...(route !== null && { metadata_match: { filter_metadata: { "envoy.lb": route } } }),
  };
  const info = infoOf();
  if (dynamic !== null) info.mergeDynamicMetadata("envoy.lb", dynamic);
  info.mergeDynamicMetadata("other", { x: 1 });
  const entry = ask(tableOfRoutes([{ match: { prefix: "/" }, route: action }]), "/")!;
  const request = { route: entry, stream: { info } } as unknown as RoutedRequest;
  const context = new RequestLoadBalancerContext(request, null);
  const match = context.metadataMatch();
  assert.is(context.metadataMatch(), match, "it is made once");
  return match === null ? null : match.criteria.map(({ name, value }) => [name, value]);
}

test("the route's criteria, and those that filters leave in the dynamic metadata, which precede them", () => {
  assert.equal(criteria(null, null), null);
  assert.equal(criteria({ v: 1 }, null), [["v", 1]]);
  assert.equal(criteria(null, { v: 2, a: "x" }), [["a", "x"], ["v", 2]]);
  assert.equal(criteria({ v: 1, stage: "prod" }, { v: 2 }), [["stage", "prod"], ["v", 2]]);
});

test.run();
