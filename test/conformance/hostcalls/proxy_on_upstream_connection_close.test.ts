// test/conformance/hostcalls/proxy_on_upstream_connection_close.test.ts: the end of upstreams' connections.
import { ABI_VERSIONS } from "../../../abi/mod.ts";
import { conform } from "./conformance.ts";

conform("proxy_on_upstream_connection_close", [
  {
    name: "the upstream closes",
    versions: ABI_VERSIONS,
    network: true,
    client: ["hello", { bytes: 5 }, "closed"],
    upstream: { tcp: [{ bytes: 5 }, "world", "end"] },
    callbacks: { proxy_on_upstream_connection_close: [] },
  },
]);
