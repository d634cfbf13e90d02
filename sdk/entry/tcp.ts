// sdk/entry/tcp.ts: the exports of a module that holds network filters only.
export * from "../src/exports/plugin";
export * from "../src/exports/tcp";
