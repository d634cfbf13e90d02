// host/cli/reload.ts: the files that the command line names are read again while the proxy runs.
/**
 * A configuration that is wrong, or cannot be served, changes nothing. Flags stay what they were.
 *
 * @module
 */
import { NuncioError } from "../base/error.ts";
import type { ConfigurationSource, Instance } from "../embed/instance.ts";
import type { Logger } from "../observe/log.ts";
import type { Platform } from "../platform/mod.ts";
import { showAll, type ShownDiagnostics, showWarnings } from "./shown_diagnostics.ts";

/** Says all there is to say itself. */
export async function reloadConfiguration(
  platform: Platform,
  instance: Instance,
  source: ConfigurationSource,
  logger: Logger,
  shown: ShownDiagnostics,
): Promise<void> {
  logger.info("the configuration is read again");
  try {
    const { ok, diagnostics } = await instance.reload(source);
    if (ok) showWarnings(platform, diagnostics, shown);
    else showAll(platform, diagnostics, shown);
  } catch (error) {
    const reason = error instanceof NuncioError ? error.message : error instanceof Error ? error.stack : String(error);
    logger.error("the configuration was not read: the one before goes on", { err: reason });
  }
}
