// host/config/node.ts: how configuration is read: by field, with what was read remembered.
/**
 * Whoever turns a message into a plan reads it through a `ConfigNode`. Reading a field marks it as known;
 * once planning is over, every field that the user set and nobody read is reported at its position, so
 * nothing is ever silently ignored. Field names are those of the proto (snake_case).
 *
 * @module
 */

/** A message of the configuration. Getters of unset fields give the default and never fail. */
export interface ConfigNode {
  /** Full name, for example `envoy.config.cluster.v3.Cluster`. */
  readonly typeName: string;
  /** For example `static_resources.clusters[0]`. */
  readonly path: string;
  /** Every key that `runtimeKey` gave, anywhere in the configuration. */
  readonly runtimeKeys: ReadonlySet<string>;
  /** True when the user set the field. Marks it as read. */
  has(field: string): boolean;
  string(field: string): string;
  /** A bool or BoolValue. */
  bool(field: string, defaultValue?: boolean): boolean;
  /** Any numeric scalar or its wrapper; 64-bit ones too (an error beyond 2^53). */
  number(field: string, defaultValue?: number): number;
  bytes(field: string): Uint8Array;
  /** A key of the runtime, or the beginning of keys, that somebody acts on. */
  runtimeKey(field: string): string;
  /** A Duration in milliseconds, with fractions. */
  durationMs(field: string, defaultMs: number): number;
  durationMs(field: string, defaultMs: null): number | null;
  /** The name of an enum value, for example `STRICT_DNS`. */
  enum(field: string): string;
  message(field: string): ConfigNode | null;
  messages(field: string): ConfigNode[];
  strings(field: string): string[];
  numbers(field: string): number[];
  /** Entries of a map field whose values are messages. */
  messageMap(field: string): [string, ConfigNode][];
  /** Entries of a map field whose values are scalars. */
  stringMap(field: string): [string, string][];
  /** The name of the member of a oneof that is set, or null. Marks nothing. */
  oneof(name: string): string | null;
  /** An Any, unpacked; a TypedStruct inside becomes the message that it names. */
  any(field: string): ConfigNode | null;
  anyMap(field: string): [string, ConfigNode][];
  /** A Struct, Value or ListValue as plain JSON. */
  json(field: string): unknown;
  /** The serialized message: what goes to a wasm plugin whose configuration is no string. */
  toBinary(): Uint8Array;
  /** The field is accepted and has no effect here; `--mode validate` shows the reason. */
  accept(field: string, reason: string): void;
  /** The field is known and refused: an error where it is set to more than false or 0. */
  refuse(field: string, reason: string, help?: string): void;
  /** Reports a problem at this node, or at one of its fields. Planning goes on, to find more. */
  error(code: string, message: string, where?: ProblemPlace): void;
  warn(code: string, message: string, where?: ProblemPlace): void;
}

export interface ProblemPlace {
  readonly field?: string;
  /** Index in a repeated field. */
  readonly index?: number;
  /** A line that says what to do, in the imperative. */
  readonly help?: string;
}
