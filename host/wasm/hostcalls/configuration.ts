// host/wasm/hostcalls/configuration.ts: proxy_get_configuration of ABI 0.1.0.
// pure: no I/O, no clock, no runtime globals
/**
 * @module
 */
import type { Status } from "../../../abi/mod.ts";
import type { HostcallTable } from "./family.ts";
import { returnBytes } from "../returns.ts";

export const configurationHostcalls: HostcallTable = {
  proxy_get_configuration: (vm) => (returnData: number, returnSize: number): Status => {
    const { root } = vm.context ?? vm.refuse("proxy_get_configuration");
    const bytes = root.isConfiguring ? root.pluginConfiguration : root.vmConfiguration;
    return returnBytes(vm, bytes, returnData >>> 0, returnSize >>> 0);
  },
};
