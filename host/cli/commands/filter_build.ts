// host/cli/commands/filter_build.ts: `nuncio filter build`: AssemblyScript to a checked module, or a component.
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { renderText } from "../../base/diagnostic_render.ts";
import { NuncioError } from "../../base/error.ts";
import { buildFilter, type BuildOptions, type BuildResult } from "../../testing/filter_build/build_filter.ts";
import { type CommandOutput, USAGE_ERROR } from "./command_output.ts";

export async function filterBuild(args: string[], output: CommandOutput): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      component: { type: "boolean", default: false },
      debug: { type: "boolean", default: false },
      force: { type: "boolean", default: false },
      out: { type: "string" },
    },
  });
  const paths = positionals.length > 0 ? positionals : ["."];
  if (values.out !== undefined && paths.length > 1) {
    throw new NuncioError(USAGE_ERROR, "--out names one file, but several filters are to be built");
  }
  let failed = false;
  for (const path of paths) {
    const result = await buildAndReport({
      path,
      target: values.debug ? "debug" : "release",
      force: values.force,
      component: values.component,
      ...(values.out !== undefined ? { outFile: values.out } : {}),
    }, output);
    failed ||= result.diagnostics.hasErrors;
  }
  return failed ? 1 : 0;
}

/** Builds one filter and says what came of it. */
export async function buildAndReport(options: BuildOptions, output: CommandOutput): Promise<BuildResult> {
  const startMs = performance.now();
  const result = await buildFilter(options);
  output.err(renderText(result.diagnostics, { color: output.color }));
  if (!result.diagnostics.hasErrors) output.out(describeBuild(result, performance.now() - startMs));
  return result;
}

function describeBuild(result: BuildResult, tookMs: number): string {
  const file = relative(".", result.outFile);
  if (result.upToDate) return `${file} is up to date (${kilobytes(result.sizeBytes)})\n`;
  const packed = gzipSync(readFileSync(result.outFile)).length;
  const seconds = (tookMs / 1000).toFixed(1);
  return `${file}: ${kilobytes(result.sizeBytes)}, ${kilobytes(packed)} packed, built in ${seconds} s\n`;
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
