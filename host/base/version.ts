// host/base/version.ts: the version, as package.json says it; a test compares the two.
/** @module */
export const VERSION = "0.1.0";
