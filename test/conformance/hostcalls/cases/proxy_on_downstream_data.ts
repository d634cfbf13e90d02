// test/conformance/hostcalls/cases/proxy_on_downstream_data.ts: bytes of clients.
import { ABI_VERSIONS } from "../../../../abi/mod.ts";
import type { Case } from "../play.ts";
import { call, param, returns, when } from "../steps.ts";

const HELLO = ["hello", { bytes: 5 }, "end", "closed"] as const;
const ECHO = { tcp: [{ bytes: 5 }, "world", { pause: 60 }, "end"] } as const;

export const CASES: readonly Case[] = [
  {
    name: "bytes are read and changed",
    versions: ABI_VERSIONS,
    network: true,
    client: HELLO,
    upstream: ECHO,
    watch: ["upstream"],
    callbacks: {
      proxy_on_downstream_data: [
        when(param(1), call("proxy_get_buffer_bytes", 2, 0, 100), call("proxy_set_buffer_bytes", 2, 0, 1, "J")),
      ],
    },
  },
  {
    name: "bytes that are held come again with what follows",
    network: true,
    client: ["he", { pause: 60 }, "llo", { bytes: 5 }, "end", "closed"],
    upstream: ECHO,
    watch: ["upstream"],
    callbacks: {
      proxy_on_downstream_data: [
        call("proxy_get_buffer_bytes", 2, 0, 100),
        when({ wat: "(i32.and (i32.lt_u (local.get 1) (i32.const 5)) (i32.eqz (local.get 2)))" }, returns(1)),
      ],
    },
  },
];
