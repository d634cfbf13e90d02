// host/testing/filter_build/compiler_hints.ts: what AssemblyScript lacks, and what to write instead.
// pure: no I/O, no clock, no runtime globals
/**
 * AssemblyScript looks like TypeScript until it does not. Its messages say what is missing; these say how
 * filters do without.
 *
 * @module
 */

interface Hint {
  readonly when: RegExp;
  readonly help: string;
}

const HINTS: readonly Hint[] = [
  {
    when: /not implemented: closures/i,
    help: "keep what the function needs in the fields of a class: HttpCallHandler, TimerTask or one of your own",
  },
  {
    when: /not implemented: (exceptions|try)|try statement/i,
    help: "return null or a status; nothing in the SDK throws because of what the host answers",
  },
  {
    when: /not implemented: (union types|.*union)/i,
    help: "only `T | null` is a union here; use a class with a field for each case",
  },
  { when: /not implemented: (iterators|.*for.*of)/i, help: "use a counting loop: for (let i = 0; i < a.length; ++i)" },
  {
    when: /element 'nuncio_(abort|trace|seed)' not found/i,
    help: 'write `export * from "nuncio/sdk/entry";` in the file that is compiled',
  },
  { when: /cannot find name 'JSON'/i, help: 'use `Json.parse` of "nuncio/sdk"' },
  {
    when: /cannot find name '(setTimeout|setInterval)'/i,
    help: "use `after` or `every` of RootContext with a TimerTask",
  },
  { when: /cannot find name 'fetch'/i, help: 'use `HttpCall` of "nuncio/sdk" with an HttpCallHandler' },
  { when: /cannot find name '(any|undefined)'/i, help: "every value has one type here; use a class, or `T | null`" },
];

/** Advice for a message of the compiler; empty when there is none. */
export function explainCompilerMessage(message: string): string[] {
  return HINTS.filter((hint) => hint.when.test(message)).map((hint) => hint.help);
}
