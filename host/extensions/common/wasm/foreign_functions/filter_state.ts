// host/extensions/common/wasm/foreign_functions/filter_state.ts: set_envoy_filter_state.
// pure: no I/O, no clock, no runtime globals
/**
 * Objects that filters written for Envoy leave for Envoy's own, above all `envoy.tcp_proxy.cluster`.
 *
 * @see Envoy: source/extensions/common/wasm/context.cc Context::setEnvoyFilterState
 * @module
 */
import { Status } from "../../../../../abi/mod.ts";
import type { ForeignFunction } from "../../../../wasm/mod.ts";
import { hasEffect, isFilterStateObject, makeFilterStateObject } from "../filter_state_objects.ts";
import type { Stream } from "../http_attributes.ts";
import { setFilterState } from "../properties.ts";
import { readArguments } from "./arguments.ts";
import { SPANS } from "./declare_property.ts";

export const setEnvoyFilterState: ForeignFunction = (call, bytes) => {
  const args = readArguments(bytes, { 1: "string", 2: "bytes", 3: "number" });
  if (args === null) return Status.BadArgument;
  const name = args.text(1);
  if (!isFilterStateObject(name)) {
    call.explain(`there is no object ${JSON.stringify(name)}`);
    return Status.NotFound;
  }
  const object = makeFilterStateObject(name, args.bytes(2));
  if (object === null) {
    call.explain(`what was given cannot be a ${name}`);
    return Status.BadArgument;
  }
  const stream = call.stream as Stream | null;
  if (stream === null) {
    call.explain("a plugin context has no stream");
    return Status.NotFound;
  }
  if (!hasEffect(name)) call.explain(`${name} is kept, and no filter here acts on it`);
  setFilterState(stream, name, object, SPANS[args.number(3)] === "connection");
  return Status.Ok;
};
