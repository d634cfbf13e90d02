// test/host/net/fetch.test.ts: requests outside of the data plane: redirects, limits, peers that are refused.
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createFetcher, mayServeMetadata } from "../../../host/net/fetch.ts";

const seen: { url: string; method: string; authorization: string | undefined; body: string }[] = [];
const other = createServer((request, response) => {
  seen.push({
    url: `other${request.url}`,
    method: request.method!,
    authorization: request.headers.authorization,
    body: "",
  });
  response.end("elsewhere");
});
const server = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  seen.push({ url: request.url!, method: request.method!, authorization: request.headers.authorization, body });
  switch (request.url) {
    case "/hello":
      return response.writeHead(200, { "X-Test": ["a", "b"] }).end("hello");
    case "/loop":
      return response.writeHead(302, { location: "/loop" }).end();
    case "/moved":
      return response.writeHead(303, { location: "/hello" }).end();
    case "/away":
      return response.writeHead(307, { location: `http://127.0.0.1:${(other.address() as AddressInfo).port}/x` }).end();
    case "/large":
      return response.end(new Uint8Array(100_000));
    case "/never":
      return;
    default:
      return response.writeHead(404).end("no");
  }
});
await Promise.all([server, other].map((each) => new Promise<void>((resolve) => each.listen(0, "127.0.0.1", resolve))));
const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const fetcher = createFetcher();
const LIMITS = { timeoutMs: 5000, limitBytes: 50_000 };

test("an answer is a value, whatever its status", async () => {
  const result = await fetcher.fetch({ url: `${base}/hello`, ...LIMITS });
  assert.ok(result.ok);
  if (!result.ok) return;
  assert.is(result.status, 200);
  assert.is(new TextDecoder().decode(result.body), "hello");
  assert.is(result.headers.get("x-test"), "a, b");
  const missing = await fetcher.fetch({ url: `${base}/x`, ...LIMITS });
  assert.is(missing.ok && missing.status, 404);
});

test("any time limit", async () => {
  for (const timeoutMs of [5000.25, 1e12, Infinity]) {
    const result = await fetcher.fetch({ url: `${base}/hello`, ...LIMITS, timeoutMs });
    assert.is(result.ok && result.status, 200);
  }
});

test("redirects: followed as often as allowed; secrets stay with their origin", async () => {
  seen.length = 0;
  const loop = await fetcher.fetch({ url: `${base}/loop`, maxRedirects: 2, ...LIMITS });
  assert.is(loop.ok && loop.status, 302);
  assert.is(seen.length, 3);
  seen.length = 0;
  const moved = await fetcher.fetch({
    url: `${base}/moved`,
    method: "POST",
    body: "data",
    headers: { authorization: "secret" },
    maxRedirects: 3,
    ...LIMITS,
  });
  assert.is(moved.ok && moved.url, `${base}/hello`);
  assert.equal(seen.map((each) => [each.method, each.url, each.body, each.authorization]), [
    ["POST", "/moved", "data", "secret"],
    ["GET", "/hello", "", "secret"],
  ]);
  seen.length = 0;
  await fetcher.fetch({ url: `${base}/away`, headers: { Authorization: "secret" }, maxRedirects: 1, ...LIMITS });
  assert.equal(seen.map((each) => [each.url, each.authorization]), [["/away", "secret"], ["other/x", undefined]]);
});

test("connections go where they are told, requests name the URL's host", async () => {
  const told = createFetcher({ connectTo: { address: "localhost", port: (server.address() as AddressInfo).port } });
  const result = await told.fetch({ url: "http://modules.example:81/hello", ...LIMITS });
  assert.is(result.ok && result.status, 200);
  await told.close();
});

test("TLS asks for the URL's name, and for HTTP/1.1", async () => {
  let hello = "";
  const tls = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (data: Uint8Array) => {
      hello = new TextDecoder("latin1").decode(data);
      socket.destroy();
    });
  });
  await new Promise<void>((resolve) => tls.listen(0, "127.0.0.1", resolve));
  const told = createFetcher({ connectTo: { address: "127.0.0.1", port: (tls.address() as AddressInfo).port } });
  const result = await told.fetch({ url: "https://modules.example/hello", ...LIMITS });
  assert.is(result.ok, false);
  assert.match(hello, "modules.example");
  assert.not.match(hello, "\x02h2");
  await told.close();
  tls.close();
});

test("where clouds serve credentials", () => {
  for (
    const address of [
      "169.254.169.254",
      "::ffff:169.254.1.1",
      "fe80::1%eth0",
      "febf::1",
      "fd00:ec2::254",
      "100.100.100.200",
    ]
  ) {
    assert.ok(mayServeMetadata(address), address);
  }
  for (
    const address of [
      "127.0.0.1",
      "10.0.0.1",
      "169.253.0.1",
      "::1",
      "fec0::1",
      "fd00:ec2::253",
      "::ffff:127.0.0.1",
      "",
      "x",
    ]
  ) {
    assert.not.ok(mayServeMetadata(address), address);
  }
});

test("nothing is sent to a peer that is refused", async () => {
  const peers: string[] = [];
  const careful = createFetcher({ refusePeer: (address) => peers.push(address) > 1 });
  const url = base.replace("127.0.0.1", "localhost");
  const one = await careful.fetch({ url: `${url}/hello`, ...LIMITS });
  assert.is(one.ok && one.status, 200);
  seen.length = 0;
  // A connection of its own.
  const two = await careful.fetch({ url: `${base}/hello`, ...LIMITS });
  assert.match(two.ok ? "" : two.message, "127.0.0.1 has the address 127.0.0.1, which nothing is fetched from");
  assert.equal([peers, seen], [["127.0.0.1", "127.0.0.1"], []]);
  await careful.close();
});

test("limits: size, time, patience; and what cannot work", async () => {
  const failure = async (options: Parameters<typeof fetcher.fetch>[0]): Promise<string> => {
    const result = await fetcher.fetch(options);
    return result.ok ? "ok" : result.reason;
  };
  assert.is(await failure({ url: `${base}/large`, ...LIMITS }), "too_large");
  assert.is(await failure({ url: `${base}/never`, timeoutMs: 50, limitBytes: 1 }), "timeout");
  const controller = new AbortController();
  const aborted = failure({ url: `${base}/never`, signal: controller.signal, ...LIMITS });
  controller.abort();
  assert.is(await aborted, "aborted");
  assert.is(await failure({ url: "http://127.0.0.1:1/", ...LIMITS }), "failed");
  assert.is(await failure({ url: "no url", ...LIMITS }), "failed");
});

test.after(async () => {
  await fetcher.close();
  server.closeAllConnections();
  server.close();
  other.closeAllConnections();
  other.close();
});
test.run();
