// test/sdk/contexts.test.ts: which filter a module gives, its timers, calls and queues, and other streams.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { SourceFilter } from "./support.ts";

const filter = await SourceFilter.build(`
import {
  Config, HeadersStatus, HttpCall, HttpCallHandler, HttpCallResponse, HttpFilter, HttpFilterOf, LocalResponse, log,
  NetworkFilter, nowMillis, registerHttpFilter, registerHttpFilterWithRoot, registerNetworkFilter, registerService,
  RequestHeaders, RootContext, SharedCounter, SharedQueue, TimerTask,
} from "nuncio/sdk";

class Plain extends HttpFilter {
  onRequestHeaders(headers: RequestHeaders, endOfStream: bool): HeadersStatus {
    headers.set("x-by", "plain");
    return HeadersStatus.Continue;
  }
}
registerHttpFilter<Plain>("plain");

class Tcp extends NetworkFilter {}
registerNetworkFilter<Tcp>("tcp");

class Say extends TimerTask {
  constructor(private readonly text: string, private readonly cancelAfter: i32 = 0) { super(); }
  private runs: i32 = 0;
  run(): void {
    log.info(this.text);
    if (++this.runs == this.cancelAfter) this.cancel();
  }
}
class Timers extends RootContext {
  onConfigure(config: Config): bool {
    this.every(100, new Say("every 100"));
    this.every(30, new Say("every 30, twice", 2));
    this.after(50, new Say("after 50"));
    const never = this.after(60, new Say("never"));
    never.cancel();
    this.setTickPeriod(75);
    return true;
  }
  onTick(): void {
    log.info("tick");
    this.setTickPeriod(0);
  }
}
registerService<Timers>("timers");

/** Holds requests; a timer serves all that wait. */
class HoldRoot extends RootContext {
  waiting: Hold[] = [];
  onConfigure(config: Config): bool {
    this.every(100, new Release(this));
    return true;
  }
}
class Hold extends HttpFilterOf<HoldRoot> {
  onRequestHeaders(headers: RequestHeaders, endOfStream: bool): HeadersStatus {
    this.root.waiting.push(this);
    return HeadersStatus.StopAllIterationAndWatermark;
  }
}
class Release extends TimerTask {
  constructor(private readonly root: HoldRoot) { super(); }
  run(): void {
    for (let i = 0; i < this.root.waiting.length; ++i) {
      const hold = this.root.waiting[i];
      if (!hold.alive) log.info("gone");
      else if (hold.requestHeaders.path == "/deny") { hold.reply(new LocalResponse(403, "late")); continue; }
      else hold.requestHeaders.set("x-waited", "yes");
      hold.resumeRequest();
    }
    this.root.waiting = [];
  }
}
registerHttpFilterWithRoot<Hold, HoldRoot>("hold");

class Answer extends HttpCallHandler {
  onResponse(response: HttpCallResponse): void {
    log.info("answer " + response.status.toString() + " " + response.body.text() + " " +
      response.trailers.getOr("x-t", "none"));
  }
  onFailure(): void { log.info("failure " + this.failureReason); }
}
class Caller extends RootContext {
  onConfigure(config: Config): bool {
    const call = new HttpCall("svc", "POST", "/p?q", "svc.test").header("x-a", "1").trailer("x-t", "2").text("body");
    return call.timeout(250).send(new Answer());
  }
}
registerService<Caller>("caller");

class Queue extends RootContext {
  private counter: SharedCounter = new SharedCounter("popped");
  onConfigure(config: Config): bool {
    const queue = SharedQueue.register("work");
    if (queue === null) return false;
    if (SharedQueue.resolve("", "nothing") !== null) return this.refuse("found a queue that is not there");
    queue.pushText("first");
    queue.pushText("second");
    return true;
  }
  onQueueReady(queue: SharedQueue): void {
    const item = queue.pop();
    log.info(item !== null ? String.UTF8.decode(item) : "empty");
    log.info("popped " + this.counter.add(1).toString() + " " + this.counter.value.toString());
  }
}
registerService<Queue>("queue");

class Broken extends RootContext {
  onConfigure(config: Config): bool {
    const list: i32[] = [];
    return list[7] == 0;
  }
}
registerService<Broken>("broken");
`);
test.after(() => filter.dispose());

test("root_id picks the filter", async () => {
  const host = await filter.load({ rootId: "plain" });
  assert.is(host.http().requestHeaders({}).request.header("x-by"), "plain");
});

test("a root_id that the module does not have is refused, and the known ones are named", async () => {
  const host = await filter.load({ rootId: "other" });
  assert.not(host.configured);
  assert.match(
    host.refusal,
    /root_id "other" is not registered in this module, which has "plain", "tcp"/,
  );
});

test("a filter of the wrong kind says so", async () => {
  const tcp = await filter.load({ rootId: "tcp" });
  assert.is(tcp.http().requestHeaders({}).local?.status, 503);
  assert.match(tcp.failure?.notes?.[0] ?? "", "this is a network filter, configured as an HTTP filter");
  const plain = await filter.load({ rootId: "plain" });
  assert.ok(plain.tcp().closed);
  assert.match(plain.failure?.notes?.[0] ?? "", "this is an HTTP filter, configured as a network filter");
  const service = await filter.load({ rootId: "timers" });
  assert.is(service.http().requestHeaders({}).local?.status, 503);
  assert.match(service.failure?.notes?.[0] ?? "", "this plugin is a service");
});

test("an abort says what and where", async () => {
  const host = await filter.load({ rootId: "broken" });
  assert.not(host.configured);
  assert.match(host.messages("critical").join("\n"), /abort: Index out of range at ~lib\/array\.ts:\d+:\d+/);
});

test("any number of timers share the one tick", async () => {
  const host = await filter.load({ rootId: "timers" });
  const at: string[] = [];
  let seen = 0;
  for (let ms = 1; ms <= 310; ms++) {
    host.advance(1);
    for (const text of host.messages("info").slice(seen)) at.push(`${ms} ${text}`);
    seen = host.messages("info").length;
  }
  assert.equal(at, [
    "30 every 30, twice",
    "50 after 50",
    "60 every 30, twice",
    "75 tick",
    "100 every 100",
    "200 every 100",
    "300 every 100",
  ]);
});

test("a timer serves streams that wait, and does nothing to those that are gone", async () => {
  const host = await filter.load({ rootId: "hold" });
  const [a, gone, denied, b] = ["/a", "/gone", "/deny", "/b"].map((path) =>
    host.http().requestHeaders({ ":path": path })
  );
  assert.ok(a!.requestHeld);
  gone!.finish();
  host.advance(100);
  assert.is(a!.request.header("x-waited"), "yes");
  assert.ok(a!.request.forwarded);
  assert.ok(b!.request.forwarded);
  assert.is(denied!.local?.status, 403);
  assert.not(denied!.request.forwarded);
  assert.equal(host.messages("info"), ["gone"]);
  assert.is(host.failure, null);
});

test("calls carry everything, and their answers come back", async () => {
  const host = await filter.load({ rootId: "caller", clusters: ["svc"] });
  const call = host.calls[0]!;
  assert.equal(call.headers.entries(), [
    [":authority", "svc.test"],
    [":path", "/p?q"],
    [":method", "POST"],
    ["x-a", "1"],
  ]);
  assert.equal(call.trailers.entries(), [["x-t", "2"]]);
  assert.is(call.text, "body");
  assert.is(call.timeoutMs, 250);
  call.respond(201, {}, "done", { "x-t": "end" });
  assert.equal(host.messages("info"), ["answer 201 done end"]);
});

test("a call that fails says why", async () => {
  const host = await filter.load({ rootId: "caller", clusters: ["svc"] });
  host.advance(250);
  assert.equal(host.messages("info"), ["failure timeout"]);
  const none = await filter.load({ rootId: "caller" });
  assert.not(none.configured, "send() is false without the cluster");
});

test("queues and counters in shared data", async () => {
  const host = await filter.load({ rootId: "queue" });
  host.advance(0);
  assert.equal(host.messages("info"), ["first", "popped 1 1", "second", "popped 2 2"]);
});

test("nothing is left when the plugin ends", async () => {
  const host = await filter.load({ rootId: "hold" });
  host.http().requestHeaders({}).finish();
  host.dispose();
  assert.is(host.liveVms, 0);
});

test.run();
