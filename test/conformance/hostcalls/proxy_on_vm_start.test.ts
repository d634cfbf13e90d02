// test/conformance/hostcalls/proxy_on_vm_start.test.ts: the start of a VM.
import { ABI_VERSIONS } from "../../../abi/mod.ts";
import { conform } from "./conformance.ts";
import { call } from "./steps.ts";

conform("proxy_on_vm_start", [
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
]);
