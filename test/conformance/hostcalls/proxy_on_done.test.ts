// test/conformance/hostcalls/proxy_on_done.test.ts: the end of streams.
import { ABI_VERSIONS } from "../../../abi/mod.ts";
import { conform } from "./conformance.ts";
import { returns } from "./steps.ts";

conform("proxy_on_done", [
  {
    name: "once for each stream, whatever it answers",
    versions: ABI_VERSIONS,
    callbacks: { proxy_on_done: [returns(0)], proxy_on_delete: [] },
  },
]);
