// test/host/observe/log.test.ts: component loggers: levels, forms, repeats, what cannot be forged.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../host/base/clock.ts";
import { LOG_COMPONENTS, type LogOptions, LogRegistry, parseLogLevel } from "../../../host/observe/log.ts";

function setUp(options: Partial<LogOptions> = {}): { logging: LogRegistry; lines: string[]; clock: ManualClock } {
  const lines: string[] = [];
  const clock = new ManualClock(Date.UTC(2026, 10, 21, 14, 19, 45, 674));
  const destination = { write: (line: string): void => void lines.push(line) };
  return { logging: new LogRegistry({ destination, clock, format: "json", ...options }), lines, clock };
}

test("json: one object a line, fixed keys, Envoy's levels", () => {
  const { logging, lines } = setUp({ bindings: { worker: 1 } });
  logging.logger("upstream").warn("connection failed", { cluster: "a", err: "x\ny" });
  logging.logger("main").critical("gone");
  assert.equal(lines.map((line) => JSON.parse(line)), [
    {
      level: "warning",
      time: "2026-11-21T14:19:45.674Z",
      worker: 1,
      component: "upstream",
      cluster: "a",
      err: "x\ny",
      msg: "connection failed",
    },
    { level: "critical", time: "2026-11-21T14:19:45.674Z", worker: 1, component: "main", msg: "gone" },
  ]);
  assert.ok(lines.every((line) => line.indexOf("\n") === line.length - 1));
});

test("pretty: a readable line without control characters", () => {
  const { logging, lines } = setUp({ format: "pretty" });
  logging.logger("wasm").info("guest said \x1b[31mred\r\n[fake]\u202e", {
    filter: "guard",
    text: 'a "b"\n',
    n: 3,
    list: [1],
  });
  assert.equal(lines, [
    '14:19:45.674 info     wasm     guest said \\x1b[31mred\\r\\n[fake]\\u202e filter=guard text="a \\"b\\"\\n" n=3 list=[1]\n',
  ]);
});

test("pretty: colours only when asked for, stacks on lines of their own", () => {
  const { logging, lines } = setUp({ format: "pretty", color: true });
  logging.logger("main").error("bug", { err: new Error("broken") });
  assert.ok(lines[0]!.startsWith("\x1b[90m14:19:45.674\x1b[0m \x1b[31merror   \x1b[0m "), lines[0]);
  assert.match(lines[0]!, /bug .*err=.*broken\n {4}at /);
});

test("an spdlog pattern", () => {
  const { logging, lines } = setUp({ format: { pattern: "[%Y-%m-%d %T.%e][%t][%l][%n] [%g:%#] %v %% %-6L|%q" } });
  logging.logger("http").debug("hidden");
  logging.logger("http").info("seen", { cx: 7 });
  assert.equal(lines, ["[2026-11-21 14:19:45.674][main][info][http] [http:0] seen cx=7 % I     |%q\n"]);
});

test("levels: per component, all, and for components to come", () => {
  const { logging, lines } = setUp();
  const wasm = logging.logger("wasm"), http = logging.logger("http");
  assert.is(logging.setLevel("wasm", "trace"), true);
  assert.is(logging.setLevel("nope", "trace"), false);
  wasm.trace("1");
  http.debug("2");
  assert.is(wasm.isEnabled("trace"), true);
  assert.is(http.isEnabled("debug"), false);
  logging.setAllLevels("error");
  wasm.warn("3");
  wasm.error("4");
  logging.logger("mine").warn("5");
  logging.setAllLevels("off");
  wasm.critical("6");
  assert.equal(lines.map((line) => JSON.parse(line).msg), ["1", "4"]);
  assert.is(logging.levels()["wasm"], "off");
  assert.equal(Object.keys(logging.levels()), [...LOG_COMPONENTS, "mine"]);
  const other = setUp().logging;
  other.setLevels({ ...logging.levels(), http: "debug" });
  assert.equal([other.levels()["mine"], other.levels()["http"]], ["off", "debug"]);
});

test("equal lines are written five times, then counted", () => {
  const { logging, lines, clock } = setUp();
  const log = logging.logger("pool");
  for (let i = 0; i < 42; i++) log.warn("refused", { cluster: "a" });
  log.warn("refused", { cluster: "b" });
  assert.is(lines.length, 6);
  clock.advance(10_000);
  assert.is(JSON.parse(lines[6]!).msg, "refused (x37 in 10 s)");
  assert.is(JSON.parse(lines[6]!).cluster, "a");
  assert.is(lines.length, 7);
  log.warn("refused", { cluster: "a" });
  assert.is(lines.length, 8, "a new window");
  assert.is(clock.armedTimers, 1);
  logging.flushRepeats();
  assert.is(clock.armedTimers, 0);
  assert.is(lines.length, 8);
});

test("debug lines are never held back", () => {
  const { logging, lines } = setUp({ level: "debug" });
  for (let i = 0; i < 20; i++) logging.logger("http").debug("request");
  assert.is(lines.length, 20);
});

test("secrets are not written", () => {
  const { logging, lines } = setUp();
  logging.logger("http").info("x", {
    authorization: "Basic abc",
    headers: { cookie: "a=b", host: "h" },
    password: "p",
  });
  assert.not.match(lines[0]!, /abc|a=b|"p"/);
  assert.match(lines[0]!, /"host":"h"/);
});

test("fields that JSON cannot hold do no harm", () => {
  const { logging, lines } = setUp();
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  logging.logger("main").warn("odd", { cycle, big: 3n });
  assert.is(lines.length, 1);
});

test("names of levels", () => {
  assert.equal(["warn", "warning", "critical", "off", "fatal", ""].map(parseLogLevel), [
    "warning",
    "warning",
    "critical",
    "off",
    null,
    null,
  ]);
});

test.run();
