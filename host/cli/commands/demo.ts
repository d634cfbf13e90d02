// host/cli/commands/demo.ts: a proxy, an upstream and two filters, to try.
/**
 * The upstream is a listener of the same proxy that answers by itself, so that one process is the whole
 * demo. The filters are examples, compiled from AssemblyScript when they are not built yet.
 *
 * @module
 */
import { join, relative } from "node:path";
import type { Platform } from "../../platform/mod.ts";
import { ipAddress } from "../../net/address.ts";
import { probeBind } from "../../net/bind.ts";
import { packageRoot } from "../../testing/filter_build/package_root.ts";
import { buildFilter } from "../../testing/filter_build/build_filter.ts";
import { renderText } from "../../base/diagnostic_render.ts";
import { serveCommand } from "./serve.ts";

const EXAMPLES = join(packageRoot(), "filters-examples");

interface DemoPorts {
  readonly web: number;
  readonly tcp: number;
  readonly upstream: number;
  readonly admin: number;
}

export async function demoCommand(platform: Platform): Promise<number> {
  const files: Record<string, string> = {};
  for (const name of ["hello", "rate_limit", "tcp_gate"]) {
    const folder = join(EXAMPLES, name);
    if (platform.fileFacts(join(folder, "build/filter.wasm")) === null) {
      platform.stderr.write(`  compiling ${relative(".", folder)}\n`);
    }
    const built = await buildFilter({ path: folder });
    if (built.diagnostics.hasErrors) {
      platform.stderr.write(renderText(built.diagnostics) + "\n");
      return 3;
    }
    files[name] = built.outFile;
  }
  const ports = {
    web: await freePort(10000),
    tcp: await freePort(10002),
    upstream: await freePort(10001),
    admin: await freePort(9901),
  };
  const flags = new Map([["config-yaml", [demoYaml(files, ports)]], ["concurrency", ["1"]]]);
  return await serveCommand(platform, flags, [], { afterBanner: whatToTry(files, ports) });
}

function whatToTry(files: Readonly<Record<string, string>>, ports: DemoPorts): string {
  const example = relative(".", EXAMPLES);
  const rows = [
    [`curl -i http://127.0.0.1:${ports.web}/`, "the hello filter adds a header"],
    [`for i in 1 2 3 4 5 6; do curl -i http://127.0.0.1:${ports.web}/limited; done`, ""],
    ["", "the rate_limit filter answers 429 after five"],
    [`printf 'sesame hello\\n' | nc -q1 127.0.0.1 ${ports.tcp}`, "the tcp_gate filter wants the right first bytes"],
    [`curl http://127.0.0.1:${ports.admin}/filters`, "what is loaded"],
  ] as const;
  const width = Math.max(...rows.map(([command, what]) => what === "" ? 0 : command.length)) + 2;
  const lines = rows.map(([command, what]) => `    ${what === "" ? command : command.padEnd(width) + what}`);
  return `
  Try:
${lines.join("\n")}

  Change ${example}/hello/filter.ts, then: npm start -- filter build ${example}/hello
  The proxy loads ${relative(".", files["hello"]!)} again by itself, without dropping a request.
  Ctrl-C drains and quits.

`;
}

/** The port, or another one when it is taken. */
async function freePort(port: number): Promise<number> {
  const options = { reusePort: false, backlog: 1, ipv4Compat: false, mode: 0 };
  const wanted = await probeBind({ address: ipAddress("127.0.0.1", port), ...options });
  if (wanted.ok) return port;
  const other = await probeBind({ address: ipAddress("127.0.0.1", 0), ...options });
  return other.ok ? other.address.port : port;
}

/** An edge configuration as the best practices want it, with the examples as filters. */
function demoYaml(files: Readonly<Record<string, string>>, ports: DemoPorts): string {
  const wasm = (name: string, configuration: string): string => `
          - name: ${name}
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              config:
                name: ${name}
                root_id: ${name}
                failure_policy: FAIL_RELOAD
                configuration:
                  "@type": type.googleapis.com/google.protobuf.StringValue
                  value: ${JSON.stringify(configuration)}
                vm_config:
                  vm_id: ${name}
                  runtime: envoy.wasm.runtime.v8
                  code: { local: { filename: ${JSON.stringify(files[name])} } }`;
  const router = `
          - name: router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }`;
  return `
admin:
  address: { socket_address: { address: 127.0.0.1, port_value: ${ports.admin} } }
static_resources:
  listeners:
  - name: web
    address: { socket_address: { address: 127.0.0.1, port_value: ${ports.web} } }
    per_connection_buffer_limit_bytes: 32768
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: web
          use_remote_address: true
          normalize_path: true
          merge_slashes: true
          path_with_escaped_slashes_action: UNESCAPE_AND_REDIRECT
          stream_idle_timeout: 300s
          request_timeout: 300s
          request_headers_timeout: 10s
          common_http_protocol_options: { idle_timeout: 3600s, headers_with_underscores_action: REJECT_REQUEST }
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: { prefix: /limited }
                route: { cluster: upstream }
              - match: { prefix: / }
                route: { cluster: upstream }
                typed_per_filter_config:
                  rate_limit:
                    "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig
                    disabled: true
          http_filters:${wasm("hello", "")}${wasm("rate_limit", '{"limit": 5, "window_ms": 10000}')}${router}
  - name: tcp
    address: { socket_address: { address: 127.0.0.1, port_value: ${ports.tcp} } }
    filter_chains:
    - filters:${
    wasm("tcp_gate", '{"magic": "sesame "}').replace("filters.http.wasm", "filters.network.wasm").replace(/^ {4}/gm, "")
  }
      - name: echo
        typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo }
  - name: upstream
    address: { socket_address: { address: 127.0.0.1, port_value: ${ports.upstream} } }
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: upstream
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: { prefix: / }
                direct_response: { status: 200, body: { inline_string: "hello from the upstream\\n" } }
          http_filters:${router}
  clusters:
  - name: upstream
    connect_timeout: 1s
    load_assignment:
      cluster_name: upstream
      endpoints:
      - lb_endpoints:
        - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${ports.upstream} } } }
`;
}
