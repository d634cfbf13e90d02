// test/host/server/access_loggers.test.ts: how long a worker's access loggers live.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type AccessLogger, AccessLoggers } from "../../../host/server/access_loggers.ts";

/** Loggers that write down what happens to them. */
function setUp(): { readonly loggers: AccessLoggers; readonly events: string[]; create(name: string): AccessLogger } {
  const events: string[] = [];
  const create = (name: string): AccessLogger => {
    events.push(`open ${name}`);
    return {
      log: () => {},
      reopen: () => void events.push(`reopen ${name}`),
      close: () => void events.push(`close ${name}`),
    };
  };
  return { loggers: new AccessLoggers(), events, create };
}

const plan = (path: string) => ({ name: "log", extension: "file", plan: { path } });

test("a logger is closed when its last user ends, and made anew for the next one", () => {
  const { loggers, events, create } = setUp();
  const old = loggers.createUse();
  const first = old.get(plan("a"), () => create("a"));
  const next = loggers.createUse();
  assert.is(next.get(plan("a"), () => create("a again")), first, "both generations share it");
  old.end();
  assert.equal(events, ["open a"]);
  next.end();
  assert.equal(events, ["open a", "close a"]);
  loggers.createUse().get(plan("a"), () => create("a anew"));
  assert.equal(events, ["open a", "close a", "open a anew"]);
});

test("who asks for a logger twice uses it once, and ends once", () => {
  const { loggers, events, create } = setUp();
  const one = loggers.createUse();
  const other = loggers.createUse();
  for (const use of [one, one, other]) use.get(plan("a"), () => create("a"));
  one.end();
  one.end();
  assert.equal(events, ["open a"]);
  other.end();
  assert.equal(events, ["open a", "close a"]);
});

test("only what nobody else uses is closed", () => {
  const { loggers, events, create } = setUp();
  const old = loggers.createUse();
  old.get(plan("kept"), () => create("kept"));
  old.get(plan("dropped"), () => create("dropped"));
  loggers.createUse().get(plan("kept"), () => create("kept"));
  old.end();
  loggers.reopen();
  assert.equal(events, ["open kept", "open dropped", "close dropped", "reopen kept"]);
});

test("a worker that stops closes all, once", () => {
  const { loggers, events, create } = setUp();
  const use = loggers.createUse();
  use.get(plan("a"), () => create("a"));
  loggers.close();
  use.end();
  loggers.createUse().get(plan("a"), () => create("a anew"));
  use.end();
  assert.equal(events, ["open a", "close a", "open a anew"]);
});

test.run();
