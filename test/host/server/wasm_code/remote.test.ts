// test/host/server/wasm_code/remote.test.ts: modules on HTTP servers, good and hostile.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { describeSource } from "../../../../host/server/wasm_code/mod.ts";
import { clusterPlan, CodeWorld, httpPlan, MODULE, sha256, TestServer, utf8 } from "./support.ts";

const RETRIES = { retries: 2, baseMs: 100, maxMs: 1000 };

async function withServer(run: (server: TestServer, uri: string) => Promise<void>): Promise<void> {
  const server = await TestServer.start((_request, response) => void response.end(MODULE));
  try {
    await run(server, `http://${server.host}/guard.wasm`);
  } finally {
    await server.stop();
  }
}

test("a module straight from the host of its URI", async () => {
  await withServer(async (server, uri) => {
    const world = new CodeWorld();
    const loaded = await world.load(httpPlan(`${uri}?version=1`));
    assert.ok(loaded.ok);
    assert.equal(loaded.ok && [...loaded.code.bytes], [...MODULE]);
    assert.is(loaded.ok && loaded.code.imageDigest, null);
    assert.equal(server.requests, ["GET /guard.wasm?version=1"]);
    assert.is(server.heads[0]!.host, server.host);
    assert.match(world.log, "wasm code was fetched");
    assert.equal(world.code.counts, { cacheHits: 0, cacheMisses: 1, fetchSuccesses: 1, fetchFailures: 0 });
  });
});

test("through a cluster: its host is dialled, the URI's is asked for; hosts take turns, those that are down do not", async () => {
  await withServer(async (server) => {
    const world = new CodeWorld();
    const taken = { address: "127.0.0.1", port: server.port };
    const plan = httpPlan("http://modules.example:81/a.wasm", { cluster: "store", retry: RETRIES });
    const clusters = [
      clusterPlan("other", { address: "127.0.0.1", port: 1 }),
      clusterPlan(
        "store",
        { ...taken, priority: 1 },
        { address: "127.0.0.1", port: 1, health: "UNHEALTHY" },
        { address: "127.0.0.1", port: 1 },
      ),
    ];
    assert.equal([...await world.bytes(plan, clusters)], [...MODULE]);
    assert.equal(server.requests, ["GET /a.wasm"]);
    assert.is(server.heads[0]!.host, "modules.example:81");
    // The first one, of priority 0, was not there.
    assert.is(world.waits.length, 1);
    assert.equal(world.code.counts, { cacheHits: 0, cacheMisses: 1, fetchSuccesses: 1, fetchFailures: 1 });
    assert.match(await world.failure(plan, [clusterPlan("store")]), "cluster 'store' has no host that is up");
  });
});

test("through a cluster of a unix socket", async () => {
  const { createServer } = await import("node:http");
  const folder = mkdtempSync(join(tmpdir(), "nuncio-code-"));
  const path = join(folder, "store.sock");
  const server = createServer((request, response) =>
    void response.end(request.headers.host === "a.example" ? MODULE : "")
  );
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    const plan = httpPlan("http://a.example/a.wasm", { cluster: "store" });
    const clusters = [clusterPlan("store", { address: path, port: 0 })];
    assert.equal([...await new CodeWorld().bytes(plan, clusters)], [...MODULE]);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  }
});

test("user and password of a URI are sent, and never shown", async () => {
  await withServer(async (server) => {
    const world = new CodeWorld();
    const plan = httpPlan(`http://me:p%40ss@${server.host}/a.wasm?sig=secret&x=1`);
    await world.bytes(plan);
    assert.is(server.heads[0]!.authorization, `Basic ${btoa("me:p@ss")}`);
    assert.is(server.heads[0]!.host, server.host);
    assert.is(describeSource(plan), `http://***@${server.host}/a.wasm?sig=***&x=***`);
    server.handle = (_request, response) => void response.writeHead(500).end();
    const message = await world.failure(plan);
    for (const text of [world.log, message]) {
      for (const secret of ["p%40ss", "p@ss", "secret"]) assert.not.match(text, secret);
    }
  });
});

test("what is not answered with 200 and the right content, and how often it is asked for", async () => {
  await withServer(async (server, uri) => {
    const cases: [Parameters<typeof server.handle>[1] extends infer R ? (response: R) => void : never, string][] = [
      [(response) => void response.writeHead(404).end("no"), "the server answers 404: expected 200"],
      [(response) => void response.writeHead(206).end(MODULE), "the server answers 206: expected 200"],
      [(response) => void response.end(), "nothing in it"],
      [
        (response) => void response.end("other"),
        `(5 bytes) has the SHA-256 ${sha256("other")}: expected ${sha256(MODULE)}`,
      ],
      [(response) => void response.destroy(), ""],
      [(response) => void response.writeHead(302, { location: "/elsewhere" }).end(), "redirects are not followed"],
      [
        (response) => {
          response.writeHead(200, { "content-length": MODULE.length + 10 }).write(MODULE);
          response.destroy();
        },
        "",
      ],
    ];
    for (const [answer, text] of cases) {
      server.requests.length = 0;
      server.handle = (_request, response) => answer(response);
      const world = new CodeWorld();
      const message = await world.failure(httpPlan(uri, { retry: RETRIES }));
      assert.match(message, `${uri} cannot be fetched: `);
      assert.match(message, text);
      assert.is(server.requests.length, 3, text);
      assert.ok(server.requests.every((each) => each === "GET /guard.wasm"));
      assert.ok(world.waits[0]! < 100 && world.waits[1]! < 200);
      assert.is(world.clock.armedTimers, 0);
    }
  });
});

test("a server that recovers", async () => {
  await withServer(async (server, uri) => {
    server.handle = (_request, response) => {
      if (server.requests.length < 3) response.writeHead(503).end();
      else response.end(MODULE);
    };
    const world = new CodeWorld();
    assert.equal([...await world.bytes(httpPlan(uri, { retry: RETRIES }))], [...MODULE]);
    assert.is(world.waits.length, 2);
    assert.match(world.log, "could not be fetched: it is tried again");
  });
});

test("a body without end is cut off at the limit, once", async () => {
  await withServer(async (server, uri) => {
    let sent = 0;
    server.handle = (_request, response) => {
      const chunk = new Uint8Array(64 * 1024);
      const more = (): void => {
        while (!response.destroyed && sent < 1e9) {
          sent += chunk.length;
          if (!response.write(chunk)) return void response.once("drain", more);
        }
      };
      more();
    };
    const world = new CodeWorld({ settings: { limitBytes: 1024 * 1024 } });
    assert.match(await world.failure(httpPlan(uri, { retry: RETRIES })), "larger than 1048576 bytes");
    assert.is(server.requests.length, 1);
    assert.ok(sent < 64 * 1024 * 1024);
  });
});

test("an answer that does not come in time, or never ends", async () => {
  await withServer(async (server, uri) => {
    server.handle = () => {};
    assert.match(await new CodeWorld().failure(httpPlan(uri, { timeoutMs: 30 })), "no answer within 30 ms");
    server.handle = (_request, response) => void response.write(MODULE);
    assert.match(await new CodeWorld().failure(httpPlan(uri, { timeoutMs: 30 })), "no answer within 30 ms");
  });
});

test("no limit of time: 0", async () => {
  await withServer(async (_server, uri) => {
    assert.equal([...await new CodeWorld().bytes(httpPlan(uri, { timeoutMs: 0 }))], [...MODULE]);
    assert.equal([...await new CodeWorld().bytes(httpPlan(uri, { timeoutMs: 4_294_967_295_000 }))], [...MODULE]);
  });
});

test("plugins with the same code fetch it once", async () => {
  await withServer(async (server, uri) => {
    const world = new CodeWorld();
    const all = await Promise.all(
      [httpPlan(uri), httpPlan(uri), httpPlan(`${uri}?other`)].map((plan) => world.load(plan)),
    );
    assert.ok(all.every((each) => each.ok));
    assert.is(server.requests.length, 2);
    // Nothing is kept without a folder: the next load asks again.
    await world.load(httpPlan(uri));
    assert.is(server.requests.length, 3);
  });
});

test("what was fetched once needs no server", async () => {
  const folder = mkdtempSync(join(tmpdir(), "nuncio-code-"));
  try {
    await withServer(async (server, uri) => {
      await new CodeWorld({ settings: { cacheFolder: folder } }).bytes(httpPlan(uri));
      server.handle = (_request, response) => void response.writeHead(500).end();
      const world = new CodeWorld({ settings: { cacheFolder: folder } });
      assert.equal([...await world.bytes(httpPlan(uri))], [...MODULE]);
      assert.is(server.requests.length, 1);
      assert.equal(world.code.counts, { cacheHits: 1, cacheMisses: 0, fetchSuccesses: 0, fetchFailures: 0 });
      // Content that was wrong is not kept.
      const wrong = httpPlan(uri, { sha256: sha256("other") });
      server.handle = (_request, response) => void response.end("another");
      await world.failure(wrong);
      server.handle = (_request, response) => void response.end("other");
      assert.equal([...await world.bytes(wrong)], [...utf8("other")]);
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the end of the process ends fetches and waits", async () => {
  await withServer(async (server, uri) => {
    const world = new CodeWorld({ skipsWaits: false });
    server.handle = () => world.code.close();
    assert.match(await world.failure(httpPlan(uri, { retry: RETRIES })), "given up");
    const waiting = new CodeWorld({ skipsWaits: false });
    server.handle = (_request, response) => {
      response.writeHead(500).end();
      // The wait begins behind the answer.
      const look = (): void => waiting.waits.length > 0 ? waiting.code.close() : void setTimeout(look, 1);
      look();
    };
    assert.match(await waiting.failure(httpPlan(uri, { retry: RETRIES })), "answers 500");
    assert.is(waiting.clock.armedTimers, 0);
  });
});

test.run();
