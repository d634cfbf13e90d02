// sdk/entry/http.ts: the exports of a module that holds HTTP filters only.
export * from "../src/exports/plugin";
export * from "../src/exports/http";
