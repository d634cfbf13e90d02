// test/conformance/hostcalls/cases/proxy_on_downstream_connection_close.ts: the end of clients' connections.
import { ABI_VERSIONS } from "../../../../abi/mod.ts";
import type { Case } from "../play.ts";

export const CASES: readonly Case[] = [
  {
    name: "the client closes",
    versions: ABI_VERSIONS,
    network: true,
    client: ["hello", { bytes: 5 }, "end", "closed"],
    upstream: { tcp: [{ bytes: 5 }, "world", "hang"] },
    callbacks: { proxy_on_downstream_connection_close: [], proxy_on_done: [], proxy_on_log: [], proxy_on_delete: [] },
  },
  {
    name: "the client breaks off",
    network: true,
    client: ["hello", { bytes: 5 }, "reset"],
    upstream: { tcp: [{ bytes: 5 }, "world", "hang"] },
    callbacks: { proxy_on_downstream_connection_close: [] },
  },
];
