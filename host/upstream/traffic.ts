// host/upstream/traffic.ts: the requests of a cluster on this worker, for those who decide by them.
// pure: no I/O, no clock, no runtime globals
/** @module */

/** Counted only where somebody asks. */
export class Traffic {
  /** Requests that wait for a connection. */
  pending = 0;
  /** Those that have one. */
  active = 0;
}
