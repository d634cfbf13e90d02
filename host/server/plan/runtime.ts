// host/server/plan/runtime.ts: the layers of runtime values that a bootstrap gives.
/**
 * @see Envoy: source/common/runtime/runtime_impl.cc, api/envoy/config/bootstrap/v3/bootstrap.proto LayeredRuntime
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";

/** One layer; a key of a later one takes the place of an earlier one's. */
export interface RuntimeLayer {
  readonly name: string;
  /** Numbers, texts and booleans by key; nested structures are keys with dots. */
  readonly values: ReadonlyMap<string, unknown>;
}

/** The keys that nuncio acts on begin with this. */
const OWN_PREFIX = "nuncio.";

/** Reads `layered_runtime`; what nobody here acts on is said. */
export function planRuntime(root: ConfigNode): RuntimeLayer[] {
  const layers: RuntimeLayer[] = [];
  const names = new Set<string>();
  for (const node of root.message("layered_runtime")?.messages("layers") ?? []) {
    const name = node.string("name");
    if (names.has(name)) node.error("config/duplicate", `runtime layer '${name}' is there twice`, { field: "name" });
    names.add(name);
    switch (node.oneof("layer_specifier")) {
      case "static_layer":
        layers.push({ name, values: planStaticLayer(node) });
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
  return layers;
}

/** All values, the last layer's first. */
export function runtimeValues(layers: readonly RuntimeLayer[]): ReadonlyMap<string, unknown> {
  return new Map(layers.flatMap(({ values }) => [...values]));
}

function planStaticLayer(node: ConfigNode): ReadonlyMap<string, unknown> {
  const values = new Map<string, unknown>();
  flatten("", node.json("static_layer"), values);
  for (const key of values.keys()) {
    if (key.startsWith(OWN_PREFIX)) continue;
    node.warn("config/no-effect", `runtime key ${key} has no effect here`, { field: "static_layer" });
  }
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
