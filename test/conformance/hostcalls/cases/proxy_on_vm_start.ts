// test/conformance/hostcalls/cases/proxy_on_vm_start.ts: the start of a VM.
import { ABI_VERSIONS } from "../../../../abi/mod.ts";
import type { Case } from "../play.ts";
import { call } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "with the VM's configuration",
    versions: ABI_VERSIONS,
    vmConfiguration: "for the VM",
    configuration: "for the plugin",
    callbacks: { proxy_on_vm_start: [call("proxy_get_buffer_bytes", 6, 0, 100)], proxy_on_configure: [] },
  },
  {
    name: "without configuration",
    callbacks: { proxy_on_vm_start: [] },
  },
];
