// test/host/cli/flags.test.ts: every flag of Envoy's is taken; mistakes are explained.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { FLAGS, parseFlags } from "../../../host/cli/flags.ts";
import { helpText } from "../../../host/cli/help.ts";

/** The flags of `envoy --help`, 1.40, with their short forms; those with a value have an example of one. */
const ENVOY_FLAGS: readonly (readonly [flag: string, value?: string])[] = [
  ["--stats-tag", "region:eu"],
  ["--enable-core-dump"],
  ["--socket-mode", "600"],
  ["--socket-path", "@envoy_domain_socket"],
  ["--disable-extensions", "envoy.filters.http.wasm"],
  ["--cpuset-threads"],
  ["--enable-mutex-tracing"],
  ["--disable-hot-restart"],
  ["--mode", "serve"],
  ["--parent-shutdown-time-s", "900"],
  ["--drain-strategy", "immediate"],
  ["--drain-time-s", "600"],
  ["--file-flush-min-size-kb", "64"],
  ["--file-flush-interval-msec", "10000"],
  ["--service-zone", "z1"],
  ["--service-node", "n1"],
  ["--service-cluster", "c1"],
  ["--hot-restart-version"],
  ["--restart-epoch", "0"],
  ["--log-path", "/dev/null"],
  ["--enable-fine-grain-logging"],
  ["--log-format-escaped"],
  ["--log-format", "%v"],
  ["--component-log-level", "upstream:debug,wasm:trace"],
  ["-l", "info"],
  ["--log-level", "info"],
  ["--local-address-ip-version", "v6"],
  ["--admin-address-path", "/dev/null"],
  ["--log-stacktrace-single-entry"],
  ["--skip-deprecated-logs"],
  ["--ignore-unknown-dynamic-fields"],
  ["--reject-unknown-dynamic-fields"],
  ["--allow-unknown-static-fields"],
  ["--allow-unknown-fields"],
  ["--config-yaml", "{}"],
  ["-c", "envoy.yaml"],
  ["--config-path", "envoy.yaml"],
  ["--concurrency", "2"],
  ["--base-id-path", "/dev/null"],
  ["--skip-hot-restart-parent-stats"],
  ["--skip-hot-restart-on-no-parent"],
  ["--use-dynamic-base-id"],
  ["--base-id", "1"],
  ["--ignore_rest"],
  ["--version"],
  ["-h"],
  ["--help"],
];

for (const [flag, value] of ENVOY_FLAGS) {
  test(`${flag} is taken`, () => {
    const name = flag.startsWith("--") ? flag.slice(2) : FLAGS.find((row) => row.short === flag.slice(1))!.name;
    const args = value === undefined ? [flag] : [flag, value];
    const parsed = parseFlags(args);
    assert.ok(parsed.ok, parsed.ok ? "" : parsed.error);
    if (!parsed.ok) return;
    assert.equal(parsed.flags.values.get(name), [value ?? ""]);
    if (value === undefined || !flag.startsWith("--")) return;
    const joined = parseFlags([`${flag}=${value}`]);
    assert.ok(joined.ok && joined.flags.values.get(name)?.[0] === value, "--flag=value");
  });
}

test("all of them at once", () => {
  const once = ENVOY_FLAGS.filter(([flag]) => !["-c", "-l", "-h", "--ignore_rest"].includes(flag));
  const parsed = parseFlags(once.flatMap(([flag, value]) => value === undefined ? [flag] : [flag, value]));
  assert.ok(parsed.ok, parsed.ok ? "" : parsed.error);
});

test("a flag without effect says why", () => {
  const parsed = parseFlags(["--restart-epoch", "1", "--concurrency", "2"]);
  assert.ok(parsed.ok);
  if (!parsed.ok) return;
  assert.is(parsed.flags.notes.length, 1);
  assert.match(parsed.flags.notes[0]!, /^--restart-epoch has no effect: processes do not hand sockets on/);
});

test("a flag whose value may be left out takes one by = only", () => {
  const valueOf = (...args: string[]) => {
    const parsed = parseFlags(args);
    return parsed.ok ? parsed.flags.values.get("wasm-trace")?.[0] : parsed.error;
  };
  assert.is(valueOf("--wasm-trace"), "lengths");
  assert.is(valueOf("--wasm-trace", "-l", "info"), "lengths");
  assert.is(valueOf("--wasm-trace=values"), "values");
  assert.is(valueOf("--wasm-trace=all"), "--wasm-trace all: expected lengths, values");
  assert.is(valueOf("--wasm-trace", "values"), "unexpected argument 'values'");
  assert.match(helpText("1"), "--wasm-trace[=lengths|values]");
});

test("what follows -- and --ignore_rest is not looked at", () => {
  for (const end of ["--", "--ignore_rest"]) assert.ok(parseFlags([end, "--nonsense"]).ok);
});

for (
  const [args, error] of [
    [["--concurency"], "unknown flag --concurency; a flag with a similar name exists: --concurrency"],
    [["--zzz"], "unknown flag --zzz"],
    [["serve"], "unexpected argument 'serve'"],
    [["-c"], "-c needs a value"],
    [["--concurrency", "two"], "--concurrency two: expected a whole number"],
    [["--mode", "test"], "--mode test: expected serve, validate, init_only"],
    [["--version=1"], "--version takes no value"],
    [["-c", "a", "--config-path", "b"], "--config-path given twice"],
  ] as const
) {
  test(`${args.join(" ")} is refused`, () => {
    const parsed = parseFlags(args);
    assert.ok(!parsed.ok);
    if (!parsed.ok) assert.is(parsed.error, error);
  });
}

test("the help names every flag, within 80 columns", () => {
  const help = helpText("1.2.3");
  for (const { name } of FLAGS) assert.match(help, `--${name}`);
  for (const line of help.split("\n")) assert.ok(line.length <= 80, line);
});

test.run();
