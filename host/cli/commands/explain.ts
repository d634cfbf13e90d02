// host/cli/commands/explain.ts: `nuncio explain CODE`.
/** @module */
import { nearestName } from "../../base/suggest.ts";
import { CONFIG_CODES, explainCode } from "../../config/codes.ts";
import { PLAN_CODES } from "../../config/plan_codes.ts";
import type { Platform } from "../../platform/mod.ts";

export function explainCommand(platform: Platform, args: readonly string[]): number {
  const code = args[0];
  if (code === undefined || args.length > 1) {
    platform.stderr.write("usage: nuncio explain CODE, for example nuncio explain config/unknown-field\n");
    return 2;
  }
  const codes = [...CONFIG_CODES, ...PLAN_CODES];
  const entry = explainCode(code, codes);
  if (entry === null) {
    const near = nearestName(code, codes.map((each) => each.code));
    platform.stderr.write(
      `nuncio: there is no code ${code}${near === null ? "" : `; a similar one exists: ${near}`}\n`,
    );
    return 1;
  }
  platform.stdout.write(`${code}: ${entry.summary}\n\n${entry.explanation}\n`);
  return 0;
}
