// host/wasm/guest_exit.ts: the exception that ends a guest.
// pure: no I/O, no clock, no runtime globals
/** @module */

/** Thrown through the guest to end it; `fatal` is false for a regular `proc_exit(0)` from `_start`. */
export class GuestExit extends Error {
  readonly fatal: boolean;

  constructor(message: string, fatal: boolean) {
    super(message);
    this.fatal = fatal;
  }
}
