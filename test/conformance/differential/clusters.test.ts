// test/conformance/differential/clusters.test.ts: clusters, load balancing, sessions, beside recordings of the real Envoy.
import { test } from "uvu";
import { CLUSTER_GROUPS } from "./cases/mod.ts";
import { testGroups } from "./test_groups.ts";

testGroups(CLUSTER_GROUPS);
test.run();
