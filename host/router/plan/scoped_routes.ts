// host/router/plan/scoped_routes.ts: ScopedRoutes messages as plain data.
/**
 * @see Envoy: source/common/router/scoped_rds.cc InlineScopedRoutesConfigProvider
 * @module
 */
import { asciiLower, toWireText } from "../../base/wire_text.ts";
import type { ConfigNode } from "../../config/node.ts";
import type { ScopedRoutesPlan, ScopeFragmentPlan, ScopePlan } from "../routes/scoped_routes.ts";
import type { RoutePlanContext } from "./context.ts";
import { planRouteConfig } from "./route_config.ts";

/** Scopes that the configuration itself has, or null when they would come from elsewhere, which is reported. */
export function planScopedRoutes(node: ConfigNode, context: RoutePlanContext): ScopedRoutesPlan | null {
  node.refuse("scoped_rds", "scoped routes come from scoped_route_configurations_list so far");
  const list = node.message("scoped_route_configurations_list");
  if (list === null) return null;
  node.accept("rds_config_source", "every scope has its route_configuration");
  const name = node.string("name");
  const fragments =
    node.message("scope_key_builder")?.messages("fragments").flatMap((fragment) => planFragment(fragment) ?? []) ?? [];
  const scopes = new Map<string, ScopePlan>();
  for (const scope of list.messages("scoped_route_configurations")) {
    const plan = planScope(scope, context);
    if (plan === null) continue;
    const key = JSON.stringify(plan.key);
    const other = scopes.get(key);
    if (other !== undefined) {
      scope.warn("router/duplicate-scope", `scope '${other.name}' has the same key: its routes are not used`, {
        field: "key",
      });
    }
    scopes.set(key, plan);
  }
  return { name, fragments, scopes: [...scopes.values()] };
}

function planScope(node: ConfigNode, context: RoutePlanContext): ScopePlan | null {
  const name = node.string("name");
  const key = node.message("key")?.messages("fragments").map((each) => toWireText(each.string("string_key"))) ?? [];
  node.accept("on_demand", "the routes of all scopes are there from the beginning");
  node.refuse(
    "route_configuration_name",
    "routes that are named come by RDS, which is not there so far",
    "write the routes into route_configuration",
  );
  const routes = node.message("route_configuration");
  if (routes === null) {
    node.error("config/missing-field", `scope '${name}' has no route_configuration`);
    return null;
  }
  return { name, key, routeConfig: planRouteConfig(routes, context) };
}

function planFragment(node: ConfigNode): ScopeFragmentPlan | null {
  const extractor = node.message("header_value_extractor");
  if (extractor === null) return null;
  const header = asciiLower(toWireText(extractor.string("name")));
  const elementSeparator = toWireText(extractor.string("element_separator"));
  switch (extractor.oneof("extract_type")) {
    case "index": {
      const index = extractor.number("index");
      if (index > 0 && elementSeparator === "") {
        extractor.error("config/conflict", "without element_separator there is only the element 0", {
          field: "index",
          help: "set element_separator",
        });
      }
      return { header, elementSeparator, extract: { kind: "index", index } };
    }
    case "element": {
      const element = extractor.message("element")!;
      const key = toWireText(element.string("key")), separator = toWireText(element.string("separator"));
      return { header, elementSeparator, extract: { kind: "element", key, separator } };
    }
    default:
      extractor.error("config/missing-field", "header_value_extractor has neither index nor element");
      return null;
  }
}
