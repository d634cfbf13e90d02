// host/upstream/plan/lb/override_host.ts: OverrideHost as plain data.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/extensions/load_balancing_policies/override_host/v3/override_host.proto
 * @module
 */
import { asciiLower, toWireText } from "../../../base/wire_text.ts";
import type { ConfigNode } from "../../../config/node.ts";
import type { OverrideHostPlan, OverrideHostSourcePlan } from "../../lb/plan.ts";
import type { PolicyPlanContext } from "./context.ts";
import { planMetadataKey } from "../metadata_key.ts";

export function planOverrideHost(
  config: ConfigNode,
  { planBelow }: PolicyPlanContext,
): OverrideHostPlan | null {
  const sources = config.messages("override_host_sources").flatMap((node) => planSource(node) ?? []);
  const selectedHostKey = planMetadataKey(config.message("selected_host_key"));
  const list = config.message("fallback_policy");
  const fallback = list === null ? null : planBelow(list);
  return fallback === null ? null : { policy: "OVERRIDE_HOST", sources, selectedHostKey, fallback };
}

function planSource(node: ConfigNode): OverrideHostSourcePlan | null {
  const header = node.string("header");
  const key = planMetadataKey(node.message("metadata"));
  if ((header === "") === (key === null)) {
    node.error("config/conflict", "a source of hosts is either a header or metadata", {
      help: "set `header` or `metadata`, and for both of them use two sources",
    });
    return null;
  }
  return key === null ? { kind: "header", name: asciiLower(toWireText(header)) } : { kind: "metadata", key };
}
