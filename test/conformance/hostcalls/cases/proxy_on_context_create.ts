// test/conformance/hostcalls/cases/proxy_on_context_create.ts: contexts of plugins and of streams.
import { ABI_VERSIONS } from "../../../../abi/mod.ts";
import type { Case } from "../play.ts";
import { call } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "the plugin's, and one of each stream",
    versions: ABI_VERSIONS,
    client: [
      "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
      "response",
      "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
      "response",
    ],
    callbacks: { proxy_on_context_create: [call("proxy_get_property", "plugin_root_id")] },
  },
];
