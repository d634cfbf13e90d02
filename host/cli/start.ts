// host/cli/start.ts: what `npm start` and `deno task start` run: the proxy with flags, the demo without.
/** @module */
import { enableCompileCache } from "./compile_cache.ts";

enableCompileCache();
const { detectPlatform } = await import("../platform/detect.ts");
const platform = detectPlatform();
if (platform.args().length > 0) {
  const { run } = await import("./run.ts");
  await run();
} else {
  const { demoCommand } = await import("./commands/demo.ts");
  platform.setExitCode(await demoCommand(platform));
}
