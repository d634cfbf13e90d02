// host/base/error.ts: the one kind of error that nuncio throws, and the check of invariants.
// pure: no I/O, no clock, no runtime globals
/**
 * Peers and configuration never cause a throw: they get statuses and diagnostics. What is thrown is a
 * `NuncioError` with a stable code, either because a developer's input cannot be used (`parse…` of trusted
 * input, the command line) or because an invariant of nuncio itself is broken (`bug`).
 *
 * @module
 */

/** An error with a code of the form `area/kebab-name`. */
export class NuncioError extends Error {
  /** For example `cli/unknown-flag`; see docs/reference/errors.md. */
  readonly code: string;

  constructor(code: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "NuncioError";
    this.code = code;
  }
}

/** The code of every broken invariant. */
export const BUG_CODE = "internal/bug";

/**
 * Throws when `condition` holds: an invariant is broken. Whoever guards the smallest enclosing thing (stream,
 * connection, VM) catches the error, logs and counts it, and resets that thing.
 *
 * @throws internal/bug
 */
export function bug(condition: boolean, message: string, options?: { readonly cause?: unknown }): void {
  if (condition) throw new NuncioError(BUG_CODE, message, options);
}

/** True for the error that `bug` throws. */
export function isBug(error: unknown): boolean {
  return error instanceof NuncioError && error.code === BUG_CODE;
}
