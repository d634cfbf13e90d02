// test/host/admin/admin.test.ts: the admin port itself: routes, methods, guards, failures.
import { mkdtempSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { AdminServer } from "../../../host/admin/admin.ts";
import { COMMANDS } from "../../../host/admin/commands.ts";
import { FakeServer, withAdmin } from "./fake_view.ts";

test("headers of every answer", () =>
  withAdmin(async ({ get }) => {
    const { status, headers } = await get("/ready");
    assert.is(status, 200);
    assert.is(headers["content-type"], "text/plain; charset=UTF-8");
    assert.is(headers["cache-control"], "no-cache, max-age=0");
    assert.is(headers["x-content-type-options"], "nosniff");
    assert.is(headers["server"], "envoy");
  }));

test("an unknown path lists the commands", () =>
  withAdmin(async ({ get, post }) => {
    for (const answer of [await get("/nope"), await get("/ready/"), await post("/statsx")]) {
      assert.is(answer.status, 404);
      assert.ok(
        answer.body.startsWith(
          "invalid path. admin commands are:\n  /: Admin home page\n  /certs: print certs on machine\n",
        ),
      );
    }
  }));

test("what changes something is POST only", () =>
  withAdmin(async ({ get, send, server }) => {
    for (const { path } of COMMANDS.filter((command) => command.mutates)) {
      const answer = await get(path);
      assert.is(answer.status, 405, path);
      assert.is(answer.body, "Method GET not allowed, POST required.");
    }
    assert.is((await send("PUT", "/quitquitquit")).body, "Method PUT not allowed, POST required.");
    assert.equal(server.calls, []);
  }));

test("pages that only show take POST and HEAD too", () =>
  withAdmin(async ({ post, send }) => {
    assert.is((await post("/ready")).body, "LIVE\n");
    const head = await send("HEAD", "/ready");
    assert.equal([head.status, head.body], [200, ""]);
  }));

test("DNS rebinding: on a loopback address only addresses and localhost are names of this machine", () =>
  withAdmin(async ({ get, port }) => {
    const statusOf = async (host: string): Promise<number> => (await get("/ready", { host })).status;
    for (const host of [`127.0.0.1:${port}`, "localhost", "admin.localhost:1", "[::1]:9901", "Proxy.Example:80"]) {
      assert.is(await statusOf(host), 200, host);
    }
    for (const host of ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80"]) {
      assert.is(await statusOf(host), 403, host);
    }
  }, { allowedHosts: ["proxy.example"] }));

test("a page of another origin can do nothing", () =>
  withAdmin(async ({ post, server, port }) => {
    for (
      const origin of ["http://evil.example", "null", `https://127.0.0.1:${port}@evil.example`, "http://127.0.0.1"]
    ) {
      const answer = await post("/quitquitquit", "", { origin });
      assert.is(answer.status, 403, origin);
      assert.is(answer.body, `origin not allowed: "${origin}"\n`);
    }
    assert.equal(server.calls, []);
    assert.is((await post("/quitquitquit", "", { origin: `http://127.0.0.1:${port}` })).status, 200);
  }));

test("quitquitquit answers before it acts", () =>
  withAdmin(async ({ post, server }) => {
    const answer = await post("/quitquitquit");
    assert.is(answer.body, "OK\n");
    assert.equal(server.calls, ["quit"]);
  }));

test("a handler that fails is a 500, said in the log", () =>
  withAdmin(async ({ get, server }) => {
    server.broken = true;
    const answer = await get("/clusters");
    assert.equal([answer.status, answer.body], [500, "internal error; the log says more\n"]);
    const line = JSON.parse(server.lines[0]!);
    assert.equal([line.level, line.msg, line.path, line.err.message], [
      "error",
      "admin command failed",
      "/clusters",
      "worker gone",
    ]);
  }));

test("commands that change something are logged", () =>
  withAdmin(async ({ post, server }) => {
    await post("/reset_counters?a=b%0Ac");
    assert.equal(server.lines.map((line) => JSON.parse(line).msg), ["admin command"]);
    assert.is(server.lines[0]!.split("\n").length, 2);
  }));

test("a form that is too large is refused", () =>
  withAdmin(async ({ post }) => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    assert.is((await post("/logging", "level=" + "x".repeat(70_000), headers)).status, 413);
  }));

test("the port counts like a connection manager", () =>
  withAdmin(async ({ get, server }) => {
    await get("/ready");
    await get("/nope");
    const value = (name: string): number | null => server.stats.valueOf(`http.admin.${name}`);
    assert.equal(["downstream_rq_total", "downstream_rq_2xx", "downstream_rq_4xx"].map(value), [2, 1, 1]);
    assert.is(value("downstream_cx_total"), 2);
  }));

test("a port that is taken is said, not thrown", () =>
  withAdmin(async ({ port, server }) => {
    const second = new AdminServer({ view: new FakeServer(), logger: server.logs.logger("admin") });
    assert.equal(await second.listen({ host: "127.0.0.1", port }), {
      ok: false,
      message: `cannot listen on 127.0.0.1:${port}: the address is in use`,
    });
  }));

test("a unix socket", async () => {
  const server = new FakeServer();
  const admin = new AdminServer({ view: server, logger: server.logs.logger("admin") });
  const path = join(mkdtempSync(join(tmpdir(), "nuncio-admin-")), "admin.sock");
  assert.equal(await admin.listen({ path }), { ok: true, address: path });
  const status = await new Promise((resolve) => {
    request({ socketPath: path, path: "/ready", headers: { host: "any.name" } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).end();
  });
  assert.is(status, 200);
  await admin.close();
});

test("the index page has a form for every command", () =>
  withAdmin(async ({ get }) => {
    const { headers, body } = await get("/");
    assert.is(headers["content-type"], "text/html; charset=UTF-8");
    for (const { path, mutates } of COMMANDS.slice(1)) {
      const name = path.slice(1);
      assert.ok(mutates ? body.includes(`<form action='${name}' method='post'`) : body.includes(`'${name}'`), path);
    }
    assert.ok(body.includes("&lt;logger_name1&gt;"));
  }));

test("help", () =>
  withAdmin(async ({ get }) => {
    const { body } = await get("/help");
    assert.ok(
      body.includes("\n  /drain_listeners (POST): drain listeners\n      graceful: When draining listeners, enter"),
    );
    assert.ok(
      body.includes("\n  /listeners: print listener info\n      format: File format to use; One of (text, json)\n"),
    );
  }));

test.run();
