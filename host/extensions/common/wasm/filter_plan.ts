// host/extensions/common/wasm/filter_plan.ts: a wasm filter's place in a chain, as plain data.
/** @module */

export interface WasmFilterPlan {
  /** The plugin's key in the snapshot. */
  readonly plugin: string;
}
