// host/wasm/hostcalls/stream.ts: going on, closing, forgetting the route.
// pure: no I/O, no clock, no runtime globals
/**
 * @module
 */
import { Status, StreamType } from "../../../abi/mod.ts";
import type { HostcallTable } from "./family.ts";

function isStreamType(type: number): boolean {
  return type >= StreamType.HttpRequest && type <= StreamType.Upstream;
}

export const streamHostcalls: HostcallTable = {
  proxy_continue_stream: (vm) => (type: number): Status => {
    const context = vm.context ?? vm.refuse("proxy_continue_stream");
    if (!isStreamType(type)) return Status.BadArgument;
    if (type === StreamType.Upstream && vm.isEnvoyCompatible) return Status.Unimplemented;
    return context.continueStream(type);
  },

  proxy_close_stream: (vm) => (type: number): Status => {
    const context = vm.context ?? vm.refuse("proxy_close_stream");
    return isStreamType(type) ? context.closeStream(type) : Status.BadArgument;
  },

  proxy_continue_request: (vm) => (): Status => {
    const context = vm.context ?? vm.refuse("proxy_continue_request");
    return context.continueStream(StreamType.HttpRequest);
  },

  proxy_continue_response: (vm) => (): Status => {
    const context = vm.context ?? vm.refuse("proxy_continue_response");
    return context.continueStream(StreamType.HttpResponse);
  },

  proxy_clear_route_cache: (vm) => (): Status => {
    const context = vm.context ?? vm.refuse("proxy_clear_route_cache");
    context.clearRouteCache();
    return Status.Ok;
  },
};
