// test/conformance/hostcalls/callbacks.test.ts: what callbacks are called with, and when.
import { conform } from "./conformance.ts";

await conform((name) => name.startsWith("proxy_on_"));
