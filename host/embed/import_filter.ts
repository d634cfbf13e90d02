// host/embed/import_filter.ts: a native filter from a module, which every worker thread imports for itself.
/** @module */
import { NuncioError } from "../base/error.ts";
import type { NativeFilter } from "../extensions/common/native/filter.ts";
import { importNativeFilter } from "../extensions/common/native/modules.ts";

/**
 * The filter that a module exports as `exportName`, default `filter`. It can run on several workers, each of which
 * imports the module: filters on different workers share nothing.
 *
 * @throws server/native-filter when there is no such module, or no filter in it
 */
export async function importFilter<Filter extends NativeFilter = NativeFilter>(
  url: URL | string,
  exportName: string = "filter",
): Promise<Filter> {
  const filter = await importNativeFilter({ url: String(url), exportName });
  if (typeof filter === "string") throw new NuncioError("server/native-filter", filter);
  return filter as Filter;
}
