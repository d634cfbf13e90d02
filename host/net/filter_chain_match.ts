// host/net/filter_chain_match.ts: which filter chain a connection gets.
// pure: no I/O, no clock, no runtime globals
/**
 * Criteria are asked in Envoy's order; at each one the most specific branch is taken and never left again,
 * even when nothing below it fits. The tree is built once per listener.
 *
 * @see Envoy: source/common/listener_manager/filter_chain_manager_impl.cc
 * @module
 */
import type { SocketAddress } from "../observe/stream_info.ts";
import { type CidrBlock, CidrMap, formatCidr } from "../base/cidr.ts";
import { type Ip, isLoopback, parseIp } from "../base/ip.ts";
import type { FilterChainMatchPlan } from "./plan.ts";

/** What is known of a connection when its filter chain is chosen. */
export interface MatchSubject {
  readonly localAddress: SocketAddress;
  readonly remoteAddress: SocketAddress;
  readonly directRemoteAddress: SocketAddress;
  /** Lower case; empty without SNI. */
  readonly serverName: string;
  /** `raw_buffer` or `tls`. */
  readonly transportProtocol: string;
  readonly applicationProtocols: readonly string[];
}

/** Two chains that a connection could not choose between. */
export interface MatchConflict {
  readonly first: number;
  readonly second: number;
}

type Path = (string | number)[];

/** One step of the tree: tells which keys to try, in order; the first that exists is taken. */
interface Level {
  /** The keys of one match at this level, `""` for "any". */
  keys(match: FilterChainMatchPlan): readonly (string | number)[];
}

const LEVELS: readonly Level[] = [
  { keys: (match) => [match.destinationPort ?? ""] },
  { keys: (match) => cidrKeys(match.prefixRanges) },
  { keys: (match) => match.serverNames.length === 0 ? [""] : match.serverNames.map(serverNameKey) },
  { keys: (match) => [match.transportProtocol] },
  { keys: (match) => match.applicationProtocols.length === 0 ? [""] : match.applicationProtocols },
  { keys: (match) => cidrKeys(match.directSourcePrefixRanges) },
  { keys: (match) => [match.sourceType] },
  { keys: (match) => cidrKeys(match.sourcePrefixRanges) },
  { keys: (match) => match.sourcePorts.length === 0 ? [""] : match.sourcePorts },
];

/** `*.example.com` is looked up as `.example.com`. */
function serverNameKey(name: string): string {
  return name.startsWith("*.") ? name.slice(1) : name;
}

function cidrKeys(ranges: readonly CidrBlock[]): string[] {
  return ranges.length === 0 ? ["0.0.0.0/0", "::/0"] : ranges.map(formatCidr);
}

/** A node: branches by key; the CIDR levels also by range. */
class Node {
  readonly branches = new Map<string | number, Node>();
  readonly ranges = new CidrMap<Node>();
  /** Index of the chain, at the last level. */
  chain = -1;

  child(key: string | number, isRange: boolean): Node {
    let node = this.branches.get(key);
    if (node === undefined) {
      node = new Node();
      this.branches.set(key, node);
      if (isRange) {
        const [address, bits] = String(key).split("/");
        this.ranges.setRange(parseIp(address!)!, Number(bits), node);
      }
    }
    return node;
  }
}

const RANGE_LEVELS: readonly number[] = [1, 5, 7];
/** Unix sockets have no IP address; this one stands for "any". @see Envoy: fakeAddress */
const NO_IP: Ip = { version: 4, a: 0, b: 0, c: 0, d: 0xffffffff };

export class FilterChainMatcher {
  readonly #root = new Node();
  /** Chains that come into each other's way; a configuration with one is refused. */
  readonly conflicts: readonly MatchConflict[];

  constructor(matches: readonly FilterChainMatchPlan[]) {
    const conflicts: MatchConflict[] = [];
    matches.forEach((match, index) => this.#insert(match, index, conflicts));
    this.conflicts = conflicts;
  }

  #insert(match: FilterChainMatchPlan, index: number, conflicts: MatchConflict[]): void {
    let nodes: Node[] = [this.#root];
    for (let level = 0; level < LEVELS.length; level++) {
      const keys: Path = [...LEVELS[level]!.keys(match)];
      const isRange = RANGE_LEVELS.includes(level);
      nodes = nodes.flatMap((node) => keys.map((key) => node.child(key, isRange)));
    }
    for (const node of nodes) {
      if (node.chain < 0) node.chain = index;
      else if (node.chain !== index && !conflicts.some((each) => each.first === node.chain && each.second === index)) {
        conflicts.push({ first: node.chain, second: index });
      }
    }
  }

  /** The index of the chain for `subject`, or -1. */
  find(subject: MatchSubject): number {
    const localIp = parseIp(subject.localAddress.address);
    const remoteIp = parseIp(subject.remoteAddress.address);
    const directIp = parseIp(subject.directRemoteAddress.address);
    const byPort = localIp === null
      ? this.#root.branches.get("")
      : this.#root.branches.get(subject.localAddress.port) ?? this.#root.branches.get("");
    const byServerName = matchServerName(byPort?.ranges.lookup(localIp ?? NO_IP), subject.serverName);
    const byTransport = byServerName?.branches.get(subject.transportProtocol) ?? byServerName?.branches.get("");
    const byProtocol = matchProtocol(byTransport, subject.applicationProtocols);
    const bySourceType = matchSourceType(byProtocol?.ranges.lookup(directIp ?? NO_IP), remoteIp, localIp);
    const bySource = bySourceType?.ranges.lookup(remoteIp ?? NO_IP);
    const leaf = bySource?.branches.get(subject.remoteAddress.port) ?? bySource?.branches.get("");
    return leaf?.chain ?? -1;
  }
}

function matchServerName(node: Node | undefined, serverName: string): Node | undefined {
  if (node === undefined) return undefined;
  const exact = node.branches.get(serverName);
  if (exact !== undefined) return exact;
  for (let dot = serverName.indexOf(".", 1); dot > 0; dot = serverName.indexOf(".", dot + 1)) {
    const suffix = node.branches.get(serverName.slice(dot));
    if (suffix !== undefined) return suffix;
  }
  return node.branches.get("");
}

function matchProtocol(node: Node | undefined, protocols: readonly string[]): Node | undefined {
  if (node === undefined) return undefined;
  for (const protocol of protocols) {
    const match = node.branches.get(protocol);
    if (match !== undefined) return match;
  }
  return node.branches.get("");
}

function matchSourceType(node: Node | undefined, remote: Ip | null, local: Ip | null): Node | undefined {
  if (node === undefined) return undefined;
  const same = node.branches.get("SAME_IP_OR_LOOPBACK");
  const external = node.branches.get("EXTERNAL");
  if (same !== undefined || external !== undefined) {
    const match = isSameIpOrLoopback(remote, local) ? same : external;
    if (match !== undefined) return match;
  }
  return node.branches.get("ANY");
}

/** A unix socket is local by nature. */
function isSameIpOrLoopback(remote: Ip | null, local: Ip | null): boolean {
  if (remote === null || local === null) return true;
  if (isLoopback(remote)) return true;
  return remote.version === local.version && remote.a === local.a && remote.b === local.b && remote.c === local.c &&
    remote.d === local.d;
}
