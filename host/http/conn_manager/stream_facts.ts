// host/http/conn_manager/stream_facts.ts: what a stream's facts say of its beginning, its size and an early end.
// pure: no I/O, no clock, no runtime globals
// hot: once per request; see bench/micro/http_path.bench.ts
/**
 * @see Envoy: source/common/http/conn_manager_impl.cc onResetStream, source/common/stream_info/stream_info_impl.h
 * @module
 */
import type { Clock } from "../../base/clock.ts";
import { type ConnectionInfo, ResponseFlag, StreamInfo } from "../../observe/stream_info.ts";
import { type Protocol, type StreamMeter, StreamResetReason } from "../codec.ts";

/** What is known of a stream by its listener and filter chain. */
export type ChainInfo = Pick<
  StreamInfo,
  "listenerName" | "filterChainName" | "trafficDirection" | "listenerMetadata"
>;

/** What streams inherit from their connection. */
export interface StreamOrigin {
  readonly info: ConnectionInfo;
  readonly chainInfo: ChainInfo;
  readonly protocol: Protocol;
}

/** What is known of a stream when it begins; `before`: of the stream that it takes the place of. */
export function beginStreamInfo(
  { info: connection, protocol, chainInfo }: StreamOrigin,
  clock: Clock,
  before: StreamInfo | null,
): StreamInfo {
  const info = before === null
    ? new StreamInfo(connection, clock.nowMs(), clock.wallMs())
    : new StreamInfo(connection, before.startMs, before.startWallMs);
  if (before !== null) info.continueFrom(before);
  info.protocol = protocol;
  info.listenerName = chainInfo.listenerName;
  info.filterChainName = chainInfo.filterChainName;
  info.trafficDirection = chainInfo.trafficDirection;
  info.listenerMetadata = chainInfo.listenerMetadata;
  return info;
}

/** The codec, or the overload manager, ended the stream. */
export function noteReset(info: StreamInfo, reason: StreamResetReason, details: string, isAnswered: boolean): void {
  const isByClient = reason === StreamResetReason.RemoteReset;
  if (isByClient || reason === StreamResetReason.ConnectionTermination) {
    info.setFlag(isByClient ? ResponseFlag.DownstreamRemoteReset : ResponseFlag.DownstreamConnectionTermination);
    if (info.responseCodeDetails === "" || !isAnswered) {
      info.responseCodeDetails = details === "" ? "downstream_remote_disconnect" : details;
    }
    return;
  }
  if (reason === StreamResetReason.OverloadManager) {
    info.setFlag(ResponseFlag.OverloadManager);
    info.responseCodeDetails = "overload";
    return;
  }
  // What the codec refuses to take counts as reset by the client, as in Envoy.
  info.setFlag(
    reason === StreamResetReason.ProtocolError
      ? ResponseFlag.DownstreamProtocolError
      : ResponseFlag.DownstreamRemoteReset,
  );
  if (details !== "") info.responseCodeDetails = details;
}

/** The connection is gone under the stream. */
export function noteDisconnect(info: StreamInfo, byClient: boolean): void {
  if (byClient) {
    info.setFlag(ResponseFlag.DownstreamConnectionTermination);
    info.responseCodeDetails = "downstream_remote_disconnect";
  } else if (info.responseCodeDetails === "") {
    info.responseCodeDetails = "downstream_local_disconnect";
  }
}

/** What the codec has counted. */
export function noteBytes(info: StreamInfo, meter: StreamMeter): void {
  info.wireBytesReceived = meter.wireBytesReceived;
  info.wireBytesSent = meter.wireBytesSent;
  info.headerBytesReceived = meter.headerBytesReceived;
  info.headerBytesSent = meter.headerBytesSent;
}
