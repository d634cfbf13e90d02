// host/extensions/common/expressions/stream_expressions.ts: expressions of the configuration over a worker's streams.
/**
 * What formats and rate limits see of expressions is `host/observe/formatter/command.ts`; this is behind it.
 *
 * @see Envoy: source/extensions/filters/common/expr/evaluator.cc print; source/extensions/formatter/cel/cel.cc
 * @module
 */
import type { Clock } from "../../../base/clock.ts";
import type { ExpressionSource } from "../../../base/expression_tree.ts";
import type { AccessLogEntry } from "../../../http/conn_manager/conn_manager_config.ts";
import type { Expressions, FormatInput, FormatValue, StreamExpression } from "../../../observe/formatter/command.ts";
import { LoggedStream } from "../wasm/logged_stream.ts";
import type { StreamProperties } from "../wasm/properties.ts";
import { printCel, typedCel } from "./cel_print.ts";
import { compileExpression } from "./cel.ts";
import type { Expression } from "./expression.ts";

export class StreamExpressions implements Expressions {
  readonly #attributes: StreamProperties;
  readonly #clock: Clock;

  constructor(attributes: StreamProperties, clock: Clock) {
    this.#attributes = attributes;
    this.#clock = clock;
  }

  compile(source: ExpressionSource): StreamExpression | string {
    const compiled = compileExpression(source);
    return compiled.ok ? new Compiled(compiled.expression, this.#attributes, this.#clock) : compiled.message;
  }
}

class Compiled implements StreamExpression {
  readonly #expression: Expression;
  readonly #attributes: StreamProperties;
  readonly #clock: Clock;

  constructor(expression: Expression, attributes: StreamProperties, clock: Clock) {
    this.#expression = expression;
    this.#attributes = attributes;
    this.#clock = clock;
  }

  text(facts: FormatInput): string | null {
    const value = this.#evaluate(facts);
    return value === undefined ? null : printCel(value);
  }

  value(facts: FormatInput): FormatValue {
    const value = this.#evaluate(facts);
    return value === undefined ? null : typedCel(value);
  }

  /** `undefined` when there is no value. */
  #evaluate(facts: FormatInput): unknown {
    // Whoever formats has a stream's headers.
    const stream = new LoggedStream(facts as AccessLogEntry, this.#clock);
    const result = this.#expression.evaluate((path) => this.#attributes.get(stream, path));
    return result.ok ? result.value : undefined;
  }
}

/** Compiles without evaluating: for those who check a configuration. */
export const CHECK_EXPRESSIONS: Expressions = {
  compile(source) {
    const compiled = compileExpression(source);
    return compiled.ok ? { text: () => null, value: () => null } : compiled.message;
  },
};
