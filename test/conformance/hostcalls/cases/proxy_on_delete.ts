// test/conformance/hostcalls/cases/proxy_on_delete.ts: contexts that go.
import { ABI_VERSIONS } from "../../../../abi/mod.ts";
import type { Case } from "../play.ts";
import { call } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "the last of a stream's callbacks",
    versions: ABI_VERSIONS,
    callbacks: { proxy_on_response_headers: [], proxy_on_delete: [call("proxy_get_header_map_value", 0, "x-a")] },
  },
];
