// sdk/entry/service.ts: the exports of a module that holds services only.
export * from "../src/exports/plugin";
