// test/conformance/hostcalls/getters.test.ts: host functions that tell something.
import { conform } from "./conformance.ts";

await conform((name) => name.startsWith("proxy_get_"));
