// test/conformance/guests/cases.ts: what every guest of test/guests must do, whatever it was written in.
/**
 * One list for all languages. What an SDK cannot do is listed with the reason; it is left out, and counted as
 * such on the scoreboard.
 *
 * @module
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { FilterHost, FilterOptions } from "../../../host/testing/mod.ts";
import { loadFilter } from "../../../host/testing/mod.ts";
import { guestFile } from "../../guests/build.ts";

/** Loads the guest with a part to play. */
export type Load = (part: string, options?: FilterOptions) => Promise<FilterHost>;

export interface GuestCase {
  readonly part: string;
  readonly name: string;
  readonly run: (load: Load, guest: string) => Promise<void>;
}

/** What guests lack because their SDK does, by guest and case. */
export const LACKS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  gcore: {
    "log lines of each level, also when all is over": "its `log` writes to standard output, which has one level",
    "metrics are counted and read": "its SDK's functions that read a metric call the one that records",
  },
  solo_io: {
    "contexts go with their streams, and memory stays flat":
      "its run time frees what may be part of a cycle only when asked to, and the SDK never asks",
    "a property that is not there": "its SDK traps on every status but Ok",
    "metrics are counted and read": "its SDK's functions that read a metric call the one that records",
    "the request body is collected and appended to": "its SDK has no function that changes a buffer",
    "the response body is appended to": "its SDK has no function that changes a buffer",
    "shared data by compare and swap": "its SDK gives `proxy_set_shared_data` pointers for values",
  },
};

const REQUEST = {
  ":path": "/a?b=c",
  "x-asked": "a question",
  "x-replaced": "old",
  "x-removed": "gone",
  "x-other": "stays",
};

export const GUEST_CASES: readonly GuestCase[] = [
  {
    part: "headers",
    name: "headers are read, added, replaced and removed",
    async run(load) {
      const { request } = (await load("headers")).http().requestHeaders(REQUEST);
      assert.ok(request.forwarded);
      assert.is(request.header("x-got"), "a question");
      assert.equal(request.headers!.getAll("x-added"), ["one", "two"]);
      assert.equal(request.headers!.getAll("x-replaced"), ["new"]);
      assert.is(request.header("x-removed"), null);
      assert.is(request.header("x-other"), "stays");
    },
  },
  {
    part: "headers",
    name: "a header that is not there is none",
    async run(load) {
      const { request } = (await load("headers")).http().requestHeaders({});
      assert.is(request.header("x-got"), "none");
      assert.is(request.header("x-replaced"), "new");
    },
  },
  {
    part: "headers",
    name: "a header of 100 kB comes whole",
    async run(load) {
      const long = "0123456789".repeat(10_000);
      const { request } = (await load("headers")).http().requestHeaders({ "x-asked": long });
      assert.ok(request.header("x-got") === long);
    },
  },
  {
    part: "headers",
    name: "response headers are changed",
    async run(load, guest) {
      const stream = (await load("headers")).http().requestHeaders({});
      stream.responseHeaders({ "x-guest": "old", "x-other": "stays" }, true);
      assert.equal(stream.response.headers!.getAll("x-guest"), [guest]);
      assert.is(stream.response.header("x-other"), "stays");
    },
  },
  {
    part: "body",
    name: "the request body is collected and appended to",
    async run(load) {
      const stream = (await load("body")).http().requestHeaders({ "content-length": "6" }, false);
      assert.is(stream.request.header("content-length"), null);
      stream.requestBody("one", false);
      assert.is(stream.request.text, "");
      stream.requestBody("two", true);
      assert.is(stream.request.text, "onetwo and more");
      assert.ok(stream.request.ended);
    },
  },
  {
    part: "body",
    name: "the response body is appended to",
    async run(load) {
      const stream = (await load("body")).http().requestHeaders({});
      stream.responseHeaders({ "content-length": "5" }).responseBody("hel", false).responseBody("lo", true);
      assert.is(stream.response.header("content-length"), null);
      assert.is(stream.response.text, "hello!");
    },
  },
  {
    part: "callout",
    name: "a call's answer goes into the request",
    async run(load) {
      const filter = await load("callout", { clusters: ["service"] });
      const stream = filter.http().requestHeaders({});
      assert.ok(stream.requestHeld);
      const [call] = filter.calls;
      assert.is(call!.headers.get(":path"), "/check");
      assert.is(call!.headers.get(":authority"), "service");
      assert.is(call!.timeoutMs, 1000);
      call!.respond(200, {}, "approved");
      assert.ok(stream.request.forwarded);
      assert.is(stream.request.header("x-called"), "approved");
    },
  },
  {
    part: "callout",
    name: "a call that is answered with an error",
    async run(load) {
      const filter = await load("callout", { clusters: ["service"] });
      const stream = filter.http().requestHeaders({});
      filter.calls[0]!.respond(500, {}, "broken");
      assert.not.ok(stream.request.forwarded);
      assert.is(stream.local?.status, 403);
      assert.is(stream.response.text, "call failed\n");
    },
  },
  {
    part: "callout",
    name: "a call that fails",
    async run(load) {
      const filter = await load("callout", { clusters: ["service"] });
      const stream = filter.http().requestHeaders({});
      filter.calls[0]!.fail();
      assert.is(stream.local?.status, 403);
      assert.is(stream.response.text, "call failed\n");
      assert.is(filter.failure, null);
    },
  },
  {
    part: "callout",
    name: "a stream that ends before its call",
    async run(load) {
      const filter = await load("callout", { clusters: ["service"] });
      filter.http().requestHeaders({}).finish();
      assert.is(filter.liveStreams, 0);
    },
  },
  {
    part: "property",
    name: "properties are read, set and read back",
    async run(load) {
      const { request } = (await load("property")).http().requestHeaders(REQUEST);
      assert.is(request.header("x-path"), "/a?b=c");
      assert.is(request.header("x-kept"), "kept");
    },
  },
  {
    part: "property",
    name: "a property that is not there",
    async run(load) {
      const { request } = (await load("property")).http().requestHeaders(REQUEST);
      assert.is(request.header("x-absent"), "yes");
    },
  },
  {
    part: "metric",
    name: "metrics are counted",
    async run(load) {
      const filter = await load("metric");
      filter.http().requestHeaders({});
      filter.http().requestHeaders({});
      assert.is(filter.counter("guest_requests"), 4);
      assert.is(filter.counter("guest_level"), 4);
      assert.equal(filter.samples("guest_sizes"), [5, 5]);
    },
  },
  {
    part: "metric",
    name: "metrics are counted and read",
    async run(load) {
      const filter = await load("metric");
      filter.http().requestHeaders({});
      assert.is(filter.http().requestHeaders({}).request.header("x-metrics"), "4 4");
    },
  },
  {
    part: "shared_data",
    name: "shared data by compare and swap",
    async run(load) {
      const filter = await load("shared_data");
      assert.is(filter.http().requestHeaders({}).request.header("x-shared"), "1 refused");
      const other = await load("shared_data", { shared: filter.shared });
      assert.is(other.http().requestHeaders({}).request.header("x-shared"), "2 refused");
      assert.is(filter.http().requestHeaders({}).request.header("x-shared"), "3 refused");
    },
  },
  {
    part: "tick",
    name: "ticks",
    async run(load) {
      const filter = await load("tick");
      assert.is(filter.http().requestHeaders({}).request.header("x-ticks"), "0");
      filter.advance(350);
      assert.is(filter.http().requestHeaders({}).request.header("x-ticks"), "3");
    },
  },
  {
    part: "log",
    name: "log lines of each level, also when all is over",
    async run(load) {
      const filter = await load("log");
      const stream = filter.http().requestHeaders({});
      assert.ok(filter.messages("info").includes("an information"));
      assert.ok(filter.messages("warn").includes("a warning"));
      assert.ok(filter.messages("error").includes("an error"));
      assert.not.ok(filter.messages().includes("the end"));
      stream.responseHeaders({}, true).finish();
      assert.is(filter.messages("info").filter((text) => text === "the end").length, 1);
    },
  },
  {
    part: "reply",
    name: "a local reply",
    async run(load) {
      const stream = (await load("reply")).http().requestHeaders({});
      assert.not.ok(stream.request.forwarded);
      assert.is(stream.local?.status, 403);
      assert.is(stream.response.header("x-why"), "guest");
      assert.is(stream.response.text, "no\n");
    },
  },
  {
    part: "reply",
    name: "a local reply climbs through the guest's own response callbacks",
    async run(load, guest) {
      const stream = (await load("reply")).http().requestHeaders({});
      assert.is(stream.response.header("x-guest"), guest);
    },
  },
  {
    part: "refuse",
    name: "a configuration that is refused",
    async run(load) {
      const filter = await load("refuse");
      assert.not.ok(filter.configured);
    },
  },
  {
    part: "headers",
    name: "contexts go with their streams, and memory stays flat",
    async run(load) {
      const filter = await load("headers");
      const play = (count: number): number => {
        for (let i = 0; i < count; i++) {
          filter.http().requestHeaders(REQUEST).responseHeaders({}, true).finish();
        }
        return filter.memoryBytes;
      };
      const before = play(1500);
      assert.is(play(3000), before);
      assert.is(filter.liveStreams, 0);
      assert.is(filter.failure, null);
      filter.dispose();
      assert.is(filter.liveVms, 0);
    },
  },
];

/** Plays all cases that a guest's SDK can do, with one of its modules. */
export async function playCases(guest: string, file: string): Promise<void> {
  for (const each of GUEST_CASES) {
    if (LACKS[guest]?.[each.name] !== undefined) continue;
    try {
      await each.run(loader(file), guest);
    } catch (error) {
      throw new Error(`${guest}: ${each.name}: ${String(error)}`, { cause: error });
    }
  }
}

function loader(file: string): Load {
  return (part, options = {}) => loadFilter(file, { rootId: "guest", config: part, ...options });
}

/** Makes a test of each case for the committed module of a guest. */
export function testGuest(guest: string): void {
  for (const each of GUEST_CASES) {
    const lack = LACKS[guest]?.[each.name];
    const body = () => each.run(loader(guestFile(guest)), guest);
    if (lack === undefined) test(`${guest}: ${each.name}`, body);
    else {
      test(`${guest}: ${each.name}: not with this SDK (${lack})`, async () => {
        let failed = false;
        await body().catch(() => failed = true);
        assert.ok(failed, "the guest can do what is said to be lacking");
      });
    }
  }
  test.run();
}
