// test/conformance/component/component.ts: the component guests, loaded.
import { readFileSync } from "node:fs";
import { HeaderMap } from "../../../host/http/header_map.ts";
import {
  compileModule,
  type ComponentValidator,
  type PluginConfig,
  type WasmHttpFilter,
  type WasmModule,
} from "../../../host/wasm/mod.ts";
import { componentFile } from "../../guests/component/build.ts";
import { FakeEnvironment, type FakeHttpStream, Host } from "../../host/wasm/guest.ts";

const modules = new Map<string, WasmModule>();

/** The committed guests are valid; `validation.test.ts` has that checked. */
export const TRUSTED: ComponentValidator = { validate: () => Promise.resolve(null) };

/** A guest's component, compiled once a process for each set of limits. */
export async function component(
  name: string,
  limits?: Parameters<typeof compileModule>[1],
): Promise<WasmModule> {
  const key = `${name} ${JSON.stringify(limits)}`;
  const known = modules.get(key);
  if (known !== undefined) return known;
  const result = await compileModule(readFileSync(componentFile(name)), limits, undefined, TRUSTED);
  if ("diagnostics" in result) throw new Error(result.diagnostics.map((row) => row.message).join("\n"));
  modules.set(key, result.module);
  return result.module;
}

/** A plugin of a guest, with its configuration as text. */
export async function host(
  name: string,
  configuration = "",
  parts: Partial<PluginConfig> = {},
  env: FakeEnvironment = new FakeEnvironment(),
): Promise<Host> {
  const pluginConfiguration = new TextEncoder().encode(configuration);
  return new Host(await component(name), { pluginConfiguration, ...parts }, env);
}

/** A request that asks `rust_http` for something; `status` is what the filter answered. */
export function ask(
  of: Host,
  test: string,
  headers: Readonly<Record<string, string>> = {},
  end = true,
): { readonly stream: FakeHttpStream; readonly filter: WasmHttpFilter; readonly status: number } {
  const { stream, filter } = of.stream();
  const map = { ":authority": "a.test", ":path": "/p", ":method": "GET", ...headers };
  stream.requestHeaders = HeaderMap.of(test === "" ? map : { ...map, "x-test": test });
  return { stream, filter, status: filter.onRequestHeaders!(stream.requestHeaders, end) };
}

/** Response headers for a stream. */
export function respond(
  { stream, filter }: { readonly stream: FakeHttpStream; readonly filter: WasmHttpFilter },
  headers: Readonly<Record<string, string>> = { ":status": "200" },
  end = true,
): number {
  stream.responseHeaders = HeaderMap.of(headers);
  return filter.onResponseHeaders!(stream.responseHeaders, end);
}

/** Ends a stream as the filter manager does. */
export function finish(filter: WasmHttpFilter): void {
  filter.onDone?.();
  filter.onLog?.();
  filter.onDestroy!();
}

/** All entries of a map, as text. */
export function entries(map: HeaderMap): string[] {
  const list: string[] = [];
  map.forEach((name, value) => list.push(`${name}: ${value}`));
  return list;
}
