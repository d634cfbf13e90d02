// test/support/proxy_host.ts: a program that runs proxies, one after the other, as its standard input says.
/**
 * A line is the path of a configuration that is to be served, or `stop`. Each is answered by a line on standard
 * output: `started`, `failed` or `stopped`. What proxies log, and what is wrong with one, is on standard error.
 *
 * @module
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { renderText } from "../../host/base/diagnostic_render.ts";
import { localAddress } from "../../host/cli/local_address.ts";
import { Instance } from "../../host/embed/instance.ts";
import { LogRegistry } from "../../host/observe/log.ts";
import { detectPlatform } from "../../host/platform/detect.ts";
import { UNCACHED_CODE } from "../../host/server/wasm_code/mod.ts";

const platform = detectPlatform();
let instance: Instance | null = null;

/** What is wrong with it; null when it serves. */
async function start(configPath: string): Promise<string | null> {
  const logs = new LogRegistry({ clock: platform.clock, format: "json", destination: platform.stderr });
  instance = new Instance({
    platform,
    logs,
    logSettings: { format: "json", color: false, path: null },
    logLevels: logs.levels(),
    concurrency: 1,
    drainTimeMs: null,
    drainStrategy: "gradual",
    // Who looks at access logs waits for them.
    accessLog: { flushIntervalMs: 20, flushBytes: 65_536 },
    localAddress: localAddress(4),
    codeSettings: UNCACHED_CODE,
  });
  const { plan, root, diagnostics } = await instance.load({
    configPath,
    configYaml: null,
    apiDescriptors: null,
    allowUnknownFields: false,
    lenient: false,
    disabledExtensions: new Set(),
  });
  if (plan === null || root === null) return renderText(diagnostics);
  const started = await instance.start(plan, root, {
    commandLineOptions: { concurrency: 1 },
    statsTags: [],
    adminAddressPath: null,
    quit() {},
  });
  return started.ok ? null : started.problems.join("\n");
}

async function stop(): Promise<void> {
  await instance?.stop();
  instance = null;
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line === "stop") {
    await stop();
    process.stdout.write("stopped\n");
  } else {
    const problem = await start(line);
    if (problem !== null) {
      await stop();
      process.stderr.write(`${problem}\n`);
    }
    process.stdout.write(problem === null ? "started\n" : "failed\n");
  }
}
await stop();
process.exit();
