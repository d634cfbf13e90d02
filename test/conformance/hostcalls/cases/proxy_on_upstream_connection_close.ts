// test/conformance/hostcalls/cases/proxy_on_upstream_connection_close.ts: the end of upstreams' connections.
import { ABI_VERSIONS } from "../../../../abi/mod.ts";
import type { Case } from "../play.ts";

export const CASES: readonly Case[] = [
  {
    name: "the upstream closes",
    versions: ABI_VERSIONS,
    network: true,
    client: ["hello", { bytes: 5 }, "closed"],
    upstream: { tcp: [{ bytes: 5 }, "world", "end"] },
    callbacks: { proxy_on_upstream_connection_close: [] },
  },
];
