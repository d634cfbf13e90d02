// host/http/h2/plan.ts: the Http2ProtocolOptions message as plain data.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/config/core/v3/protocol.proto Http2ProtocolOptions
 * @see Envoy: source/common/http/utility.cc Http2::Utility::initializeAndValidateOptions
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import { SettingId } from "./frame.ts";
import { HTTP2_DEFAULTS, type Http2Plan, type KeepalivePlan } from "./options.ts";

/** Settings that a field of the message says already. */
const NAMED: Readonly<Record<number, keyof Http2Plan & string>> = {
  [SettingId.HeaderTableSize]: "hpackTableBytes",
  [SettingId.MaxConcurrentStreams]: "maxConcurrentStreams",
  [SettingId.InitialWindowSize]: "initialStreamWindowBytes",
};

const NAMED_FIELDS: Readonly<Record<number, string>> = {
  [SettingId.HeaderTableSize]: "hpack_table_size",
  [SettingId.MaxConcurrentStreams]: "max_concurrent_streams",
  [SettingId.InitialWindowSize]: "initial_stream_window_size",
};

/**
 * `streamErrorOnInvalidMessage` is what the HttpConnectionManager says of all protocols; null where it, or
 * the cluster, says nothing.
 */
export function planHttp2(node: ConfigNode | null, streamErrorOnInvalidMessage: boolean | null): Http2Plan {
  const defaults: Http2Plan = {
    ...HTTP2_DEFAULTS,
    streamErrorOnInvalidMessage: streamErrorOnInvalidMessage ?? HTTP2_DEFAULTS.streamErrorOnInvalidMessage,
  };
  if (node === null) return defaults;
  node.accept("use_oghttp2_codec", "there is one HTTP/2 codec");
  node.accept("allow_metadata", "METADATA frames are read and dropped");
  node.accept("max_metadata_size", "METADATA frames are read and dropped");
  const deprecated = node.bool("stream_error_on_invalid_http_messaging");
  const { named, custom } = planCustomSettings(node);
  return {
    hpackTableBytes: node.number("hpack_table_size", defaults.hpackTableBytes),
    maxConcurrentStreams: node.number("max_concurrent_streams", defaults.maxConcurrentStreams),
    initialStreamWindowBytes: node.number("initial_stream_window_size", defaults.initialStreamWindowBytes),
    initialConnectionWindowBytes: node.number("initial_connection_window_size", defaults.initialConnectionWindowBytes),
    allowConnect: node.bool("allow_connect"),
    maxOutboundFrames: node.number("max_outbound_frames", defaults.maxOutboundFrames),
    maxOutboundControlFrames: node.number("max_outbound_control_frames", defaults.maxOutboundControlFrames),
    maxConsecutiveEmptyFrames: node.number(
      "max_consecutive_inbound_frames_with_empty_payload",
      defaults.maxConsecutiveEmptyFrames,
    ),
    maxPriorityFramesPerStream: node.number(
      "max_inbound_priority_frames_per_stream",
      defaults.maxPriorityFramesPerStream,
    ),
    maxWindowUpdatesPerDataFrame: node.number(
      "max_inbound_window_update_frames_per_data_frame_sent",
      defaults.maxWindowUpdatesPerDataFrame,
    ),
    streamResetBurst: node.number("stream_reset_burst", defaults.streamResetBurst),
    streamResetRate: node.number("stream_reset_rate", defaults.streamResetRate),
    maxHeaderFieldBytes: node.number("max_header_field_size_kb", defaults.maxHeaderFieldBytes / 1024) * 1024,
    disallowObsText: node.bool("disallow_obs_text"),
    huffmanEncoding: node.bool("enable_huffman_encoding", defaults.huffmanEncoding),
    streamErrorOnInvalidMessage: node.has("override_stream_error_on_invalid_http_message")
      ? node.bool("override_stream_error_on_invalid_http_message")
      : streamErrorOnInvalidMessage ?? deprecated,
    keepalive: planKeepalive(node.message("connection_keepalive")),
    customSettings: custom,
    ...named,
  };
}

function planKeepalive(node: ConfigNode | null): KeepalivePlan | null {
  if (node === null) return null;
  const intervalMs = node.durationMs("interval", 0);
  const idleIntervalMs = node.durationMs("connection_idle_interval", 0);
  const jitter = node.message("interval_jitter");
  return {
    intervalMs,
    timeoutMs: node.durationMs("timeout", 0),
    jitterPercent: jitter === null ? 15 : jitter.number("value"),
    idleIntervalMs,
  };
}

/** Settings with a meaning here are taken for the field that they stand for; the others are only sent. */
function planCustomSettings(node: ConfigNode): { named: Partial<Http2Plan>; custom: [number, number][] } {
  const values = new Map<number, number>();
  for (const parameter of node.messages("custom_settings_parameters")) {
    const id = parameter.number("identifier");
    const value = parameter.number("value");
    const field = NAMED_FIELDS[id];
    if (id === SettingId.EnablePush || id === SettingId.EnableConnectProtocol) {
      parameter.error("config/conflict", `setting ${id} cannot be set here`, {
        field: "identifier",
        ...(id === SettingId.EnableConnectProtocol && { help: "use allow_connect" }),
      });
    } else if (field !== undefined && node.has(field)) {
      parameter.error("config/conflict", `setting ${id} is ${field}, which is set too`, { field: "identifier" });
    } else if (values.has(id) && values.get(id) !== value) {
      parameter.error("config/conflict", `setting ${id} has two values`, { field: "identifier" });
    } else {
      values.set(id, value);
    }
  }
  const named: Record<string, number> = {};
  const custom: [number, number][] = [];
  for (const [id, value] of values) {
    const key = NAMED[id];
    if (key === undefined) custom.push([id, value]);
    else named[key] = value;
  }
  return { named, custom };
}
