// test/host/router/routes/route_fields.test.ts: limits, priorities and timeouts of routes.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ResourcePriority } from "../../../../host/upstream/circuit_breaker.ts";
import { globalTimeoutMs } from "../../../../host/router/timeouts.ts";
import { ask, infoOf, requestOf, tableOf, tableOfRoutes } from "../support.ts";

test("how much of a request may be held", () => {
  const limit = (route: object, host: object = {}): number | null => {
    const routes = [{ match: { prefix: "/" }, route: { cluster: "c" }, ...route }];
    const table = tableOf({ virtual_hosts: [{ name: "v", domains: ["*"], routes, ...host }] });
    return ask(table, "/")!.requestBufferLimitBytes;
  };
  const body = (bytes: number) => ({ request_body_buffer_limit: bytes });
  const old = (bytes: number) => ({ per_request_buffer_limit_bytes: bytes });
  assert.is(limit({}), null);
  assert.is(limit(body(0)), 0);
  assert.is(limit(old(50)), 50);
  assert.is(limit({ ...body(1), ...old(50) }), 1);
  assert.is(limit({}, body(300)), 300);
  assert.is(limit(body(200), body(300)), 200);
  assert.is(limit(old(50), body(300)), 300);
  assert.is(limit(old(50), old(60)), 50);
  assert.is(limit(body(200), old(60)), 200);
});

test("priority", () => {
  const table = tableOfRoutes([
    { match: { path: "/high" }, route: { cluster: "c", priority: "HIGH" } },
    { match: { prefix: "/" }, route: { cluster: "c" } },
  ]);
  assert.is(ask(table, "/high")!.priority, ResourcePriority.High);
  assert.is(ask(table, "/")!.priority, ResourcePriority.Default);
});

test("grpc-timeout in place of the route's, up to max_grpc_timeout", () => {
  const table = tableOfRoutes([
    { match: { path: "/max" }, route: { cluster: "c", max_grpc_timeout: "2s", grpc_timeout_offset: "0.1s" } },
    { match: { path: "/any" }, route: { cluster: "c", max_grpc_timeout: "0s" } },
    { match: { prefix: "/" }, route: { cluster: "c", timeout: "3s" } },
  ]);
  const plan = { suppressEnvoyHeaders: false, respectExpectedRqTimeout: false };
  const timeout = (path: string, grpcTimeout: string | null, type = "application/grpc"): number => {
    const headers: [string, string][] = [["content-type", type]];
    if (grpcTimeout !== null) headers.push(["grpc-timeout", grpcTimeout]);
    const request = requestOf({ path, headers });
    return globalTimeoutMs(request, table.route(request, infoOf(), 0)!, plan);
  };
  assert.is(timeout("/max", "1S"), 900);
  assert.is(timeout("/max", "9S"), 2000);
  assert.is(timeout("/max", null), 2000);
  assert.is(timeout("/max", "50m"), 50);
  assert.is(timeout("/max", "1S", "text/plain"), 15_000);
  assert.is(timeout("/any", "9S"), 9000);
  assert.is(timeout("/any", null), 0);
  assert.is(timeout("/", "1S"), 3000);
});

test.run();
