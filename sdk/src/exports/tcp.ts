// sdk/src/exports/tcp.ts: the callbacks of connections.
import { Body } from "../body";
import { setCurrent } from "../context";
import { BufferType, PeerType } from "../enums";
import { enterGuest, leaveGuest } from "../memory";
import { networkFilterOf } from "../registry";

export function proxy_on_new_connection(id: u32): u32 {
  enterGuest();
  setCurrent(id);
  const status = networkFilterOf(id).onNewConnection();
  leaveGuest();
  return status;
}

export function proxy_on_downstream_data(id: u32, size: u32, endOfStream: u32): u32 {
  enterGuest();
  setCurrent(id);
  const status = networkFilterOf(id).onDownstreamData(new Body(BufferType.DownstreamData, size), endOfStream != 0);
  leaveGuest();
  return status;
}

export function proxy_on_upstream_data(id: u32, size: u32, endOfStream: u32): u32 {
  enterGuest();
  setCurrent(id);
  const status = networkFilterOf(id).onUpstreamData(new Body(BufferType.UpstreamData, size), endOfStream != 0);
  leaveGuest();
  return status;
}

export function proxy_on_downstream_connection_close(id: u32, peer: u32): void {
  enterGuest();
  setCurrent(id);
  networkFilterOf(id).onDownstreamClose(<PeerType>peer);
  leaveGuest();
}

export function proxy_on_upstream_connection_close(id: u32, peer: u32): void {
  enterGuest();
  setCurrent(id);
  networkFilterOf(id).onUpstreamClose(<PeerType>peer);
  leaveGuest();
}
