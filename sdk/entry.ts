// sdk/entry.ts: the exports of a module that may hold any kind of filter.
/**
 * The entry file of a filter says `export * from "nuncio/sdk/entry";` which makes these the exports of the
 * WebAssembly module. `nuncio/sdk/entry/http`, `…/tcp` and `…/service` are smaller, and spare the host calls that
 * such a filter has no use for.
 */
export * from "./src/exports/plugin";
export * from "./src/exports/http";
export * from "./src/exports/tcp";
