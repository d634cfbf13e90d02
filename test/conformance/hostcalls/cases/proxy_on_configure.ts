// test/conformance/hostcalls/cases/proxy_on_configure.ts: the configuration of a plugin.
import { ABI_VERSIONS } from "../../../../abi/mod.ts";
import type { Case } from "../play.ts";
import { call } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "a text",
    versions: ABI_VERSIONS,
    configuration: "for the plugin",
    callbacks: { proxy_on_configure: [call("proxy_get_buffer_bytes", 7, 0, 100)] },
  },
  {
    name: "none",
    callbacks: { proxy_on_configure: [call("proxy_get_buffer_bytes", 7, 0, 100)] },
  },
  {
    name: "bytes above 127",
    configuration: "h\u00e9llo",
    callbacks: { proxy_on_configure: [call("proxy_get_buffer_bytes", 7, 0, 100)] },
  },
];
