// test/conformance/hostcalls/hostcalls.test.ts: all other host functions, WASI, and the memory that the host asks for.
import { conform } from "./conformance.ts";

await conform((name) => !/^proxy_(?:on|get)_/.test(name));
