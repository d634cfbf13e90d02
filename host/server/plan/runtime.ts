// host/server/plan/runtime.ts: the layers of runtime values that a bootstrap asks for.
/**
 * @see Envoy: source/common/runtime/runtime_impl.cc LoaderImpl::initLayers, api/envoy/config/bootstrap/v3/bootstrap.proto LayeredRuntime
 * @module
 */
import type { RuntimeEntries, RuntimeEntry } from "../../base/runtime.ts";
import type { ConfigNode } from "../../config/node.ts";
import { isFraction, runtimeEntryOfJson } from "../../config/runtime_entry.ts";
import { isKnownRuntimeKey } from "../../config/runtime_keys.ts";

export interface StaticLayerPlan {
  readonly kind: "static";
  readonly name: string;
  readonly values: RuntimeEntries;
}

/** A folder of files. */
export interface DiskLayerPlan {
  readonly kind: "disk";
  readonly name: string;
  readonly symlinkRoot: string;
  readonly subdirectory: string;
  /** The name of the node's cluster is a part of the path. */
  readonly appendsServiceCluster: boolean;
}

/** Values that are set by `/runtime_modify`. */
export interface AdminLayerPlan {
  readonly kind: "admin";
  readonly name: string;
}

/** A key of a later one takes the place of an earlier one's. */
export type RuntimeLayerPlan = StaticLayerPlan | DiskLayerPlan | AdminLayerPlan;

/** All layers of a bootstrap. */
export interface RuntimePlan {
  readonly layers: readonly RuntimeLayerPlan[];
  /** The values of static layers. */
  readonly values: ReadonlyMap<string, unknown>;
  /** Once all is planned: says which keys nobody acts on. */
  reportUnused(): void;
}

/** Keys that have a place of their own, where they are checked. */
const OWN_PREFIX = "nuncio.";

/** Reads `layered_runtime`. */
export function planRuntime(root: ConfigNode, isFolder: (path: string) => boolean): RuntimePlan {
  const layers: RuntimeLayerPlan[] = [];
  const values = new Map<string, unknown>();
  const statics: [ReadonlyMap<string, unknown>, ConfigNode][] = [];
  const names = new Set<string>();
  let hasAdmin = false;
  for (const node of root.message("layered_runtime")?.messages("layers") ?? []) {
    const name = node.string("name");
    if (names.has(name)) node.error("config/duplicate", `runtime layer '${name}' is there twice`, { field: "name" });
    names.add(name);
    node.refuse("rtds_layer", "runtime values do not come from a control plane", "use a disk_layer or a static_layer");
    switch (node.oneof("layer_specifier")) {
      case "static_layer": {
        const own = staticValues(node);
        statics.push([own, node]);
        for (const [key, value] of own) values.set(key, value);
        layers.push({ kind: "static", name, values: entriesOf(own) });
        break;
      }
      case "admin_layer":
        if (hasAdmin) {
          node.error("config/duplicate", "there is an admin_layer before this one, and there can be one only", {
            field: "admin_layer",
          });
        }
        hasAdmin = node.message("admin_layer") !== null;
        layers.push({ kind: "admin", name });
        break;
      case "disk_layer":
        layers.push(planDiskLayer(node.message("disk_layer")!, name, isFolder));
        break;
    }
  }
  return {
    layers,
    values,
    reportUnused() {
      for (const [own, node] of statics) {
        for (const key of own.keys()) {
          if (key.startsWith(OWN_PREFIX) || isKnownRuntimeKey(key) || isReadFor(key, root.runtimeKeys)) continue;
          node.warn("config/no-effect", `runtime key ${key} has no effect here`, { field: "static_layer" });
        }
      }
    },
  };
}

/** Some field names the key, or what it begins with. */
function isReadFor(key: string, keys: ReadonlySet<string>): boolean {
  return keys.has(key) || keys.has(key.slice(0, key.lastIndexOf(".")));
}

function planDiskLayer(node: ConfigNode, name: string, isFolder: (path: string) => boolean): DiskLayerPlan {
  const symlinkRoot = node.string("symlink_root");
  const slash = symlinkRoot.lastIndexOf("/");
  const parent = slash < 0 ? "." : symlinkRoot.slice(0, slash) || "/";
  if (!isFolder(parent)) {
    node.error("config/missing-file", `the folder of '${symlinkRoot}' cannot be watched: it is not there`, {
      field: "symlink_root",
    });
  }
  return {
    kind: "disk",
    name,
    symlinkRoot,
    subdirectory: node.string("subdirectory"),
    appendsServiceCluster: node.bool("append_service_cluster"),
  };
}

function entriesOf(values: ReadonlyMap<string, unknown>): RuntimeEntries {
  return new Map([...values].map(([key, value]): [string, RuntimeEntry] => [key, runtimeEntryOfJson(value)]));
}

function staticValues(node: ConfigNode): ReadonlyMap<string, unknown> {
  const values = new Map<string, unknown>();
  for (const [key, value] of Object.entries(node.json("static_layer") as object)) flatten(key, value, node, values);
  return values;
}

/** `{a: {b: 1}}` and `{"a.b": 1}` are the same. Fractions stay whole. */
function flatten(key: string, value: unknown, node: ConfigNode, into: Map<string, unknown>): void {
  if (value === null || Array.isArray(value)) {
    node.error("config/runtime", `runtime key ${key} has a ${value === null ? "null" : "list"} for a value`, {
      field: "static_layer",
    });
    return;
  }
  if (typeof value !== "object" || isFraction(value) || Object.keys(value).length === 0) {
    into.set(key, value);
    return;
  }
  for (const [name, inner] of Object.entries(value)) flatten(`${key}.${name}`, inner, node, into);
}
