// test/conformance/hostcalls/proxy_get_configuration.test.ts: configuration in ABI 0.1.0.
import { conform } from "./conformance.ts";
import { versionsOf } from "./play.ts";
import { BAD, call, into } from "./steps.ts";

conform("proxy_get_configuration", [
  {
    name: "the plugin's while it is configured, otherwise the VM's",
    versions: versionsOf("proxy_get_configuration"),
    configuration: "for the plugin",
    vmConfiguration: "for the VM",
    callbacks: {
      proxy_on_vm_start: [call("proxy_get_configuration")],
      proxy_on_configure: [call("proxy_get_configuration")],
      proxy_on_request_headers: [call("proxy_get_configuration")],
      proxy_on_log: [call("proxy_get_configuration")],
    },
  },
  {
    name: "no configuration",
    version: "0.1.0",
    callbacks: {
      proxy_on_vm_start: [call("proxy_get_configuration")],
      proxy_on_configure: [call("proxy_get_configuration")],
    },
  },
  {
    name: "places outside of memory",
    version: "0.1.0",
    configuration: "for the plugin",
    callbacks: {
      proxy_on_configure: [
        into(call("proxy_get_configuration"), BAD),
        into(call("proxy_get_configuration"), null, BAD),
      ],
    },
  },
]);
