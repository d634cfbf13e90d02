// test/support/run_here.ts: command lines that end by themselves, carried out without a process of their own.
/** @module */
import { serveCommand } from "../../host/cli/commands/serve.ts";
import { parseFlags } from "../../host/cli/flags.ts";
import { detectPlatform } from "../../host/platform/detect.ts";
import type { Platform } from "../../host/platform/mod.ts";
import type { CommandOutcome } from "./proxy_process.ts";

/** What the flags of a proxy that does not come to serve lead to. */
export async function runHere(args: readonly string[]): Promise<CommandOutcome> {
  const parsed = parseFlags(args);
  if (!parsed.ok) throw new Error(parsed.error);
  let stdout = "", stderr = "";
  const platform = writingTo((text) => stdout += text, (text) => stderr += text);
  const code = await serveCommand(platform, parsed.flags.values, parsed.flags.notes);
  return { code, stdout, stderr };
}

/** The runtime's platform, with other places for what is written. */
function writingTo(out: (text: string) => void, err: (text: string) => void): Platform {
  const decoder = new TextDecoder();
  const sink = (write: (text: string) => void) => ({
    isTerminal: false,
    write: (text: string | Uint8Array) => write(typeof text === "string" ? text : decoder.decode(text)),
  });
  const streams: Readonly<Record<string | symbol, unknown>> = { stdout: sink(out), stderr: sink(err) };
  return new Proxy(detectPlatform(), {
    get(target, name) {
      if (name in streams) return streams[name];
      const value = Reflect.get(target, name) as unknown;
      return typeof value === "function" ? value.bind(target) as unknown : value;
    },
  });
}
