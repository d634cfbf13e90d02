// host/extensions/common/native/modules.ts: native filters that come from modules, as each thread imports them.
/** @module */
import type { NativeFilter, NativeFilterModule } from "./filter.ts";

/** The filter that a module exports; a text says why there is none. */
export async function importNativeFilter({ url, exportName }: NativeFilterModule): Promise<NativeFilter | string> {
  let face: Readonly<Record<string, unknown>>;
  try {
    face = await import(url) as Readonly<Record<string, unknown>>;
  } catch (error) {
    return `native filter module ${url} cannot be imported: ${error instanceof Error ? error.message : String(error)}`;
  }
  const value = face[exportName];
  if (isNativeFilter(value)) return { ...value, module: { url, exportName } };
  const exported = Object.keys(face).filter((name) => isNativeFilter(face[name]));
  const there = exported.length === 0 ? "it exports no filter" : `it exports ${exported.join(", ")}`;
  return `native filter module ${url} has no filter '${exportName}': ${there}`;
}

function isNativeFilter(value: unknown): value is NativeFilter {
  return typeof value === "object" && value !== null && "kind" in value && "create" in value &&
    (value.kind === "http" || value.kind === "network") && typeof value.create === "function";
}

/** The filters of this thread, by module. */
export class NativeFilterModules {
  readonly #filters = new Map<string, NativeFilter>();

  /** Imports what is not there yet; problems are texts. */
  async load(modules: readonly NativeFilterModule[]): Promise<string[]> {
    const problems: string[] = [];
    for (const module of modules) {
      if (this.#filters.has(keyOf(module))) continue;
      const filter = await importNativeFilter(module);
      if (typeof filter === "string") problems.push(filter);
      else this.#filters.set(keyOf(module), filter);
    }
    return problems;
  }

  get(module: NativeFilterModule): NativeFilter | null {
    return this.#filters.get(keyOf(module)) ?? null;
  }
}

function keyOf({ url, exportName }: NativeFilterModule): string {
  return `${exportName} ${url}`;
}
