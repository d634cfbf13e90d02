// host/upstream/lb/hash_table.ts: what a consistent hash is looked up in.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { HostShare } from "./hash_weights.ts";

/** Hosts by hash; made again whenever hosts, their health or their weights changed. */
export interface HashTable {
  /** Attempts after the first, 0, ask for another host than before: they may get the same. */
  choose(hash: bigint, attempt: number): HostShare;
  /** Places in the table, and of the host that has the fewest and the most of them: for statistics. */
  readonly size: number;
  readonly fewestPerHost: number;
  readonly mostPerHost: number;
}
