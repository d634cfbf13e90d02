// host/observe/formatter/stream_commands.ts: commands that read the facts of a stream.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/formatter/stream_info_formatter.cc
 * @module
 */
import { toWireText } from "../../base/wire_text.ts";
import { ResponseFlag, type SocketAddress, type StreamInfo, type TlsInfo, type UpstreamInfo } from "../stream_info.ts";
import { maskAddress } from "./address_format.ts";
import {
  type Command,
  CommandError,
  type Extract,
  type FormatInput,
  type FormatValue,
  withoutControls,
} from "./command.ts";

const LONG_FLAGS: ReadonlyMap<string, string> = new Map(
  Object.entries(ResponseFlag).map((
    [name, flag],
  ) => [flag, name === "OverloadManager" ? "OverloadManagerTerminated" : name]),
);

/** A command without parameter: a fact of the stream. */
function fact(read: (info: StreamInfo) => FormatValue): Command {
  return { parameter: "none", length: false, compile: () => (input) => read(input.info) };
}

/** A text fact, absent when empty. */
function text(read: (info: StreamInfo) => string | null | undefined): Command {
  return fact((info) => read(info) || null);
}

/** A fact of the upstream half; `absent` when there was none. */
function upstream(read: (upstream: UpstreamInfo) => FormatValue | undefined, absent: FormatValue = null): Command {
  return fact((info) => (info.upstream === null ? undefined : read(info.upstream)) ?? absent);
}

function upstreamText(read: (upstream: UpstreamInfo) => string | null | undefined): Command {
  return upstream((up) => read(up) || null);
}

type Address = (info: StreamInfo) => SocketAddress | null | undefined;

function addressText(read: Address): Command {
  return text((info) => read(info)?.text);
}

function addressPort(read: Address): Command {
  return fact((info) => {
    const address = read(info);
    return address == null || address.port === 0 ? null : address.port;
  });
}

/** `…_WITHOUT_PORT(MASK_PREFIX_LEN)`. */
function addressWithoutPort(read: Address): Command {
  return {
    parameter: "optional",
    length: false,
    compile(parameter) {
      if (parameter === "") return (input) => read(input.info)?.address ?? null;
      if (!/^\d{1,3}$/.test(parameter) || Number(parameter) > 128) {
        return new CommandError(`"${parameter}" is no prefix length; expected 0 to 128`);
      }
      const bits = Number(parameter);
      return (input) => {
        const address = read(input.info);
        return address == null ? null : maskAddress(address.address, bits);
      };
    },
  };
}

/** The three forms of an address. */
function addressCommands(prefix: string, read: Address): Record<string, Command> {
  return {
    [`${prefix}_ADDRESS`]: addressText(read),
    [`${prefix}_ADDRESS_WITHOUT_PORT`]: addressWithoutPort(read),
    [`${prefix}_PORT`]: addressPort(read),
  };
}

type Tls = (info: StreamInfo) => TlsInfo | null | undefined;

function tlsCommands(side: string, read: Tls): Record<string, Command> {
  const list = (pick: (tls: TlsInfo) => readonly string[]): Command =>
    text((info) => {
      const tls = read(info);
      return tls == null ? null : pick(tls).join(",");
    });
  return {
    [`${side}_TLS_VERSION`]: text((info) => read(info)?.version),
    [`${side}_TLS_CIPHER`]: text((info) => read(info)?.cipherSuite),
    [`${side}_PEER_SUBJECT`]: text((info) => read(info)?.subjectPeerCertificate),
    [`${side}_LOCAL_SUBJECT`]: text((info) => read(info)?.subjectLocalCertificate),
    [`${side}_PEER_URI_SAN`]: list((tls) => tls.uriSanPeerCertificate),
    [`${side}_LOCAL_URI_SAN`]: list((tls) => tls.uriSanLocalCertificate),
    [`${side}_PEER_DNS_SAN`]: list((tls) => tls.dnsSanPeerCertificate),
    [`${side}_LOCAL_DNS_SAN`]: list((tls) => tls.dnsSanLocalCertificate),
    [`${side}_PEER_FINGERPRINT_256`]: text((info) => read(info)?.sha256PeerCertificateDigest),
    [`${side}_PEER_CERT`]: text((info) => {
      const pem = read(info)?.peerCertificatePem ?? "";
      return pem === "" ? null : encodeURIComponent(pem);
    }),
  };
}

/** Whole milliseconds from the start of the stream to a monotonic time. */
function sinceStart(info: StreamInfo, atMs: number | undefined): number | null {
  return atMs === undefined || atMs < 0 ? null : Math.floor(atMs - info.startMs);
}

/** Points in time by the names of `COMMON_DURATION`. */
const TIME_POINTS: Readonly<Record<string, (info: StreamInfo) => number | undefined>> = {
  DS_CX_BEG: (info) => info.connection.startMs,
  DS_CX_END: (info) => info.connection.endMs,
  DS_RX_BEG: (info) => info.startMs,
  DS_RX_END: (info) => info.lastDownstreamRxByteMs,
  DS_TX_BEG: (info) => info.firstDownstreamTxByteMs,
  DS_TX_END: (info) => info.lastDownstreamTxByteMs,
  US_CX_BEG: (info) => info.upstream?.connection?.startMs,
  US_CX_END: (info) => info.upstream?.connection?.connectedMs,
  US_HS_END: (info) => info.upstream?.connection?.tlsEstablishedMs,
  US_TX_BEG: (info) => info.upstream?.firstByteSentMs,
  US_TX_END: (info) => info.upstream?.lastByteSentMs,
  US_RX_BEG: (info) => info.upstream?.firstByteReceivedMs,
  US_RX_END: (info) => info.upstream?.lastByteReceivedMs,
};

const PRECISION: Readonly<Record<string, number>> = { ms: 1, us: 1e3, ns: 1e6 };

/** `COMMON_DURATION(START:END:PRECISION)`. */
function compileCommonDuration(parameter: string): Extract | CommandError {
  const [from = "", to = "", precision = "ms"] = parameter.split(":");
  const start = TIME_POINTS[from];
  const end = TIME_POINTS[to];
  const scale = PRECISION[precision];
  if (start === undefined || end === undefined) {
    const names = Object.keys(TIME_POINTS).join(", ");
    return new CommandError(
      `COMMON_DURATION knows no time point "${start === undefined ? from : to}"`,
      `use one of ${names}`,
    );
  }
  if (scale === undefined) {
    return new CommandError(`COMMON_DURATION knows no precision "${precision}"; expected ms, us or ns`);
  }
  return ({ info }) => {
    const startMs = start(info), endMs = end(info);
    if (startMs === undefined || endMs === undefined || startMs < 0 || endMs < 0) return null;
    return Math.floor((endMs - startMs) * scale);
  };
}

function flagText(info: StreamInfo, long: boolean): string {
  const flags = info.flags;
  // Envoy prints "-" here even where an absent value would be left out.
  if (flags.length === 0) return "-";
  return long ? flags.map((flag) => LONG_FLAGS.get(flag) ?? flag).join(",") : flags.join(",");
}

const details: Command = {
  parameter: "optional",
  length: false,
  compile(parameter) {
    const keep = parameter === "ALLOW_WHITESPACES";
    return ({ info }) => {
      if (info.responseCodeDetails === "") return null;
      // A guest's own text may be in it.
      return withoutControls(keep ? info.responseCodeDetails : info.responseCodeDetails.replace(/\s/g, "_"));
    };
  },
};

const duration: Command = {
  parameter: "none",
  length: false,
  // Of a stream that goes on (a periodic record) it is the time so far.
  compile: (_, world) => ({ info }) => Math.floor((info.endMs < 0 ? world.clock.nowMs() : info.endMs) - info.startMs),
};

/** The name of a host without the port that it was configured with. */
function withoutPort(name: string): string {
  return name.replace(/^\[(.*)\]:\d+$/, "$1").replace(/^([^:]*):\d+$/, "$1");
}

const hostName = (up: UpstreamInfo): string | undefined => up.hostName || up.host?.text;

export const STREAM_COMMANDS: Readonly<Record<string, Command>> = {
  PROTOCOL: text((info) => info.protocol),
  UPSTREAM_PROTOCOL: upstreamText((up) => up.protocol),
  RESPONSE_CODE: fact((info) => info.responseCode),
  RESPONSE_CODE_DETAILS: details,
  CONNECTION_TERMINATION_DETAILS: text((info) => info.connection.terminationDetails),
  RESPONSE_FLAGS: fact((info) => flagText(info, false)),
  RESPONSE_FLAGS_LONG: fact((info) => flagText(info, true)),
  BYTES_RECEIVED: fact((info) => info.bytesReceived),
  BYTES_SENT: fact((info) => info.bytesSent),
  // QUIC alone counts these.
  BYTES_RETRANSMITTED: fact(() => 0),
  PACKETS_RETRANSMITTED: fact(() => 0),
  DOWNSTREAM_WIRE_BYTES_RECEIVED: fact((info) => info.wireBytesReceived),
  DOWNSTREAM_WIRE_BYTES_SENT: fact((info) => info.wireBytesSent),
  DOWNSTREAM_HEADER_BYTES_RECEIVED: fact((info) => info.headerBytesReceived),
  DOWNSTREAM_HEADER_BYTES_SENT: fact((info) => info.headerBytesSent),
  UPSTREAM_WIRE_BYTES_RECEIVED: upstream((up) => up.wireBytesReceived, 0),
  UPSTREAM_WIRE_BYTES_SENT: upstream((up) => up.wireBytesSent, 0),
  UPSTREAM_HEADER_BYTES_RECEIVED: upstream((up) => up.headerBytesReceived, 0),
  UPSTREAM_HEADER_BYTES_SENT: upstream((up) => up.headerBytesSent, 0),
  DURATION: duration,
  REQUEST_DURATION: fact((info) => sinceStart(info, info.lastDownstreamRxByteMs)),
  REQUEST_TX_DURATION: fact((info) => sinceStart(info, info.upstream?.lastByteSentMs)),
  RESPONSE_DURATION: fact((info) => sinceStart(info, info.upstream?.firstByteReceivedMs)),
  RESPONSE_TX_DURATION: fact((info) => {
    const from = info.upstream?.firstByteReceivedMs ?? -1;
    return from < 0 || info.lastDownstreamTxByteMs < 0 ? null : Math.floor(info.lastDownstreamTxByteMs - from);
  }),
  UPSTREAM_CONNECTION_POOL_READY_DURATION: fact((info) => sinceStart(info, info.upstream?.poolReadyMs)),
  DOWNSTREAM_HANDSHAKE_DURATION: fact(({ connection }) =>
    connection.tlsEstablishedMs === undefined || connection.startMs === undefined
      ? null
      : Math.floor(connection.tlsEstablishedMs - connection.startMs)
  ),
  // Known from QUIC's final acknowledgement only.
  ROUNDTRIP_DURATION: fact(() => null),
  COMMON_DURATION: { parameter: "required", length: false, compile: compileCommonDuration },
  ROUTE_NAME: text((info) => info.routeName),
  UPSTREAM_REQUEST_ATTEMPT_COUNT: fact((info) => info.attemptCount),
  UPSTREAM_CLUSTER: text((info) => info.upstream?.observabilityName ?? info.clusterName),
  UPSTREAM_CLUSTER_RAW: text((info) => info.upstream?.clusterName ?? info.clusterName),
  UPSTREAM_HOST: upstreamText((up) => up.host?.text),
  UPSTREAM_HOST_NAME: upstreamText(hostName),
  UPSTREAM_HOST_NAME_WITHOUT_PORT: upstreamText((up) => withoutPort(hostName(up) ?? "")),
  UPSTREAM_CONNECTION_ID: upstream((up) => up.connection?.id, 0),
  UPSTREAM_TRANSPORT_FAILURE_REASON: upstreamText((up) => up.transportFailureReason.replace(/\s/g, "_")),
  UPSTREAM_SERVER_NAME: upstreamText((up) => up.connection?.requestedServerName),
  DOWNSTREAM_TRANSPORT_FAILURE_REASON: text((info) => info.connection.transportFailureReason.replace(/\s/g, "_")),
  CONNECTION_ID: fact((info) => info.connection.id),
  STREAM_ID: text((info) => info.requestId),
  FILTER_CHAIN_NAME: text((info) => info.filterChainName),
  LISTENER_NAME: text((info) => info.listenerName),
  VIRTUAL_CLUSTER_NAME: fact((info) => info.virtualClusterName || null),
  TRACE_ID: text((info) => info.traceId),
  SPAN_ID: text((info) => info.spanId),
  ...addressCommands("UPSTREAM_LOCAL", (info) => info.upstream?.localAddress),
  ...addressCommands("UPSTREAM_REMOTE", (info) => info.upstream?.connection?.remoteAddress),
  ...addressCommands("DOWNSTREAM_REMOTE", (info) => info.remoteAddress),
  ...addressCommands("DOWNSTREAM_DIRECT_REMOTE", (info) => info.connection.directRemoteAddress),
  ...addressCommands("DOWNSTREAM_LOCAL", (info) => info.connection.localAddress),
  ...addressCommands("DOWNSTREAM_DIRECT_LOCAL", (info) => info.connection.localAddress),
  ...tlsCommands("DOWNSTREAM", (info) => info.connection.tls),
  ...tlsCommands("UPSTREAM", (info) => info.upstream?.connection?.tls),
};

/** Commands whose text is not of the stream: the moment, the machine, the record itself. */
export const RECORD_COMMANDS: Readonly<Record<string, Command>> = {
  HOSTNAME: { parameter: "none", length: false, compile: (_, world) => constant(toWireText(world.hostname)) },
  ENVIRONMENT: {
    parameter: "required",
    length: true,
    compile: (name, world) => constant(toWireText(world.environment(name) ?? "-")),
  },
  UNIQUE_ID: { parameter: "none", length: false, compile: (_, world) => () => world.random.uuid() },
  LOCAL_REPLY_BODY: { parameter: "none", length: false, compile: () => (input) => input.localReplyBody ?? "" },
  ACCESS_LOG_TYPE: { parameter: "none", length: false, compile: () => (input) => input.accessLogType ?? "NotSet" },
};

function constant(value: string): (input: FormatInput) => string {
  return () => value;
}
