// host/http/h2/settings.ts: what this side says of itself first, and what the peer says.
// pure: no I/O, no clock, no runtime globals
/**
 * @see RFC 9113 §6.5
 * @module
 */
import { DEFAULT_MAX_FRAME_SIZE, DEFAULT_WINDOW_SIZE, ErrorCode, MAX_WINDOW_SIZE, SettingId } from "./frame.ts";
import { settingsFrame, windowUpdateFrame } from "./frame.ts";
import type { Http2Plan } from "./options.ts";

/** The first frames of a connection: SETTINGS, and the connection's window, in Envoy's order. */
export function openingFrames(plan: Http2Plan, isServer: boolean): string {
  const settings: (readonly [number, number])[] = [...plan.customSettings];
  settings.push([SettingId.HeaderTableSize, plan.hpackTableBytes]);
  if (isServer) settings.push([SettingId.EnableConnectProtocol, plan.allowConnect ? 1 : 0]);
  else settings.push([SettingId.EnablePush, 0]);
  settings.push([SettingId.MaxConcurrentStreams, plan.maxConcurrentStreams]);
  settings.push([SettingId.InitialWindowSize, plan.initialStreamWindowBytes]);
  const frames = settingsFrame(settings);
  const increment = plan.initialConnectionWindowBytes - DEFAULT_WINDOW_SIZE;
  return increment > 0 ? frames + windowUpdateFrame(0, increment) : frames;
}

/** The settings of a peer. */
export class PeerSettings {
  headerTableBytes = 4096;
  maxConcurrentStreams = 0x7fffffff;
  initialWindowBytes: number = DEFAULT_WINDOW_SIZE;
  maxFrameSize: number = DEFAULT_MAX_FRAME_SIZE;
  allowsConnect = false;

  /** Reads a SETTINGS payload, a multiple of six bytes. Returns what is wrong with it. */
  read(bytes: Uint8Array, start: number, end: number, fromServer: boolean): ErrorCode | null {
    for (let at = start; at < end; at += 6) {
      const id = (bytes[at]! << 8) | bytes[at + 1]!;
      const value = ((bytes[at + 2]! << 24) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!) >>> 0;
      switch (id) {
        case SettingId.HeaderTableSize:
          this.headerTableBytes = value;
          break;
        case SettingId.EnablePush:
          if (value > 1 || (fromServer && value === 1)) return ErrorCode.ProtocolError;
          break;
        case SettingId.MaxConcurrentStreams:
          this.maxConcurrentStreams = value;
          break;
        case SettingId.InitialWindowSize:
          if (value > MAX_WINDOW_SIZE) return ErrorCode.FlowControlError;
          this.initialWindowBytes = value;
          break;
        case SettingId.MaxFrameSize:
          if (value < DEFAULT_MAX_FRAME_SIZE || value > 0xffffff) return ErrorCode.ProtocolError;
          this.maxFrameSize = value;
          break;
        case SettingId.EnableConnectProtocol:
          if (value > 1 || (this.allowsConnect && value === 0)) return ErrorCode.ProtocolError;
          this.allowsConnect = value === 1;
          break;
      }
    }
    return null;
  }
}
