// host/observe/formatter/expression_commands.ts: commands that evaluate expressions.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/extensions/formatter/cel/cel.cc
 * @module
 */
import { type Command, CommandError, type Extract, type StreamExpression } from "./command.ts";

function expression(extract: (compiled: StreamExpression) => Extract): Command {
  return {
    parameter: "optional",
    length: true,
    compile(parameter, { expressions }) {
      if (expressions == null) {
        return new CommandError("expressions are there for formats that are in the configuration itself");
      }
      const compiled = expressions.compile(parameter);
      if (typeof compiled === "string") return new CommandError(`the expression cannot be compiled: ${compiled}`);
      return extract(compiled);
    },
  };
}

export const EXPRESSION_COMMANDS: Readonly<Record<string, Command>> = {
  CEL: expression((compiled) => (input) => compiled.text(input)),
  TYPED_CEL: expression((compiled) => (input) => compiled.value(input)),
};
