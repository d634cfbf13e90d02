// test/conformance/hostcalls/proxy_on_delete.test.ts: contexts that go.
import { ABI_VERSIONS } from "../../../abi/mod.ts";
import { conform } from "./conformance.ts";
import { call } from "./steps.ts";

conform("proxy_on_delete", [
  {
    name: "the last of a stream's callbacks",
    versions: ABI_VERSIONS,
    callbacks: { proxy_on_response_headers: [], proxy_on_delete: [call("proxy_get_header_map_value", 0, "x-a")] },
  },
]);
