// test/support/quick_build.ts: filters of which nobody measures anything, built in a fraction of the time.
/** @module */

/** An `asconfig.json`. Optimising is most of a build, and changes nothing of what a filter does. */
export const QUICK_BUILD: string = JSON.stringify({
  targets: { release: { optimizeLevel: 0, shrinkLevel: 0, converge: false } },
});
