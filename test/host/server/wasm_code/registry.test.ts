// test/host/server/wasm_code/registry.test.ts: credentials, tokens and redirects of registries.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CodeWorld, type CodeWorldOptions, MODULE, ociPlan, RAW_LAYER, Shelf, TestServer } from "./support.ts";

interface Registry {
  readonly shelf: Shelf;
  readonly server: TestServer;
  readonly uri: string;
  /** With a docker configuration that has this for the registry. */
  world(entry?: object, more?: object): CodeWorld;
}

async function withRegistry(run: (registry: Registry) => Promise<void>): Promise<void> {
  const shelf = new Shelf();
  shelf.image(MODULE, RAW_LAYER, "latest");
  const server = await TestServer.start((request, response) => shelf.serve(request, response));
  const world = (entry: object = {}, more: object = {}) => {
    const config = JSON.stringify({ auths: { [server.host]: entry }, ...more });
    const options: CodeWorldOptions = { env: { DOCKER_CONFIG: "/docker" }, files: { "/docker/config.json": config } };
    return new CodeWorld(options);
  };
  try {
    await run({ shelf, server, uri: `oci://${server.host}/team/guard`, world });
  } finally {
    await server.stop();
  }
}

const LOGIN = { auth: btoa("me:p:w") };
const BASIC = `Basic ${btoa("me:p:w")}`;

/** Asks for a token of the server itself, and gives it to who passes `allow`. */
function tokenAuthentication(
  registry: Registry,
  allow: (request: { method: string; url: URL; head: string; body: string }) => boolean,
): void {
  registry.server.handle = (request, response, body) => {
    const url = new URL(request.url!, `http://${registry.server.host}`);
    if (url.pathname === "/token") {
      const head = request.headers.authorization ?? "";
      if (allow({ method: request.method!, url, head, body })) response.end(JSON.stringify({ token: "t.o.k" }));
      else response.writeHead(401).end();
    } else if (request.headers.authorization === "Bearer t.o.k") registry.shelf.serve(request, response);
    else {
      response.writeHead(401, {
        "www-authenticate":
          `Bearer realm="http://${registry.server.host}/token?x=1",service="the registry",scope="repository:team/guard:pull"`,
      }).end(JSON.stringify({ errors: [{ code: "UNAUTHORIZED", message: "authentication required" }] }));
    }
  };
}

test("a token for nobody", async () => {
  await withRegistry(async (registry) => {
    const asked: [string, string][] = [];
    tokenAuthentication(registry, ({ url, head }) => asked.push([url.search, head]) > 0);
    const world = registry.world();
    assert.equal([...await world.bytes(ociPlan(registry.uri))], [...MODULE]);
    assert.equal(asked, [["?x=1&service=the+registry&scope=repository%3Ateam%2Fguard%3Apull", ""]]);
    // One token for the whole pull.
    assert.equal(registry.server.requests.map((each) => each.replace(/sha256:.*/, "…")), [
      "GET /v2/team/guard/manifests/latest",
      "GET /token?x=1&service=the+registry&scope=repository%3Ateam%2Fguard%3Apull",
      "GET /v2/team/guard/manifests/latest",
      "GET /v2/team/guard/blobs/…",
    ]);
    assert.not.match(world.log, "t.o.k");
  });
});

test("a token for user and password, and by a refresh token", async () => {
  await withRegistry(async (registry) => {
    tokenAuthentication(registry, ({ method, head }) => method === "GET" && head === BASIC);
    assert.ok((await registry.world(LOGIN).load(ociPlan(registry.uri))).ok);
    const fields: string[] = [];
    tokenAuthentication(registry, ({ method, head, body }) => {
      fields.push(body);
      return method === "POST" && head === "";
    });
    assert.ok((await registry.world({ ...LOGIN, identitytoken: "re&fresh" }).load(ociPlan(registry.uri))).ok);
    assert.equal(Object.fromEntries(new URLSearchParams(fields[0])), {
      grant_type: "refresh_token",
      client_id: "nuncio",
      refresh_token: "re&fresh",
      service: "the registry",
      scope: "repository:team/guard:pull",
    });
  });
});

test("a registry token is sent as it is", async () => {
  await withRegistry(async (registry) => {
    tokenAuthentication(registry, () => false);
    assert.ok((await registry.world({ registrytoken: "t.o.k" }).load(ociPlan(registry.uri))).ok);
    assert.is(registry.server.requests.length, 2);
    assert.match(
      await registry.world({ registrytoken: "old" }).failure(ociPlan(registry.uri)),
      "credentials of the docker",
    );
  });
});

test("basic authentication, only when it is asked for", async () => {
  await withRegistry(async (registry) => {
    const { server, shelf } = registry;
    assert.ok((await registry.world(LOGIN).load(ociPlan(registry.uri))).ok);
    assert.ok(server.heads.every((head) => head.authorization === undefined));
    server.handle = (request, response) => {
      if (request.headers.authorization === BASIC) shelf.serve(request, response);
      else response.writeHead(401, { "www-authenticate": 'Basic realm="r"' }).end();
    };
    assert.ok((await registry.world(LOGIN).load(ociPlan(registry.uri))).ok);
    assert.match(
      await registry.world().failure(ociPlan(registry.uri)),
      `answers 401 for team/guard; there are no credentials for ${server.host}`,
    );
    const wrong = await registry.world({ auth: btoa("me:wrong") }).failure(ociPlan(registry.uri));
    assert.match(wrong, "answers 401 for team/guard; the credentials of the docker configuration were sent");
    assert.not.match(wrong, "wrong");
  });
});

test("refusals say what is missing, and are final", async () => {
  await withRegistry(async (registry) => {
    const { server, uri } = registry;
    const retry = { retries: 3, baseMs: 100, maxMs: 100 };
    tokenAuthentication(registry, () => false);
    assert.match(
      await registry.world({}, { credHelpers: { [server.host]: "ecr-login" } }).failure(ociPlan(uri, { retry })),
      `the token server ${server.host} answers 401; there are no credentials for ${server.host}: /docker/config.json leaves`,
    );
    assert.is(server.requests.length, 2);
    for (
      const [head, text] of [
        ['Bearer service="x"', "names no token server that is reached by https"],
        ['Bearer realm="/token"', "names no token server"],
        ['Bearer realm="file:///etc/passwd"', "names no token server"],
        ["Negotiate", "answers 401 for team/guard"],
        ["", "answers 401 for team/guard"],
      ]
    ) {
      server.handle = (_request, response) => void response.writeHead(401, { "www-authenticate": head }).end();
      assert.match(await registry.world().failure(ociPlan(uri, { retry })), text!, head);
    }
    server.handle = (_request, response) => void response.writeHead(403).end();
    assert.match(await registry.world().failure(ociPlan(uri, { retry })), "answers 403");
  });
});

test("a token server that is no use", async () => {
  await withRegistry(async (registry) => {
    const { server, uri } = registry;
    for (
      const [answer, text] of [
        ["{}", "gives no token"],
        ['{"token":"a\\nb"}', "gives no token"],
        ["x".repeat(300_000), "larger than 262144 bytes"],
      ] as const
    ) {
      server.handle = (request, response) => {
        if (request.url!.startsWith("/token")) response.end(answer);
        else response.writeHead(401, { "www-authenticate": `Bearer realm="http://${server.host}/token"` }).end();
      };
      assert.match(await registry.world().failure(ociPlan(uri)), text);
    }
    // A token that is not accepted is not fetched again and again.
    server.requests.length = 0;
    server.handle = (request, response) => {
      if (request.url!.startsWith("/token")) response.end('{"token":"x"}');
      else response.writeHead(401, { "www-authenticate": `Bearer realm="http://${server.host}/token"` }).end();
    };
    assert.match(await registry.world().failure(ociPlan(uri)), "answers 401");
    assert.is(server.requests.length, 3);
  });
});

test("blobs may be elsewhere; credentials do not go there", async () => {
  await withRegistry(async (registry) => {
    const { server, shelf, uri } = registry;
    const elsewhere = await TestServer.start((_request, response) => void response.end(MODULE));
    try {
      tokenAuthentication(registry, () => true);
      const authenticated = server.handle;
      server.handle = (request, response, body) => {
        if (!request.url!.includes("/blobs/") || request.headers.authorization !== "Bearer t.o.k") {
          return authenticated(request, response, body);
        }
        response.writeHead(307, { location: `http://user:pass@${elsewhere.host}/cdn?signature=1` }).end();
      };
      assert.equal([...await registry.world(LOGIN).bytes(ociPlan(uri))], [...MODULE]);
      assert.equal(elsewhere.requests, ["GET /cdn?signature=1"]);
      assert.is(elsewhere.heads[0]!.authorization, undefined);
      // What elsewhere gives must have the digest, and is not asked for a token.
      elsewhere.handle = (_request, response) => void response.end("something else");
      assert.match(await registry.world().failure(ociPlan(uri)), "larger than 13 bytes");
      elsewhere.handle = (_request, response) => void response.writeHead(401, { "www-authenticate": "Basic" }).end();
      assert.match(
        await registry.world(LOGIN).failure(ociPlan(uri)),
        `${elsewhere.host}, where the registry redirects to, asks for`,
      );
      elsewhere.handle = (_request, response) => void response.writeHead(302, { location: "/again" }).end();
      elsewhere.requests.length = 0;
      assert.match(await registry.world().failure(ociPlan(uri)), "more than 5 redirects");
      assert.is(elsewhere.requests.length, 5);
      server.handle = (request, response) => {
        if (request.url!.includes("/blobs/")) response.writeHead(307, { location: "file:///etc/passwd" }).end();
        else shelf.serve(request, response);
      };
      assert.match(await registry.world().failure(ociPlan(uri)), "the registry redirects to file://: expected https");
    } finally {
      await elsewhere.stop();
    }
  });
});

test.run();
