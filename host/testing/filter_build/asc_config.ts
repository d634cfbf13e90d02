// host/testing/filter_build/asc_config.ts: the compiler's options: the SDK's, with the author's on top.
// pure: no I/O, no clock, no runtime globals
/**
 * Authors' `asconfig.json` extends `nuncio/sdk/asconfig.json`, so that editors and plain `asc` agree with the
 * build. The build itself merges the two here, because in a clone there is no installed `nuncio` to extend.
 *
 * @module
 */

/** Options by name, as in `asconfig.json`. */
export type AscOptions = Readonly<Record<string, unknown>>;

export interface AscConfig {
  readonly extends?: string;
  readonly entries?: readonly string[];
  readonly options?: AscOptions;
  readonly targets?: Readonly<Record<string, AscOptions>>;
}

const SDK_CONFIG = "nuncio/sdk/asconfig.json";
const SDK_TRANSFORM = "nuncio/sdk/transform.mjs";
/** Options whose values add up. */
const LISTS = ["use", "transform", "path", "lib", "disableWarning"];

/**
 * The author's configuration over the SDK's; what it extends besides stays. `transformFile` is where the SDK's
 * transform lies.
 */
export function mergeAscConfig(sdk: AscConfig, own: AscConfig | null, transformFile: string): AscConfig {
  if (own === null) return sdk;
  const targets: Record<string, AscOptions> = {};
  for (const name of new Set([...Object.keys(sdk.targets ?? {}), ...Object.keys(own.targets ?? {})])) {
    targets[name] = mergeOptions(sdk.targets?.[name], own.targets?.[name]);
  }
  return {
    ...(own.extends !== undefined && own.extends !== SDK_CONFIG ? { extends: own.extends } : {}),
    ...(own.entries !== undefined ? { entries: own.entries } : {}),
    options: withTransform(mergeOptions(sdk.options, own.options), transformFile),
    targets,
  };
}

function mergeOptions(base: AscOptions = {}, over: AscOptions = {}): AscOptions {
  const merged: Record<string, unknown> = { ...base, ...over };
  for (const name of LISTS) {
    const [first, second] = [base[name], over[name]];
    if (Array.isArray(first) && Array.isArray(second)) merged[name] = [...first, ...second];
  }
  return merged;
}

function withTransform(options: AscOptions, transformFile: string): AscOptions {
  const transforms = options["transform"];
  if (!Array.isArray(transforms)) return options;
  return { ...options, transform: transforms.map((path) => path === SDK_TRANSFORM ? transformFile : path) };
}
