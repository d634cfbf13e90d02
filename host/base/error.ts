// host/base/error.ts: the one kind of error that nuncio throws, and the report of broken invariants.
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

/** Told about every broken invariant, before the error is thrown. */
export type BugReporter = (error: NuncioError) => void;

let report: BugReporter | null = null;

/** Says who logs and counts broken invariants; `null` for nobody. Gives back the one before. */
export function setBugReporter(reporter: BugReporter | null): BugReporter | null {
  const before = report;
  report = reporter;
  return before;
}

/**
 * Reports a broken invariant when `condition` holds, and throws. Whoever guards the smallest enclosing
 * thing (stream, connection, VM) catches the error and resets that thing.
 *
 * @throws internal/bug
 */
export function bug(condition: boolean, message: string, options?: { readonly cause?: unknown }): void {
  if (!condition) return;
  const error = new NuncioError(BUG_CODE, message, options);
  report?.(error);
  throw error;
}

/** True for the error that `bug` throws. */
export function isBug(error: unknown): boolean {
  return error instanceof NuncioError && error.code === BUG_CODE;
}
