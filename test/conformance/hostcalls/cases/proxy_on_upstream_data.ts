// test/conformance/hostcalls/cases/proxy_on_upstream_data.ts: bytes of upstreams.
import { ABI_VERSIONS } from "../../../../abi/mod.ts";
import type { Case } from "../play.ts";
import { call, param, when } from "../steps.ts";

const HELLO = ["hello", { bytes: 5 }, "end", "closed"] as const;
const ECHO = { tcp: [{ bytes: 5 }, "world", { pause: 60 }, "end"] } as const;

export const CASES: readonly Case[] = [
  {
    name: "bytes are read and changed",
    versions: ABI_VERSIONS,
    network: true,
    client: HELLO,
    upstream: ECHO,
    watch: ["client"],
    callbacks: {
      proxy_on_upstream_data: [
        when(param(1), call("proxy_get_buffer_bytes", 3, 0, 100), call("proxy_set_buffer_bytes", 3, 0, 1, "W")),
      ],
    },
  },
];
