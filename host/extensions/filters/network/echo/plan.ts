// host/extensions/filters/network/echo/plan.ts: reads an Echo message, which is empty.
/**
 * @see Envoy: api/envoy/extensions/filters/network/echo/v3/echo.proto
 * @module
 */
import type { ConfigNode } from "../../../../config/node.ts";

export type EchoPlan = Record<never, never>;

export function planEcho(_node: ConfigNode): EchoPlan {
  return {};
}
