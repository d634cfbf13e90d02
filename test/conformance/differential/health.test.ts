// test/conformance/differential/health.test.ts: health, outliers, breakers, overload, draining, beside recordings of the real Envoy.
import { test } from "uvu";
import { HEALTH_GROUPS } from "./cases/mod.ts";
import { testGroups } from "./test_groups.ts";

testGroups(HEALTH_GROUPS);
test.run();
