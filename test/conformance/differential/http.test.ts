// test/conformance/differential/http.test.ts: HTTP: messages, versions, upgrades, the connection manager, beside recordings of the real Envoy.
import { test } from "uvu";
import { HTTP_GROUPS } from "./cases/mod.ts";
import { testGroups } from "./test_groups.ts";

testGroups(HTTP_GROUPS);
test.run();
