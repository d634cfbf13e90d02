// host/http/conn_manager/original_ip.ts: who the client is when other proxies are before this one.
// pure: no I/O, no clock, no runtime globals
/**
 * `original_ip_detection_extensions`: asked one after the other until one finds an address or rejects the
 * request. What the last one that was asked says of x-forwarded-for counts.
 *
 * @see Envoy: source/extensions/http/original_ip_detection
 * @module
 */
import { type CidrBlock, inCidrBlock } from "../../base/cidr.ts";
import { parseIp, withoutZone } from "../../base/ip.ts";
import type { SocketAddress } from "../../observe/stream_info.ts";
import type { HeaderMap } from "../header_map.ts";

/** One extension as plain data. */
export type IpDetectionPlan =
  | { readonly kind: "xff"; readonly trustedHops: number; readonly skipXffAppend: boolean }
  | { readonly kind: "trusted_proxies"; readonly blocks: readonly CidrBlock[]; readonly skipXffAppend: boolean }
  | {
    readonly kind: "custom_header";
    /** Lower case. */
    readonly name: string;
    /** The address may make its sender an internal caller. */
    readonly trusted: boolean;
    /** Of requests without an address in the header; 0: they go on. */
    readonly rejectStatus: number;
  };

/** What was found out. */
export interface Detection {
  readonly address: SocketAddress | null;
  /** The address may make its sender an internal caller. */
  readonly trusted: boolean;
  /** The peer's address is not to be added to x-forwarded-for. */
  readonly skipXffAppend: boolean;
  /** The request is refused with this status; 0: it is not. */
  readonly rejectStatus: number;
}

/** Asks the extensions for the client of a request that came from `peer`. */
export function detectOriginalIp(
  plans: readonly IpDetectionPlan[],
  headers: HeaderMap,
  peer: SocketAddress,
): Detection {
  let last: Detection = NOTHING;
  for (const plan of plans) {
    last = detect(plan, headers, peer);
    if (last.address !== null || last.rejectStatus > 0) break;
  }
  return last;
}

const NOTHING: Detection = { address: null, trusted: false, skipXffAppend: true, rejectStatus: 0 };
const STRANGER: Detection = { ...NOTHING, skipXffAppend: false };

function detect(plan: IpDetectionPlan, headers: HeaderMap, peer: SocketAddress): Detection {
  if (plan.kind === "custom_header") {
    const address = addressOf(headers.get(plan.name) ?? "");
    if (address === null) return { ...NOTHING, rejectStatus: plan.rejectStatus };
    return { address, trusted: plan.trusted, skipXffAppend: true, rejectStatus: 0 };
  }
  const forwarded = headers.getJoined("x-forwarded-for");
  let address: SocketAddress | null = null;
  if (plan.kind === "xff") {
    if (forwarded !== null) address = addressFromXff(forwarded, plan.trustedHops);
  } else {
    if (!isInBlocks(peer.address, plan.blocks)) return STRANGER;
    if (forwarded !== null) address = lastStranger(forwarded, plan.blocks);
  }
  const trusted = address !== null && !forwarded!.includes(",");
  return { address, trusted, skipXffAppend: plan.skipXffAppend, rejectStatus: 0 };
}

/** The address that stands `hopsFromEnd` before the last in an x-forwarded-for list; null when there is none. */
export function addressFromXff(forwarded: string, hopsFromEnd: number): SocketAddress | null {
  const addresses = forwarded.split(",");
  const index = addresses.length - 1 - hopsFromEnd;
  return index < 0 ? null : addressOf(addresses[index]!.trim());
}

/** The last address that is no trusted proxy's, or the first of all; null when something else comes before it. */
function lastStranger(forwarded: string, blocks: readonly CidrBlock[]): SocketAddress | null {
  const addresses = forwarded.split(",");
  let found: SocketAddress | null = null;
  for (let i = addresses.length - 1; i >= 0; i--) {
    found = addressOf(addresses[i]!.trim());
    if (found === null || !isInBlocks(found.address, blocks)) return found;
  }
  return found;
}

function addressOf(text: string): SocketAddress | null {
  if (parseIp(withoutZone(text)) === null) return null;
  return { address: text, port: 0, text: text.includes(":") ? `[${text}]:0` : `${text}:0` };
}

/** True for an IP address in one of the blocks. */
export function isInBlocks(address: string, blocks: readonly CidrBlock[]): boolean {
  const ip = parseIp(withoutZone(address));
  return ip !== null && blocks.some((block) => inCidrBlock(block, ip));
}
