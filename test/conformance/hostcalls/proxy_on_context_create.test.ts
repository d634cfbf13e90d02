// test/conformance/hostcalls/proxy_on_context_create.test.ts: contexts of plugins and of streams.
import { ABI_VERSIONS } from "../../../abi/mod.ts";
import { conform } from "./conformance.ts";
import { call } from "./steps.ts";

conform("proxy_on_context_create", [
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
]);
