// host/router/attempts/reset_reason.ts: what a failed attempt is called: in the answer's text, in flags, in details.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/http/utility.cc Utility::resetReasonToString, source/common/router/router.cc
 *   Filter::streamResetReasonToResponseFlag
 * @module
 */
import { StreamResetReason } from "../../http/codec.ts";
import { ResponseFlag } from "../../observe/stream_info.ts";

/** The words of `reset reason: …`. */
export function resetReasonText(reason: StreamResetReason): string {
  return reason === StreamResetReason.OverloadManager ? "overload manager reset" : reason.replaceAll("_", " ");
}

export function resetReasonFlag(reason: StreamResetReason): ResponseFlag {
  switch (reason) {
    case StreamResetReason.LocalConnectionFailure:
    case StreamResetReason.RemoteConnectionFailure:
    case StreamResetReason.ConnectionTimeout:
      return ResponseFlag.UpstreamConnectionFailure;
    case StreamResetReason.ConnectionTermination:
      return ResponseFlag.UpstreamConnectionTermination;
    case StreamResetReason.LocalReset:
    case StreamResetReason.LocalRefusedStreamReset:
      return ResponseFlag.LocalReset;
    case StreamResetReason.Overflow:
      return ResponseFlag.UpstreamOverflow;
    case StreamResetReason.RemoteReset:
    case StreamResetReason.RemoteRefusedStreamReset:
    case StreamResetReason.ConnectError:
      return ResponseFlag.UpstreamRemoteReset;
    case StreamResetReason.ProtocolError:
      return ResponseFlag.UpstreamProtocolError;
    case StreamResetReason.OverloadManager:
      return ResponseFlag.OverloadManager;
  }
}
