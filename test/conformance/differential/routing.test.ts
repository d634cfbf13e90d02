// test/conformance/differential/routing.test.ts: routes, retries and what else the router does, beside recordings of the real Envoy.
import { test } from "uvu";
import { ROUTING_GROUPS } from "./cases/mod.ts";
import { testGroups } from "./test_groups.ts";

testGroups(ROUTING_GROUPS);
test.run();
