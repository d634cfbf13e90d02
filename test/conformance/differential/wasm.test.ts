// test/conformance/differential/wasm.test.ts: WebAssembly filters, beside recordings of the real Envoy.
import { test } from "uvu";
import { WASM_GROUPS } from "./cases/mod.ts";
import { testGroups } from "./test_groups.ts";

testGroups(WASM_GROUPS);
test.run();
