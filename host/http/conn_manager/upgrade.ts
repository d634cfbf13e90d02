// host/http/conn_manager/upgrade.ts: streams that are to become something else: CONNECT and Upgrade.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/http/conn_manager_impl.cc createFilterChain, source/common/http/utility.cc isUpgrade
 * @module
 */
import { ResponseFlag, type StreamInfo } from "../../observe/stream_info.ts";
import type { ConfiguredFilter, ConnectionManagerConfig } from "./conn_manager_config.ts";
import type { HeaderMap } from "../header_map.ts";
import type { Route } from "../route.ts";

/** The upgrade that a plain CONNECT counts as. */
const CONNECT = "connect";

/** What the request asks to become; null for nothing. */
export function requestedUpgrade(headers: HeaderMap): string | null {
  return headers.protocol ?? (headers.method === "CONNECT" ? CONNECT : null);
}

/** The filters of an upgrade that the route or else the connection manager allows; null when neither does. */
export function upgradeFilters(
  upgrade: string,
  route: Route | null,
  config: ConnectionManagerConfig,
): readonly ConfiguredFilter[] | null {
  const type = upgrade.toLowerCase();
  const row = config.plan.upgrades.find((each) => each.type === type);
  const allowed = route?.allowsUpgrade?.(type) ?? row?.enabled ?? false;
  if (!allowed) return null;
  return row === undefined || row.filters < 0 ? config.filters : config.upgradeFilters[row.filters]!;
}

/** True when the response turns the stream into a tunnel. */
export function isTunnelResponse(request: HeaderMap, status: number): boolean {
  if (status === 101) return request.protocol !== null;
  return request.method === "CONNECT" && status >= 200 && status < 300;
}

/** A tunnel was asked for, and what it leads to is out of reach or gone. */
export function hasLostTunnel(request: HeaderMap | null, info: StreamInfo): boolean {
  if (request === null || requestedUpgrade(request) === null) return false;
  return info.hasFlag(ResponseFlag.UpstreamConnectionTermination) ||
    info.hasFlag(ResponseFlag.UpstreamConnectionFailure);
}
