// test/host/extensions/access_loggers/file.test.ts: file loggers: plans, buffering, rotation.
import { mkdirSync, readFileSync, renameSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { module } from "../../../../host/extensions/access_loggers/file/logger.ts";
import { type FileLoggerPlan, planner } from "../../../../host/extensions/access_loggers/file/plan.ts";
import type { AccessLogger } from "../../../../host/observe/access_log.ts";
import { DEFAULT_FORMAT } from "../../../../host/observe/formatter.ts";
import { proxiedStream } from "../../observe/formatter_fixture.ts";
import { type LoggerWorld, loggerWorld, planAccessLog, type Planned, temporaryFolder } from "./fixture.ts";

const TYPE = '"@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog';

function planFile(fields: string, path = join(temporaryFolder(), "a.log")): Planned<FileLoggerPlan> {
  return planAccessLog(
    `name: x\ntyped_config: { ${TYPE}, path: "${path}"${fields === "" ? "" : ", " + fields} }`,
    planner,
  );
}

interface Made extends LoggerWorld {
  readonly logger: AccessLogger;
  readonly path: string;
  text(): string;
}

function make(fields: string, settings = { flushIntervalMs: 10_000, flushBytes: 65_536 }): Made {
  const { plan, problems } = planFile(fields);
  assert.equal(problems.filter((problem) => problem.startsWith("error")), []);
  const world = loggerWorld(settings);
  const logger = module.create(plan, world.context) as AccessLogger;
  return { ...world, logger, path: plan!.path, text: () => readFileSync(plan!.path, "utf8") };
}

test("without a format: Envoy's default line", () => {
  assert.equal(planFile("").plan!.format, { kind: "text", text: DEFAULT_FORMAT, omitEmptyValues: false });
});

test("all ways to give a format", () => {
  const format = (fields: string): unknown => planFile(fields).plan!.format;
  assert.equal(format('log_format: { text_format_source: { inline_string: "%PROTOCOL%" } }'), {
    kind: "text",
    text: "%PROTOCOL%",
    omitEmptyValues: false,
  });
  assert.equal(format('log_format: { text_format: "é %PROTOCOL%", omit_empty_values: true }'), {
    kind: "text",
    text: "é %PROTOCOL%",
    omitEmptyValues: true,
  });
  assert.equal(format('log_format: { json_format: { a: "%PROTOCOL%" } }'), {
    kind: "json",
    template: { a: "%PROTOCOL%" },
    omitEmptyValues: false,
  });
  assert.equal(format('format: "%PROTOCOL%"'), { kind: "text", text: "%PROTOCOL%", omitEmptyValues: false });
  assert.equal(format('typed_json_format: { a: "%PROTOCOL%" }'), {
    kind: "json",
    template: { a: "%PROTOCOL%" },
    omitEmptyValues: false,
  });
});

test("problems of formats are reported, all of them", () => {
  assert.equal(planFile('log_format: { text_format_source: { inline_string: "%FOO% %REQ%" } }').problems, [
    'error format/unknown-command: there is no command "FOO" (at 0)',
    "error format/bad-parameter: REQ requires a parameter (at 6)",
  ]);
  assert.equal(planFile('log_format: { json_format: { a: { b: ["%"] } } }').problems, [
    'error format/syntax: a.b.0: "%" at position 0 begins no command',
  ]);
  const file =
    "{ name: file, typed_config: { '@type': type.googleapis.com/envoy.extensions.formatter.file_content.v3.FileContent } }";
  assert.equal(
    planFile(`log_format: { text_format: "x", formatters: [ ${file} ] }`).problems.filter((p) => p.startsWith("error")),
    [
      "error format/unsupported-command: the formatter envoy.extensions.formatter.file_content.v3.FileContent is not available",
    ],
  );
});

test("a path that cannot be opened is an error, and no file is made", () => {
  const folder = temporaryFolder();
  assert.equal(planFile("", join(folder, "no/such/a.log")).problems, [
    `error access_log/cannot-open: cannot open "${
      join(folder, "no/such/a.log")
    }" for writing: its folder does not exist`,
  ]);
  mkdirSync(join(folder, "sub"));
  assert.match(planFile("", join(folder, "sub")).problems[0]!, /it is a folder$/);
});

test("lines wait for the interval", () => {
  const { logger, clock, text, stats } = make('log_format: { text_format: "%PROTOCOL% é\\n" }');
  logger.log(proxiedStream());
  logger.log(proxiedStream());
  clock.advance(9_999);
  assert.is(text(), "");
  clock.advance(1);
  assert.is(text(), "HTTP/1.1 é\nHTTP/1.1 é\n");
  assert.is(clock.armedTimers, 0);
  assert.equal(
    ["write_buffered", "write_completed", "flushed_by_timer", "write_total_buffered"].map((name) =>
      stats.valueOf(`filesystem.${name}`)
    ),
    [2, 1, 1, 0],
  );
  logger.close();
});

test("lines wait for the size", () => {
  const { logger, clock, text } = make('log_format: { text_format: "0123456789\\n" }', {
    flushIntervalMs: 10_000,
    flushBytes: 30,
  });
  for (let i = 0; i < 2; i++) logger.log(proxiedStream());
  assert.is(text(), "");
  logger.log(proxiedStream());
  assert.is(text().length, 33);
  assert.is(clock.armedTimers, 0);
  logger.close();
});

test("json lines end in a newline of their own", () => {
  const { logger, text } = make('log_format: { json_format: { b: "%RESPONSE_CODE%", a: "%REQ(none)%" } }');
  logger.log(proxiedStream());
  logger.close();
  assert.is(text(), '{"a":null,"b":200}\n');
});

test("two loggers append to one file", () => {
  const one = make('log_format: { text_format: "one\\n" }');
  const { plan } = planFile('log_format: { text_format: "two\\n" }', one.path);
  const two = module.create(plan, one.context) as AccessLogger;
  for (const logger of [one.logger, two, one.logger]) {
    logger.log(proxiedStream());
    logger.flush();
  }
  assert.is(one.text(), "one\ntwo\none\n");
  one.logger.close();
  two.close();
});

test("after a rotation lines go to the new file", () => {
  const { logger, path, text } = make('log_format: { text_format: "x\\n" }');
  logger.log(proxiedStream());
  renameSync(path, path + ".1");
  logger.reopen();
  logger.log(proxiedStream());
  logger.log(proxiedStream());
  logger.close();
  assert.is(readFileSync(path + ".1", "utf8"), "x\n");
  assert.is(text(), "x\nx\n");
});

test("lines that come after the end are counted as lost", () => {
  const { logger, stats, text } = make('log_format: { text_format: "x\\n" }', {
    flushIntervalMs: 10_000,
    flushBytes: 1,
  });
  logger.log(proxiedStream());
  logger.close();
  logger.close();
  logger.log(proxiedStream());
  assert.is(text(), "x\n");
  assert.is(stats.valueOf("filesystem.write_failed"), 1);
  assert.is(stats.valueOf("filesystem.write_buffered"), 1);
});

test("when the new file cannot be opened the old one stays", () => {
  const { logger, path, stats } = make('log_format: { text_format: "x\\n" }');
  renameSync(path, path + ".1");
  mkdirSync(path);
  logger.reopen();
  logger.log(proxiedStream());
  logger.close();
  assert.is(readFileSync(path + ".1", "utf8"), "x\n");
  assert.is(stats.valueOf("filesystem.reopen_failed"), 1);
});

test("a file that cannot be opened any more: requests are served, lines are lost and counted until the logs are reopened", () => {
  const { plan } = planFile('log_format: { text_format: "x\\n" }');
  const { path } = plan!;
  mkdirSync(path);
  const { context, stats, log } = loggerWorld({ flushIntervalMs: 10_000, flushBytes: 65_536 });
  const logger = module.create(plan, context) as AccessLogger;
  assert.match(log(), "an access log cannot be opened");
  assert.match(log(), path);
  logger.log(proxiedStream());
  logger.flush();
  assert.is(stats.valueOf("filesystem.write_failed"), 1);
  rmdirSync(path);
  logger.reopen();
  logger.log(proxiedStream());
  logger.close();
  assert.is(readFileSync(path, "utf8"), "x\n");
});

test("the filter decides", () => {
  const path = join(temporaryFolder(), "a.log");
  const { plan } = planAccessLog<FileLoggerPlan>(
    `name: x
filter: { status_code_filter: { comparison: { op: GE, value: { default_value: 500, runtime_key: x } } } }
typed_config: { ${TYPE}, path: "${path}", log_format: { text_format: "%RESPONSE_CODE%\\n" } }`,
    planner,
  );
  const logger = module.create(plan, loggerWorld({ flushIntervalMs: 1, flushBytes: 1 }).context) as AccessLogger;
  for (const status of [200, 503]) {
    const entry = proxiedStream();
    entry.info.responseCode = status;
    logger.log(entry);
  }
  logger.close();
  assert.is(readFileSync(path, "utf8"), "503\n");
});

test.run();
