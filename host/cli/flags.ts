// host/cli/flags.ts: every command-line flag, as data.
/**
 * The flags are Envoy's and a few of our own, in one table that parsing, help and completions share. No
 * flag of Envoy's is ever an error: those that mean nothing here say so in their row.
 *
 * @see Envoy: source/server/options_impl_base.cc
 * @module
 */
import { nearestName } from "../base/suggest.ts";

export type FlagGroup =
  | "Configuration"
  | "Server"
  | "Logging"
  | "Node identity"
  | "Filters"
  | "Hot restart"
  | "General";

export interface FlagRow {
  readonly name: string;
  readonly short?: string;
  /** The kind of value; absent for switches. */
  readonly value?: "string" | "number";
  readonly repeatable?: boolean;
  readonly choices?: readonly string[];
  /** What the flag alone means: a value is given by `=` only. */
  readonly defaultValue?: string;
  readonly group: FlagGroup;
  readonly help: string;
  /** Why the flag is taken and has no effect. */
  readonly meaningless?: string;
}

const NO_HOT_RESTART = "processes do not hand sockets on here: start the new one beside the old, then drain the old";

const NO_XDS = "the configuration comes from files: there is no xDS yet";

export const FLAGS: readonly FlagRow[] = [
  {
    name: "config-path",
    short: "c",
    value: "string",
    group: "Configuration",
    help: "bootstrap file: YAML, JSON or .pb",
  },
  {
    name: "config-yaml",
    value: "string",
    group: "Configuration",
    help: "bootstrap as YAML text, merged over the file",
  },
  {
    name: "mode",
    value: "string",
    choices: ["serve", "validate", "init_only"],
    group: "Configuration",
    help: "serve, or check the configuration and exit",
  },
  { name: "allow-unknown-fields", group: "Configuration", help: "the same as --allow-unknown-static-fields" },
  { name: "allow-unknown-static-fields", group: "Configuration", help: "unknown fields are warnings" },
  {
    name: "reject-unknown-dynamic-fields",
    group: "Configuration",
    help: "unknown fields from xDS are errors",
    meaningless: NO_XDS,
  },
  {
    name: "ignore-unknown-dynamic-fields",
    group: "Configuration",
    help: "unknown fields from xDS are not counted",
    meaningless: NO_XDS,
  },
  { name: "skip-deprecated-logs", group: "Configuration", help: "no warnings for deprecated fields" },
  {
    name: "diagnostics-format",
    value: "string",
    choices: ["text", "json", "github"],
    group: "Configuration",
    help: "how problems of the configuration are written: for people, as lines of JSON, as GitHub's annotations",
  },
  { name: "lenient", group: "Configuration", help: "fields that nuncio does not act on are warnings" },
  {
    name: "api-descriptors",
    value: "string",
    group: "Configuration",
    help: "a FileDescriptorSet to use for Envoy's API",
  },
  { name: "disable-extensions", value: "string", group: "Configuration", help: "comma-separated names to refuse" },
  {
    name: "concurrency",
    value: "number",
    group: "Server",
    help: "worker threads; default the number of cores, 1 in process",
  },
  { name: "admin-address-path", value: "string", group: "Server", help: "write the admin address to this file" },
  { name: "drain-time-s", value: "number", group: "Server", help: "how long a drain takes; default 600" },
  {
    name: "drain-strategy",
    value: "string",
    choices: ["gradual", "immediate"],
    group: "Server",
    help: "how connections are told during a drain",
  },
  {
    name: "sigterm",
    value: "string",
    choices: ["drain", "envoy"],
    group: "Server",
    help: "what SIGTERM does: drain (default), or exit at once",
  },
  {
    name: "local-address-ip-version",
    value: "string",
    choices: ["v4", "v6"],
    group: "Server",
    help: "which of this machine's addresses stands in x-forwarded-for",
  },
  { name: "stats-tag", value: "string", repeatable: true, group: "Server", help: "tag:value on every statistic" },
  {
    name: "cpuset-threads",
    group: "Server",
    help: "workers from the cpuset's size",
    meaningless: "the default counts only the processors that this process may use",
  },
  {
    name: "log-level",
    short: "l",
    value: "string",
    group: "Logging",
    help: "trace debug info warn error critical off",
  },
  { name: "component-log-level", value: "string", group: "Logging", help: "for example upstream:debug,wasm:trace" },
  { name: "log-format", value: "string", group: "Logging", help: "log lines by an spdlog pattern" },
  {
    name: "log-format-escaped",
    group: "Logging",
    help: "escape control characters",
    meaningless: "control characters in log lines are always escaped",
  },
  { name: "log-path", value: "string", group: "Logging", help: "write the log to this file" },
  { name: "log-json", group: "Logging", help: "log lines as JSON" },
  { name: "log-pretty", group: "Logging", help: "log lines for people" },
  { name: "color", value: "string", choices: ["auto", "always", "never"], group: "Logging", help: "colours in output" },
  {
    name: "file-flush-interval-msec",
    value: "number",
    group: "Logging",
    help: "access logs: flush interval; default 10000",
  },
  {
    name: "file-flush-min-size-kb",
    value: "number",
    group: "Logging",
    help: "access logs: flush from this size; default 64",
  },
  {
    name: "enable-fine-grain-logging",
    group: "Logging",
    help: "log levels per source file",
    meaningless: "levels are per component: --component-log-level",
  },
  {
    name: "log-stacktrace-single-entry",
    group: "Logging",
    help: "stack traces in one entry",
    meaningless: "a stack trace is always one entry",
  },
  {
    name: "wasm-public-key",
    value: "string",
    repeatable: true,
    group: "Filters",
    help: "filters must be signed with one of these Ed25519 keys",
  },
  {
    name: "wasm-insecure-registry",
    value: "string",
    repeatable: true,
    group: "Filters",
    help: "host[:port] of an OCI registry without TLS",
  },
  {
    name: "wasm-cache-path",
    value: "string",
    group: "Filters",
    help: "folder for fetched filters; empty: none",
  },
  {
    name: "wasm-trace",
    value: "string",
    choices: ["lengths", "values"],
    defaultValue: "lengths",
    group: "Filters",
    help: "write every call of filters to the log; values: also what may be secret",
  },
  { name: "service-cluster", value: "string", group: "Node identity", help: "cluster that this proxy belongs to" },
  { name: "service-node", value: "string", group: "Node identity", help: "this proxy's name" },
  { name: "service-zone", value: "string", group: "Node identity", help: "zone that this proxy runs in" },
  { name: "restart-epoch", value: "number", group: "Hot restart", help: "epoch", meaningless: NO_HOT_RESTART },
  { name: "base-id", value: "number", group: "Hot restart", help: "base id", meaningless: NO_HOT_RESTART },
  { name: "use-dynamic-base-id", group: "Hot restart", help: "choose a base id", meaningless: NO_HOT_RESTART },
  {
    name: "base-id-path",
    value: "string",
    group: "Hot restart",
    help: "write the base id here",
    meaningless: NO_HOT_RESTART,
  },
  {
    name: "parent-shutdown-time-s",
    value: "number",
    group: "Hot restart",
    help: "parent's end",
    meaningless: NO_HOT_RESTART,
  },
  { name: "disable-hot-restart", group: "Hot restart", help: "no hot restart", meaningless: NO_HOT_RESTART },
  { name: "hot-restart-version", group: "Hot restart", help: "print the compatibility version and exit" },
  {
    name: "socket-path",
    value: "string",
    group: "Hot restart",
    help: "hot restart socket",
    meaningless: NO_HOT_RESTART,
  },
  { name: "socket-mode", value: "string", group: "Hot restart", help: "its permissions", meaningless: NO_HOT_RESTART },
  { name: "skip-hot-restart-on-no-parent", group: "Hot restart", help: "start anyway", meaningless: NO_HOT_RESTART },
  {
    name: "skip-hot-restart-parent-stats",
    group: "Hot restart",
    help: "no stats from the parent",
    meaningless: NO_HOT_RESTART,
  },
  {
    name: "enable-core-dump",
    group: "General",
    help: "core dumps",
    meaningless: "the runtime decides: node --abort-on-uncaught-exception",
  },
  {
    name: "enable-mutex-tracing",
    group: "General",
    help: "trace lock contention",
    meaningless: "workers share no locks on the data path",
  },
  { name: "ignore_rest", group: "General", help: "ignore what follows", meaningless: "nothing follows" },
  { name: "version", group: "General", help: "print the version and exit" },
  { name: "help", short: "h", group: "General", help: "print this help and exit" },
];

/** Flags as given. */
export interface ParsedFlags {
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** What to say of flags without effect, one line each. */
  readonly notes: readonly string[];
}

export type FlagsResult = { readonly ok: true; readonly flags: ParsedFlags } | {
  readonly ok: false;
  readonly error: string;
};

/** Parses `--name value`, `--name=value` and short forms; the first mistake is the answer. */
export function parseFlags(args: readonly string[]): FlagsResult {
  const values = new Map<string, string[]>();
  const notes: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--") break;
    if (!arg.startsWith("-") || arg === "-") return { ok: false, error: `unexpected argument '${arg}'` };
    const equals = arg.indexOf("=");
    const word = equals < 0 ? arg : arg.slice(0, equals);
    const row = FLAGS.find((each) =>
      word === `--${each.name}` || (each.short !== undefined && word === `-${each.short}`)
    );
    if (row === undefined) return { ok: false, error: unknownFlag(word) };
    let value = "";
    if (row.value !== undefined) {
      const given = equals >= 0 ? arg.slice(equals + 1) : row.defaultValue ?? args[++i];
      if (given === undefined) return { ok: false, error: `${word} needs a value` };
      value = given;
      if (row.value === "number" && !/^[0-9]{1,10}$/.test(value)) {
        return { ok: false, error: `${word} ${value}: expected a whole number` };
      }
      if (row.choices !== undefined && !row.choices.includes(value)) {
        return { ok: false, error: `${word} ${value}: expected ${row.choices.join(", ")}` };
      }
    } else if (equals >= 0) {
      return { ok: false, error: `${word} takes no value` };
    }
    const before = values.get(row.name);
    if (before !== undefined && row.repeatable !== true) return { ok: false, error: `${word} given twice` };
    values.set(row.name, before === undefined ? [value] : [...before, value]);
    if (row.meaningless !== undefined) notes.push(`--${row.name} has no effect: ${row.meaningless}`);
    if (row.name === "ignore_rest") break;
  }
  return { ok: true, flags: { values, notes } };
}

function unknownFlag(word: string): string {
  const known = FLAGS.map((row) => `--${row.name}`);
  const near = nearestName(word, known);
  return `unknown flag ${word}${near === null ? "" : `; a flag with a similar name exists: ${near}`}`;
}
