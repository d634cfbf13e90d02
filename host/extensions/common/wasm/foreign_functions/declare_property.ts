// host/extensions/common/wasm/foreign_functions/declare_property.ts: what a property is that the plugin sets.
// pure: no I/O, no clock, no runtime globals
/**
 * Called when the plugin is configured; it holds for the properties that its streams set afterwards. What a
 * stream declares has no effect, as in Envoy.
 *
 * @see Envoy: source/extensions/common/wasm/foreign.cc, source/extensions/filters/common/expr/cel_state.h
 * @module
 */
import { Status } from "../../../../../abi/mod.ts";
import type { ForeignFunction, PropertyDeclaration } from "../../../../wasm/mod.ts";
import { readArguments } from "./arguments.ts";

/** By number; what is none of these is bytes. */
const TYPES: readonly PropertyDeclaration["type"][] = ["bytes", "string", "flatbuffers", "protobuf"];
/** By number; what is none of these is the filter chain. */
export const SPANS: readonly PropertyDeclaration["span"][] = ["filter_chain", "request", "connection"];

export const declareProperty: ForeignFunction = (call, bytes) => {
  const args = readArguments(bytes, { 1: "string", 2: "number", 3: "number", 4: "bytes", 5: "number" });
  if (args === null) return Status.BadArgument;
  const name = args.text(1);
  const isNew = call.declareProperty(name, {
    readOnly: args.number(2) !== 0,
    type: TYPES[args.number(3)] ?? "bytes",
    schema: args.bytes(4),
    span: SPANS[args.number(5)] ?? "filter_chain",
  });
  if (!isNew) call.explain(`${JSON.stringify(name)} is declared already, or there are too many declarations`);
  else if (call.stream !== null) call.explain("only what is declared outside of streams has an effect");
  return isNew ? Status.Ok : Status.BadArgument;
};
