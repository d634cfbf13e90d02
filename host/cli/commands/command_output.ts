// host/cli/commands/command_output.ts: what commands share: where they write, and how they refuse a command line.
// pure: no I/O, no clock, no runtime globals

/** Where a command writes. */
export interface CommandOutput {
  out(text: string): void;
  err(text: string): void;
  readonly color: boolean;
}

/** The code of errors that are mistakes in the command line: the process ends with 2. */
export const USAGE_ERROR = "cli/usage";
