// host/cli/commands/filter.ts: `nuncio filter …`, for people who write filters.
/**
 * Exit codes are nuncio's: 0 done, 1 the filter has errors or its test failed, 2 the command cannot be
 * understood.
 *
 * @module
 */
import process from "node:process";
import { NuncioError } from "../../base/error.ts";
import { type CommandOutput, USAGE_ERROR } from "./command_output.ts";
import { filterBuild } from "./filter_build.ts";
import { filterNew } from "./filter_new.ts";
import { filterTest } from "./filter_test.ts";

const HELP = `nuncio filter: write, build and test WebAssembly filters

  nuncio filter new NAME [--kind http|tcp] [--from EXAMPLE]   make a folder with a filter that works
  nuncio filter build [PATH…] [--component] [--debug] [--out FILE] [--force]
                                                              compile it to build/filter.wasm, or with
                                                              --component to a component beside it
  nuncio filter test [PATH…] [--release] [--component]        build it, with names and lines of source unless
                                                              --release is given, and run its filter.test.ts

PATH is a filter's folder or its source file, the current folder unless given.
`;

const processOutput: CommandOutput = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  color: process.stderr.isTTY === true && process.env["NO_COLOR"] === undefined,
};

/** Runs `nuncio filter ARGS`; gives the exit code. */
export async function filterCommand(args: string[], output: CommandOutput = processOutput): Promise<number> {
  const [name, ...rest] = args;
  try {
    switch (name) {
      case "new":
        return await filterNew(rest, output);
      case "build":
        return await filterBuild(rest, output);
      case "test":
        return await filterTest(rest, output);
      case undefined:
        output.err(HELP);
        return 2;
      case "help":
      case "--help":
      case "-h":
        output.out(HELP);
        return 0;
      default:
        output.err(`nuncio filter: unknown command "${name}"\n\n${HELP}`);
        return 2;
    }
  } catch (error) {
    if (isArgumentError(error)) {
      output.err(`nuncio filter ${name}: ${error.message}\n\n${HELP}`);
      return 2;
    }
    if (!(error instanceof NuncioError)) throw error;
    output.err(`error[${error.code}]: ${error.message}\n`);
    return error.code === USAGE_ERROR ? 2 : 1;
  }
}

/** What `parseArgs` throws. */
function isArgumentError(error: unknown): error is Error {
  return error instanceof Error && String((error as { code?: unknown }).code).startsWith("ERR_PARSE_ARGS");
}
