// host/cli/run.ts: chooses the command and carries it out.
/** @module */
import { detectPlatform } from "../platform/detect.ts";
import { parseFlags } from "./flags.ts";
import { helpText } from "./help.ts";
import { VERSION } from "../base/version.ts";

export async function run(): Promise<void> {
  const platform = detectPlatform();
  const args = platform.args();
  if (args[0] === "filter") {
    const { filterCommand } = await import("./commands/filter.ts");
    platform.setExitCode(await filterCommand(args.slice(1)));
    return;
  }
  if (args[0] === "explain") {
    const { explainCommand } = await import("./commands/explain.ts");
    platform.setExitCode(explainCommand(platform, args.slice(1)));
    return;
  }
  const parsed = parseFlags(args);
  if (!parsed.ok) {
    platform.stderr.write(`nuncio: ${parsed.error}\nnuncio --help lists all flags\n`);
    platform.setExitCode(2);
    return;
  }
  const { values, notes } = parsed.flags;
  if (values.has("help")) {
    platform.stdout.write(helpText(VERSION));
    return;
  }
  if (values.has("version")) {
    platform.stdout.write(
      `nuncio ${VERSION} (${platform.runtime} ${platform.runtimeVersion}, v8 ${platform.v8Version})\n`,
    );
    return;
  }
  if (values.has("hot-restart-version")) {
    platform.stdout.write("disabled\n");
    return;
  }
  if (!values.has("config-path") && !values.has("config-yaml")) {
    platform.stderr.write(helpText(VERSION) + "\nnuncio: no configuration: give -c FILE or --config-yaml TEXT\n");
    platform.setExitCode(1);
    return;
  }
  const { serveCommand } = await import("./commands/serve.ts");
  platform.setExitCode(await serveCommand(platform, values, notes));
}
