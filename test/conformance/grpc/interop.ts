// test/conformance/grpc/interop.ts: gRPC's interoperability tests, by grpc-go's client and server, through a proxy.
/**
 * `node test/conformance/grpc/interop.ts [CASE…]` · `deno run -A test/conformance/grpc/interop.ts [CASE…]`
 *
 * Wants grpc-go's two commands in the folder that GRPC_INTEROP names:
 *
 * ```
 * GOBIN=FOLDER go install google.golang.org/grpc/interop/client@latest
 * GOBIN=FOLDER go install google.golang.org/grpc/interop/server@latest
 * ```
 *
 * All cases that need neither TLS nor somebody's credentials, over h2c on both sides of the proxy, but for
 * `pick_first_unary`, which wants servers that give their names, as this one does not. Ends with the number of
 * failed cases as its exit status; `--direct` leaves the proxy out, which tells whose fault a failure is.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md
 */
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { webConfig } from "../../e2e/support.ts";
import { startEmbedded } from "../../support/embedded.ts";
import { freePorts } from "../../support/proxy_process.ts";

const START_LIMIT_MS = 20_000;
const CASE_LIMIT_MS = 60_000;

/** The cases, and flags that some of them need. */
const CASES: Readonly<Record<string, readonly string[]>> = {
  empty_unary: [],
  large_unary: [],
  client_streaming: [],
  server_streaming: [],
  ping_pong: [],
  empty_stream: [],
  timeout_on_sleeping_server: [],
  cancel_after_begin: [],
  cancel_after_first_response: [],
  status_code_and_message: [],
  special_status_message: [],
  custom_metadata: [],
  unimplemented_method: [],
  unimplemented_service: [],
  rpc_soak: ["--soak_iterations=50"],
  channel_soak: ["--soak_iterations=50"],
  orca_per_rpc: ['--service_config_json={"loadBalancingConfig":[{"test_backend_metrics_load_balancer":{}}]}'],
  orca_oob: ['--service_config_json={"loadBalancingConfig":[{"test_backend_metrics_load_balancer":{}}]}'],
};

const HTTP2_CLUSTER = {
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
};

const folder = process.env["GRPC_INTEROP"];
if (folder === undefined) {
  console.error("GRPC_INTEROP: the folder of grpc-go's interop client and server; see the head of this file");
  process.exit(2);
}

const args = process.argv.slice(2);
const direct = args.includes("--direct");
const asked = args.filter((each) => !each.startsWith("--"));
const names = asked.length > 0 ? asked : Object.keys(CASES);

const [serverPort] = await freePorts(1);
const server = spawn(join(folder, "server"), [`--port=${serverPort}`], { stdio: "inherit" });
await listening(serverPort!);
const proxy = direct ? null : await startEmbedded(webConfig({
  port: 0,
  upstreamPort: serverPort!,
  cluster: HTTP2_CLUSTER,
  // Streams may take longer than the 15 s of a route that says nothing.
  routes: [{ match: { prefix: "/" }, route: { cluster: "upstream", timeout: "0s" } }],
}));
const port = proxy?.port("web") ?? serverPort!;

let failed = 0;
for (const name of names) {
  const problem = await run(name, CASES[name] ?? []);
  console.log(problem === null ? `passed ${name}` : `FAILED ${name}\n${problem}`);
  if (problem !== null) failed++;
}
console.log(`${names.length - failed} passed, ${failed} failed`);
await proxy?.stop();
server.kill();
process.exit(failed);

/** Settles when somebody listens. */
async function listening(on: number): Promise<void> {
  for (const limit = performance.now() + START_LIMIT_MS;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect({ port: on, host: "127.0.0.1" });
      socket.on("connect", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
    if (open) return;
    if (performance.now() > limit) throw new Error("the server does not listen");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Runs a case; gives its output when it failed. */
function run(name: string, flags: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(join(folder!, "client"), [
      "--server_host=127.0.0.1",
      `--server_port=${port}`,
      `--test_case=${name}`,
      ...flags,
    ], { timeout: CASE_LIMIT_MS });
    let output = "";
    child.stdout.on("data", (chunk: Uint8Array) => void (output += new TextDecoder().decode(chunk)));
    child.stderr.on("data", (chunk: Uint8Array) => void (output += new TextDecoder().decode(chunk)));
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code) => resolve(code === 0 ? null : output.trim().replace(/^/gm, "  | ")));
  });
}
