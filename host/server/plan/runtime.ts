// host/server/plan/runtime.ts: the layers of runtime values that a bootstrap gives.
/**
 * @see Envoy: source/common/runtime/runtime_impl.cc, api/envoy/config/bootstrap/v3/bootstrap.proto LayeredRuntime
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import { RuntimeValues } from "../../config/runtime.ts";

/** One layer; a key of a later one takes the place of an earlier one's. */
export interface RuntimeLayer {
  readonly name: string;
  /** Numbers, texts and booleans by key; nested structures are keys with dots. */
  readonly values: ReadonlyMap<string, unknown>;
}

/** All layers of a bootstrap. */
export interface RuntimePlan {
  readonly layers: readonly RuntimeLayer[];
  /** What planners ask: the last layer's value of a key. */
  readonly values: RuntimeValues;
  /** Once all is planned: says which keys nobody acts on. */
  reportUnused(): void;
}

/** Keys that have a place of their own, where they are checked. */
const OWN_PREFIX = "nuncio.";

/** Reads `layered_runtime`. */
export function planRuntime(root: ConfigNode): RuntimePlan {
  const layers: RuntimeLayer[] = [];
  const nodes = new Map<RuntimeLayer, ConfigNode>();
  const names = new Set<string>();
  for (const node of root.message("layered_runtime")?.messages("layers") ?? []) {
    const name = node.string("name");
    if (names.has(name)) node.error("config/duplicate", `runtime layer '${name}' is there twice`, { field: "name" });
    names.add(name);
    switch (node.oneof("layer_specifier")) {
      case "static_layer":
        layers.push({ name, values: staticValues(node) });
        nodes.set(layers.at(-1)!, node);
        break;
      case "admin_layer":
        node.error("config/unsupported", "runtime values cannot be changed by the admin interface so far", {
          field: "admin_layer",
          help: "set them in a static_layer",
        });
        break;
      default:
        node.error("config/unsupported", `runtime layer '${name}' comes from outside, which is not supported so far`, {
          field: node.oneof("layer_specifier")!,
          help: "set the values in a static_layer",
        });
    }
  }
  const values = new RuntimeValues(new Map(layers.flatMap((layer) => [...layer.values])));
  return {
    layers,
    values,
    reportUnused() {
      for (const [layer, node] of nodes) {
        for (const key of layer.values.keys()) {
          if (key.startsWith(OWN_PREFIX) || values.isAskedFor(key)) continue;
          node.warn("config/no-effect", `runtime key ${key} has no effect here`, { field: "static_layer" });
        }
      }
    },
  };
}

function staticValues(node: ConfigNode): ReadonlyMap<string, unknown> {
  const values = new Map<string, unknown>();
  flatten("", node.json("static_layer"), values);
  return values;
}

/** `{a: {b: 1}}` and `{"a.b": 1}` are the same. Fractions stay whole. */
function flatten(prefix: string, value: unknown, into: Map<string, unknown>): void {
  if (typeof value !== "object" || value === null || Array.isArray(value) || isFraction(value)) {
    into.set(prefix, value);
    return;
  }
  for (const [key, inner] of Object.entries(value)) flatten(prefix === "" ? key : `${prefix}.${key}`, inner, into);
}

/** `{numerator: 5, denominator: HUNDRED}`. */
function isFraction(value: object): boolean {
  return Object.keys(value).length > 0 && Object.keys(value).every((key) => /^(numerator|denominator)$/.test(key));
}
