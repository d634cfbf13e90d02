// test/host/net/happy_eyeballs.test.ts: a peer with several addresses, millisecond by millisecond.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../host/base/clock.ts";
import { parseAddress } from "../../../host/net/address.ts";
import type { SocketConnection } from "../../../host/net/connection.ts";
import type { DialCallbacks, DialFailure, DialHandle, DialOptions } from "../../../host/net/dial.ts";
import { dialFirst, type HappyEyeballsPlan, sortAddresses } from "../../../host/net/happy_eyeballs.ts";

class Attempt implements DialHandle {
  readonly address: string;
  readonly callbacks: DialCallbacks;
  cancelled = false;

  constructor(options: DialOptions, callbacks: DialCallbacks) {
    this.address = options.address.text;
    this.callbacks = callbacks;
  }

  cancel(): void {
    this.cancelled = true;
  }

  fail(details = "refused"): void {
    this.callbacks.onFailure({ reason: "remote", details, code: "" });
  }

  connect(): void {
    this.callbacks.onConnected({ name: this.address } as unknown as SocketConnection);
  }
}

function race(
  ...addresses: string[]
): { clock: ManualClock; attempts: Attempt[]; events: string[]; handle: DialHandle } {
  const clock = new ManualClock();
  const attempts: Attempt[] = [];
  const events: string[] = [];
  const targets = addresses.map((address) => ({ address: parseAddress(address)!, clock, connectTimeoutMs: 1000 }));
  const handle = dialFirst(
    (options, callbacks) => {
      const attempt = new Attempt(options, callbacks);
      attempts.push(attempt);
      return attempt;
    },
    targets,
    {
      onConnected: (connection) => events.push(`connected ${(connection as unknown as { name: string }).name}`),
      onFailure: (failure: DialFailure) => events.push(`failed ${failure.reason} ${failure.details}`),
    },
  );
  return { clock, attempts, events, handle };
}

test("families take turns, the first one's before", () => {
  const order = (plan: Partial<HappyEyeballsPlan>, ...addresses: string[]): string[] =>
    sortAddresses(addresses.map((each) => parseAddress(each)!), {
      firstFamily: "DEFAULT",
      firstFamilyCount: 1,
      ...plan,
    }).map((each) => each.text);
  const all = ["1.0.0.1:1", "1.0.0.2:1", "1.0.0.3:1", "[::1]:1", "[::2]:1"];
  assert.equal(order({}, ...all), ["1.0.0.1:1", "[::1]:1", "1.0.0.2:1", "[::2]:1", "1.0.0.3:1"]);
  assert.equal(order({ firstFamilyCount: 2 }, ...all), ["1.0.0.1:1", "1.0.0.2:1", "[::1]:1", "1.0.0.3:1", "[::2]:1"]);
  assert.equal(order({ firstFamily: "V6" }, ...all), ["[::1]:1", "1.0.0.1:1", "[::2]:1", "1.0.0.2:1", "1.0.0.3:1"]);
  assert.equal(order({ firstFamily: "V4" }, "[::1]:1", "1.0.0.1:1"), ["1.0.0.1:1", "[::1]:1"]);
  assert.equal(order({ firstFamily: "V4" }, "[::1]:1", "[::2]:1"), ["[::1]:1", "[::2]:1"]);
});

test("the next address is tried after 300 ms; who connects first ends the others", () => {
  const r = race("1.0.0.1:1", "1.0.0.2:1", "1.0.0.3:1");
  r.clock.advance(299);
  assert.is(r.attempts.length, 1);
  r.clock.advance(1);
  r.clock.advance(300);
  assert.equal(r.attempts.map((each) => each.address), ["1.0.0.1:1", "1.0.0.2:1", "1.0.0.3:1"]);
  r.attempts[1]!.connect();
  assert.equal(r.events, ["connected 1.0.0.2:1"]);
  assert.equal(r.attempts.map((each) => each.cancelled), [true, false, true]);
  assert.is(r.clock.armedTimers, 0);
});

test("the next address is tried at once when the one before failed; the last failure is told", () => {
  const r = race("1.0.0.1:1", "1.0.0.2:1", "1.0.0.3:1");
  r.attempts[0]!.fail("first");
  assert.is(r.attempts.length, 2);
  r.clock.advance(300);
  assert.is(r.attempts.length, 3);
  r.attempts[2]!.fail("third");
  assert.equal(r.events, []);
  r.attempts[1]!.fail("second");
  assert.equal(r.events, ["failed remote second"]);
  assert.is(r.clock.armedTimers, 0);
});

test("the time-out is that of all attempts together; who gives up is told nothing", () => {
  const late = race("1.0.0.1:1", "1.0.0.2:1");
  late.clock.advance(1000);
  assert.equal([late.events, late.attempts.map((each) => each.cancelled)], [["failed timeout connect timeout"], [
    true,
    true,
  ]]);
  const given = race("1.0.0.1:1", "1.0.0.2:1");
  given.handle.cancel();
  given.clock.advance(5000);
  assert.equal([given.events, given.attempts.length, given.clock.armedTimers], [[], 1, 0]);
});

test.run();
