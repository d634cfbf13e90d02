// test/conformance/h2/h2spec.ts: runs h2spec, where it is installed, against a running proxy.
/**
 * `node test/conformance/h2/h2spec.ts` · `deno run -A test/conformance/h2/h2spec.ts`, with `h2spec` on PATH or in
 * H2SPEC. Get it by `go install github.com/summerwind/h2spec/cmd/h2spec@latest`. Ends with the number of
 * failed cases as its exit status.
 *
 * The listener speaks HTTP/2 only: where the first bytes decide, as they do by default, those of the case
 * "invalid connection preface" are an HTTP/1 request and answered as a bad one of these.
 *
 * The upstream reads a request to its end before it answers: many cases look at what becomes of a stream that
 * is still open.
 */
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { startEmbedded } from "../../support/embedded.ts";
import { webConfig } from "../../e2e/support.ts";

const upstream = createServer((request, response) => {
  request.resume();
  request.on("end", () => response.end("some bytes, in more than one frame where windows are small"));
});
await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));

const upstreamPort = (upstream.address() as AddressInfo).port;
const proxy = await startEmbedded(webConfig({ port: 0, upstreamPort, http: { codec_type: "HTTP2" } }));

/** Runs it; returns its output's last line, or what kept it from running. */
function run(...flags: string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(process.env["H2SPEC"] ?? "h2spec", [
      ...["-h", "127.0.0.1", "-p", String(proxy.port("web")), "-P", "/h2spec", "-o", "2"],
      ...flags,
    ]);
    let output = "";
    child.stdout.on("data", (chunk: Uint8Array) => void (output += new TextDecoder().decode(chunk)));
    child.on("error", (error) => resolve(`h2spec did not start: ${error.message}`));
    child.on("close", () => {
      const failures = output.indexOf("Failures:");
      if (failures >= 0) console.log(output.slice(failures));
      resolve(output.trim().split("\n").at(-1) ?? "");
    });
  });
}

let failed = 0;
for (const flags of [[], ["--strict"]]) {
  const line = await run(...flags);
  console.log(`h2spec ${flags.join(" ")}: ${line}`);
  failed += Number(/(\d+) failed/.exec(line)?.[1] ?? 1);
}
await proxy.stop();
upstream.closeAllConnections();
upstream.close();
process.exit(failed);
