// host/extensions/filters/network/direct_response/filter.ts: says one thing and closes.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/extensions/filters/network/direct_response/filter.cc
 * @module
 */
import type { ConnectionHandler } from "../../../../net/connection_port.ts";
import { CloseType } from "../../../../net/filter.ts";
import type { TerminalFilterFactory } from "../../../../net/network_chain.ts";
import type { DirectResponsePlan } from "./plan.ts";

const IGNORE: ConnectionHandler = {
  onData() {},
  onEnd() {},
  onClose() {},
  onAboveWriteBufferHighWatermark() {},
  onBelowWriteBufferLowWatermark() {},
};

/** The terminal filter of a chain. */
export function createDirectResponse(plan: DirectResponsePlan): TerminalFilterFactory {
  return (connection, context) => {
    connection.setHandler(IGNORE);
    connection.write(plan.response);
    context.info.bytesSent += plan.response.length;
    connection.close(CloseType.FlushWrite, "direct_response");
  };
}
