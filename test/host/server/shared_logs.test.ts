// test/host/server/shared_logs.test.ts: how long a worker's logs live.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type SharedLog, SharedLogs } from "../../../host/server/shared_logs.ts";

/** Logs that write down what happens to them. */
function setUp(): { readonly logs: SharedLogs<SharedLog>; readonly events: string[]; create(name: string): SharedLog } {
  const events: string[] = [];
  const create = (name: string): SharedLog => {
    events.push(`open ${name}`);
    return {
      reopen: () => void events.push(`reopen ${name}`),
      close: () => void events.push(`close ${name}`),
    };
  };
  return { logs: new SharedLogs(), events, create };
}

test("a log is closed when its last user ends, and made anew for the next one", () => {
  const { logs, events, create } = setUp();
  const old = logs.createUse();
  const first = old.get("a", () => create("a"));
  const next = logs.createUse();
  assert.is(next.get("a", () => create("a again")), first, "both generations share it");
  old.end();
  assert.equal(events, ["open a"]);
  next.end();
  assert.equal(events, ["open a", "close a"]);
  logs.createUse().get("a", () => create("a anew"));
  assert.equal(events, ["open a", "close a", "open a anew"]);
});

test("who asks for a log twice uses it once, and ends once", () => {
  const { logs, events, create } = setUp();
  const one = logs.createUse();
  const other = logs.createUse();
  for (const use of [one, one, other]) use.get("a", () => create("a"));
  one.end();
  one.end();
  assert.equal(events, ["open a"]);
  other.end();
  assert.equal(events, ["open a", "close a"]);
});

test("only what nobody else uses is closed", () => {
  const { logs, events, create } = setUp();
  const old = logs.createUse();
  old.get("kept", () => create("kept"));
  old.get("dropped", () => create("dropped"));
  logs.createUse().get("kept", () => create("kept"));
  old.end();
  logs.reopen();
  assert.equal(events, ["open kept", "open dropped", "close dropped", "reopen kept"]);
});

test("a worker that stops closes all, once", () => {
  const { logs, events, create } = setUp();
  const use = logs.createUse();
  use.get("a", () => create("a"));
  logs.close();
  use.end();
  logs.createUse().get("a", () => create("a anew"));
  use.end();
  assert.equal(events, ["open a", "close a", "open a anew"]);
});

test.run();
