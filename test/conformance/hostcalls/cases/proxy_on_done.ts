// test/conformance/hostcalls/cases/proxy_on_done.ts: the end of streams.
import { ABI_VERSIONS } from "../../../../abi/mod.ts";
import type { Case } from "../play.ts";
import { returns } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "once for each stream, whatever it answers",
    versions: ABI_VERSIONS,
    callbacks: { proxy_on_done: [returns(0)], proxy_on_delete: [] },
  },
];
