// test/support/loaded_configuration.ts: a configuration as the proxy has it before it starts anything.
/** @module */
import { LogRegistry } from "../../host/observe/log.ts";
import { detectPlatform } from "../../host/platform/detect.ts";
import { type Configuration, loadConfiguration } from "../../host/server/configuration.ts";
import { PluginRegistry } from "../../host/server/plugin_registry.ts";
import { UNCACHED_CODE, WasmCode } from "../../host/server/wasm_code/mod.ts";
import { WasmTrial } from "../../host/server/wasm_trial.ts";

const NO_CODE = { ok: true, code: { bytes: new Uint8Array(0), imageDigest: null, signedBy: null } } as const;

/**
 * Loads a file, or a text, or a text over a file. With `triesCode` wasm code is fetched and tried; else it counts as
 * good.
 */
export async function loaded(
  { path = null, yaml = null, triesCode = false }: {
    readonly path?: string | null;
    readonly yaml?: string | null;
    readonly triesCode?: boolean;
  },
): Promise<Configuration> {
  const platform = detectPlatform();
  const logs = new LogRegistry({ clock: platform.clock, format: "json", level: "off", destination: { write() {} } });
  const logger = logs.logger("wasm");
  const module = { code: null as never, info: null as never, digest: "", meter: null };
  const plugins = new PluginRegistry({
    trial: triesCode
      ? new WasmTrial(platform)
      : { try: () => Promise.resolve({ id: 0, result: { ok: true, module }, log: [] }), close() {} },
    logger,
    code: triesCode
      ? new WasmCode(platform, UNCACHED_CODE, logger)
      : { load: () => Promise.resolve(NO_CODE), close() {}, countIn() {} },
    publish: () => Promise.resolve(null),
  });
  try {
    return await loadConfiguration({
      platform,
      configPath: path,
      configYaml: yaml,
      apiDescriptors: null,
      allowUnknownFields: false,
      lenient: false,
      disabledExtensions: new Set(),
      node: { serviceNode: "", serviceCluster: "", serviceZone: "" },
    }, plugins);
  } finally {
    plugins.close();
  }
}
