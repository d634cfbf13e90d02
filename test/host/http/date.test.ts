// test/host/http/date.test.ts: the date header.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { formatHttpDate, HttpDate } from "../../../host/http/date.ts";

test("an IMF-fixdate", () => {
  assert.is(formatHttpDate(784_111_777_000), "Sun, 06 Nov 1994 08:49:37 GMT");
  assert.is(formatHttpDate(0), "Thu, 01 Jan 1970 00:00:00 GMT");
});

test("the date follows the clock by whole seconds", () => {
  let wallMs = 784_111_777_000;
  const noTimer = (): never => {
    throw new Error("no timer");
  };
  const clock = {
    nowMs: () => 0,
    wallMs: () => wallMs,
    wallNs: () => 0n,
    createTimer: noTimer,
    createTickTimer: noTimer,
  };
  const date = new HttpDate(clock);
  assert.is(date.get(), "Sun, 06 Nov 1994 08:49:37 GMT");
  wallMs += 999.5;
  assert.is(date.get(), "Sun, 06 Nov 1994 08:49:37 GMT");
  wallMs += 1;
  assert.is(date.get(), "Sun, 06 Nov 1994 08:49:38 GMT");
  wallMs -= 5000;
  assert.is(date.get(), "Sun, 06 Nov 1994 08:49:33 GMT");
});

test.run();
