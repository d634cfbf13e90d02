// test/conformance/hostcalls/cases/proxy_get_configuration.ts: configuration in ABI 0.1.0.
import { type Case, versionsOf } from "../play.ts";
import { BAD, call, into } from "../steps.ts";

export const CASES: readonly Case[] = [
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
];
