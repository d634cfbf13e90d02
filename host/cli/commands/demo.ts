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
import type { WasmFilterOptions } from "../../builder/filter.ts";
import { ProxyBuilder } from "../../builder/proxy.ts";
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
  const flags = new Map([["config-yaml", [JSON.stringify(demoConfig(files, ports))]], ["concurrency", ["1"]]]);
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

/** An edge configuration with the examples as filters. */
function demoConfig(files: Readonly<Record<string, string>>, ports: DemoPorts): ProxyBuilder {
  const wasm = (name: string, configuration: unknown): WasmFilterOptions => ({
    path: files[name]!,
    configuration,
    failurePolicy: "FAIL_RELOAD",
  });
  return new ProxyBuilder()
    .admin(`127.0.0.1:${ports.admin}`)
    .cluster("upstream", (upstream) => upstream.endpoint(`127.0.0.1:${ports.upstream}`).connectTimeoutMs(1000))
    .listener("web", `127.0.0.1:${ports.web}`, (web) =>
      web.http((http) =>
        http
          .wasm("hello", wasm("hello", ""))
          .wasm("rate_limit", wasm("rate_limit", { limit: 5, window_ms: 10_000 }))
          .route("/limited", (route) => route.to("upstream"))
          .route("/", (route) => route.to("upstream").filter("rate_limit", false))
      ))
    .listener("tcp", `127.0.0.1:${ports.tcp}`, (tcp) =>
      tcp
        .wasm("tcp_gate", wasm("tcp_gate", { magic: "sesame " }))
        .networkFilter("echo", "envoy.extensions.filters.network.echo.v3.Echo"))
    .listener(
      "upstream",
      `127.0.0.1:${ports.upstream}`,
      (upstream) => upstream.http((http) => http.route("/", (route) => route.reply(200, "hello from the upstream\n"))),
    );
}
