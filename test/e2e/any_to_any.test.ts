// test/e2e/any_to_any.test.ts: messages that take their time, HTTP/1 and HTTP/2 on both sides, in all four directions.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Call, Client, Upstream, type Version, type Visit } from "../support/calls.ts";
import { type Embedded, startEmbedded } from "../support/embedded.ts";
import { webConfig } from "./support.ts";

const DIRECTIONS: readonly (readonly [down: Version, up: Version])[] = [[1, 1], [1, 2], [2, 1], [2, 2]];
const LARGE = 3_000_000;

/** Bytes that tell when one is missing, doubled or out of order. */
const large: string = Buffer.from(Uint8Array.from({ length: LARGE }, (_, i) => (i * 31 + (i >> 8)) & 255))
  .toString("latin1");

function cluster(version: Version): unknown {
  const options = version === 1 ? { http_protocol_options: { enable_trailers: true } } : { http2_protocol_options: {} };
  return {
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        explicit_http_config: options,
      },
    },
  };
}

/** What the upstream waits for and tells of. */
class Script {
  /** Settled by the test: the upstream goes on. */
  next: () => void = () => {};
  readonly seen: string[] = [];
  #onSeen = (): void => {};

  wait(): Promise<void> {
    return new Promise((resolve) => this.next = resolve);
  }

  note(what: string): void {
    this.seen.push(what);
    this.#onSeen();
  }

  async until(what: string): Promise<void> {
    while (!this.seen.includes(what)) await new Promise<void>((resolve) => this.#onSeen = resolve);
  }
}

async function serve(visit: Visit, script: Script): Promise<void> {
  switch (visit.path) {
    // As it comes.
    case "/echo":
      visit.respond(200, { trailer: "x-down" });
      for await (const chunk of visit.chunks()) visit.send(chunk);
      return visit.end({ "x-down": `after ${visit.trailer("x-up")}` });
    // Only when the request is over.
    case "/after": {
      let length = 0;
      for await (const chunk of visit.chunks()) length += chunk.length;
      script.note("request over");
      await script.wait();
      visit.respond(200, { "content-type": "text/plain" });
      visit.send(String(length));
      return visit.end();
    }
    case "/events":
      visit.respond(200, { "content-type": "text/event-stream" });
      for (let i = 1; i <= 5; i++) {
        visit.send(`data: ${i}\n\n`);
        await script.wait();
      }
      return visit.end();
    case "/hold":
      visit.respond(200, {});
      visit.send("begun");
      script.note("held");
      for await (const _ of visit.chunks());
      return script.note("gone");
    case "/reset":
      visit.respond(200, {});
      visit.send("begun");
      await script.wait();
      return visit.reset();
    default:
      for await (const _ of visit.chunks());
      visit.respond(200, { "x-path": visit.path });
      visit.send(visit.path.repeat(1000));
      visit.end();
  }
}

/** One direction: both peers and the proxy between them. */
class Setting {
  readonly script: Script;
  readonly client: Client;
  readonly proxy: Embedded;
  readonly #upstream: Upstream;

  private constructor(script: Script, client: Client, proxy: Embedded, upstream: Upstream) {
    this.script = script;
    this.client = client;
    this.proxy = proxy;
    this.#upstream = upstream;
  }

  static async start(down: Version, up: Version): Promise<Setting> {
    const script = new Script();
    const upstream = await Upstream.start(up, (visit) => serve(visit, script));
    const proxy = await startEmbedded(webConfig({
      port: 0,
      upstreamPort: upstream.port,
      cluster: cluster(up) as Record<string, unknown>,
      http: { http_protocol_options: { enable_trailers: true } },
    }));
    return new Setting(script, await Client.connect(down, proxy.port("web")), proxy, upstream);
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.proxy.stop();
    await this.#upstream.stop();
  }
}

/** Ends a call's request without a body. */
function ask(client: Client, path: string): Call {
  const call = client.call("POST", path);
  call.end();
  return call;
}

for (const [down, up] of DIRECTIONS) {
  let setting: Setting;
  test(`HTTP/${down} to HTTP/${up}: large bodies both ways at once, and trailers`, async () => {
    setting = await Setting.start(down, up);
    const { client } = setting;
    const call = client.call("POST", "/echo", { te: "trailers" });
    call.send(large);
    call.end({ "x-up": "up" });
    assert.is(await call.status(), 200);
    assert.ok(await call.rest() === large);
    assert.ok(call.complete);
    assert.is(call.trailer("x-down"), "after up");
  });

  test(`HTTP/${down} to HTTP/${up}: a conversation, each word after the one before`, async () => {
    const { client } = setting;
    const call = client.call("POST", "/echo");
    assert.is(await call.status(), 200, "the response begins before the request ends");
    for (const word of ["one", "two", "three"]) {
      call.send(word);
      assert.is(await call.read(word.length), word);
    }
    call.end();
    assert.is(await call.rest(), "");
    assert.ok(call.complete);
  });

  test(`HTTP/${down} to HTTP/${up}: the client's end comes through while the response waits`, async () => {
    const { client, script } = setting;
    const call = client.call("POST", "/after");
    call.send("12345");
    call.end();
    await script.until("request over");
    script.next();
    assert.is(await call.rest(), "5");
  });

  test(`HTTP/${down} to HTTP/${up}: events are not held back`, async () => {
    const { client, script } = setting;
    const call = ask(client, "/events");
    for (let i = 1; i <= 5; i++) {
      assert.is(await call.read(9), `data: ${i}\n\n`);
      script.next();
    }
    assert.is(await call.rest(), "");
    assert.ok(call.complete);
  });

  test(`HTTP/${down} to HTTP/${up}: many at once`, async () => {
    const { client } = setting;
    const bodies = await Promise.all(Array.from({ length: 30 }, (_, i) => ask(client, `/${i}`).rest()));
    assert.equal(bodies, Array.from({ length: 30 }, (_, i) => `/${i}`.repeat(1000)));
  });

  test(`HTTP/${down} to HTTP/${up}: who drops a stream drops it on the other side, and nothing else`, async () => {
    const { client, script, proxy } = setting;
    const held = client.call("POST", "/hold");
    assert.is(await held.read(5), "begun");
    held.reset();
    await script.until("gone");

    const reset = ask(client, "/reset");
    assert.is(await reset.read(5), "begun");
    script.next();
    assert.is(await reset.rest(), "");
    assert.not(reset.complete);

    assert.is(await ask(client, "/well").rest(), "/well".repeat(1000));
    if (up === 2) assert.is(proxy.stat("cluster.upstream.upstream_cx_http2_total"), 1);
    if (down === 2) assert.is(proxy.stat("http.web.downstream_cx_http2_total"), 1);

    client.close();
    await proxy.statIs("http.web.downstream_rq_active", 0);
    await proxy.statIs("cluster.upstream.upstream_rq_active", 0);
    await proxy.statIs("http.web.downstream_cx_active", 0);
    assert.is(proxy.stat("server.nuncio_bug"), 0);
    await setting.stop();
  });
}

test.run();
