// test/support/wasm_yaml.ts: wasm plugins in every place of a configuration, as YAML.
/** @module */
import { indent } from "../conformance/differential/bootstrap.ts";
import { inlineBytes } from "./journal_guest.ts";

const WASM = {
  http: "envoy.extensions.filters.http.wasm.v3.Wasm",
  network: "envoy.extensions.filters.network.wasm.v3.Wasm",
  log: "envoy.extensions.access_loggers.wasm.v3.WasmAccessLog",
  service: "envoy.extensions.wasm.v3.WasmService",
} as const;

export interface PluginOptions {
  readonly root?: string;
  readonly vmId?: string;
  readonly configuration?: string;
  readonly vmConfiguration?: string;
  /** Further fields of the PluginConfig and of the VmConfig, a line each. */
  readonly more?: string;
  readonly moreVm?: string;
}

/** A plugin as a list item of filters, access loggers or bootstrap extensions. */
export function wasmPlugin(
  kind: keyof typeof WASM,
  name: string,
  module: Uint8Array,
  options: PluginOptions = {},
  more = "",
): string {
  const { root = name, vmId = "j" } = options;
  const text = (value: string) =>
    `{ "@type": type.googleapis.com/google.protobuf.StringValue, value: ${JSON.stringify(value)} }`;
  return `- name: ${name}
${indent(more, 2)}  typed_config:
    "@type": type.googleapis.com/${WASM[kind]}
    config:
      name: ${name}
      root_id: ${root}
${options.configuration === undefined ? "" : `      configuration: ${text(options.configuration)}\n`}${
    indent(options.more ?? "", 6)
  }      vm_config:
        vm_id: ${vmId}
        runtime: envoy.wasm.runtime.v8
        code: { local: { inline_bytes: ${inlineBytes(module)} } }
${options.vmConfiguration === undefined ? "" : `        configuration: ${text(options.vmConfiguration)}\n`}${
    indent(options.moreVm ?? "", 8)
  }`;
}

/** A plugin whose message has more fields than its config. */
export function wasmService(name: string, module: Uint8Array, singleton: boolean, options: PluginOptions = {}): string {
  return `${wasmPlugin("service", name, module, options)}    singleton: ${singleton}\n`;
}

const UPSTREAM_CODEC = `- name: envoy.filters.http.upstream_codec
  typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec }
`;

/** Filters and the codec behind them; as the fields of a cluster when `inCluster`. */
export function upstreamFilters(filters: string, inCluster = false, codec: string = UPSTREAM_CODEC): string {
  const chain = filters + codec;
  return !inCluster ? chain : `  typed_extension_protocol_options:
    envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
      "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
      explicit_http_config: { http_protocol_options: {} }
      http_filters:
${indent(chain, 6)}`;
}
