// host/extensions/common/wasm/filter_state_objects.ts: Envoy's named objects of the filter state.
// pure: no I/O, no clock, no runtime globals
/**
 * `set_envoy_filter_state` makes them from text; other filters read them. An object is kept as its text, in the
 * form in which Envoy shows it.
 *
 * @see Envoy: docs "Well Known Filter State Objects", envoy/stream_info/filter_state.h ObjectFactory
 * @module
 */
import { fromLatin1, latin1Slice } from "../../../base/bytes.ts";
import { parseAddress } from "../../../net/address.ts";
import { formatIp, parseIp } from "../../../base/ip.ts";
import type { FilterStateObject } from "../../../observe/stream_info.ts";
import type { PropertyValue } from "../../../wasm/ports.ts";

/** How an object reads its text, and what can be seen of it. */
interface ObjectKind {
  /** The text as the object keeps it; null when it cannot be one. */
  parse(text: string): string | null;
  read(text: string, path: readonly string[]): PropertyValue | null;
}

const TEXT: ObjectKind = {
  parse: (text) => text,
  read: (text, path) => path.length === 0 ? { kind: "bytes", value: fromLatin1(text) } : null,
};

/** Kept, but of no form that can be read. */
const HIDDEN: ObjectKind = { parse: (text) => text, read: () => null };

/** An IP address with a port, whose parts can be read and which as a whole is an empty map. */
const ADDRESS: ObjectKind = {
  parse(text) {
    const address = /[/@]/.test(text) ? null : parseAddress(text);
    return address === null ? null : address.text;
  },
  read(text, path) {
    const address = parseAddress(text)!;
    if (path.length === 0) return { kind: "map", value: new Map() };
    if (path.length > 1) return null;
    if (path[0] === "ip") return { kind: "string", value: address.address };
    return path[0] === "port" ? { kind: "int", value: address.port } : null;
  },
};

const IP: ObjectKind = {
  parse(text) {
    const ip = parseIp(text);
    if (ip === null) return null;
    return ip.version === 6 ? `[${formatIp(ip)}]:0` : `${formatIp(ip)}:0`;
  },
  read: TEXT.read,
};

const BOOLEAN: ObjectKind = {
  parse: (text) => text === "true" ? text : "false",
  read: TEXT.read,
};

function number(max: bigint): ObjectKind {
  return {
    parse: (text) => /^[0-9]{1,20}$/.test(text) && BigInt(text) <= max ? String(BigInt(text)) : null,
    read: TEXT.read,
  };
}

const UINT32 = number(0xffff_ffffn);
const UINT64 = number(0xffff_ffff_ffff_ffffn);

const KINDS: Readonly<Record<string, ObjectKind>> = {
  "envoy.filters.listener.original_dst.local_ip": ADDRESS,
  "envoy.filters.listener.original_dst.remote_ip": ADDRESS,
  "envoy.hashable_string": TEXT,
  "envoy.network.application_protocols": HIDDEN,
  "envoy.network.ip": IP,
  "envoy.network.network_namespace": TEXT,
  "envoy.network.transport_socket.original_dst_address": ADDRESS,
  "envoy.network.upstream_server_name": TEXT,
  "envoy.network.upstream_subject_alt_names": TEXT,
  "envoy.ratelimit.hits_addend": UINT32,
  "envoy.string": TEXT,
  "envoy.tcp_proxy.cluster": TEXT,
  "envoy.tcp_proxy.disable_tunneling": BOOLEAN,
  "envoy.tcp_proxy.per_connection_idle_timeout_ms": UINT64,
  "envoy.upstream.dynamic_host": TEXT,
  "envoy.upstream.dynamic_port": UINT32,
};

/** Those that something here acts on; the others are kept for whoever reads them. */
const READ_HERE = new Set(["envoy.tcp_proxy.cluster", "envoy.tcp_proxy.per_connection_idle_timeout_ms"]);

/** Names that text can be made an object of. */
export const FILTER_STATE_OBJECTS: readonly string[] = Object.keys(KINDS);

export function isFilterStateObject(name: string): boolean {
  return Object.hasOwn(KINDS, name);
}

/** Whether an object of this name changes what the proxy does. */
export function hasEffect(name: string): boolean {
  return READ_HERE.has(name);
}

/** The object of a known name that is made from bytes; null when they are not its text. */
export function makeFilterStateObject(name: string, bytes: Uint8Array): FilterStateObject | null {
  const text = KINDS[name]!.parse(latin1Slice(bytes, 0, bytes.length));
  return text === null ? null : { value: fromLatin1(text), readOnly: false };
}

/** What a path leads to in an object. */
export function readFilterStateObject(
  name: string,
  object: FilterStateObject,
  path: readonly string[],
): PropertyValue | null {
  const kind = isFilterStateObject(name) ? KINDS[name]! : TEXT;
  return kind.read(latin1Slice(object.value, 0, object.value.length), path);
}
