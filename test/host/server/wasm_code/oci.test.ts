// test/host/server/wasm_code/oci.test.ts: images in a registry, in all their shapes, and registries that lie.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  clusterPlan,
  CodeWorld,
  type CodeWorldOptions,
  concat,
  DOCKER_MANIFEST,
  MODULE,
  OCI_INDEX,
  OCI_LAYER,
  OCI_MANIFEST,
  ociPlan,
  RAW_LAYER,
  sha256,
  Shelf,
  tar,
  TestServer,
  utf8,
} from "./support.ts";

const DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const RETRIES = { retries: 2, baseMs: 100, maxMs: 1000 };

interface Registry {
  readonly shelf: Shelf;
  readonly server: TestServer;
  /** `oci://HOST/team/guard` */
  readonly uri: string;
}

async function withRegistry(run: (registry: Registry) => Promise<void>): Promise<void> {
  const shelf = new Shelf();
  const server = await TestServer.start((request, response) => shelf.serve(request, response));
  try {
    await run({ shelf, server, uri: `oci://${server.host}/team/guard` });
  } finally {
    await server.stop();
  }
}

function archive(bytes: Uint8Array = MODULE, path = "plugin.wasm"): Uint8Array {
  return tar({ path: "runtime-config.json", bytes: utf8("{}") }, { path, bytes });
}

test("the three shapes, and their kin", async () => {
  await withRegistry(async ({ shelf, uri }) => {
    const packed = gzipSync(archive());
    const shapes: [string, () => string][] = [
      ["docker", () => {
        const config = shelf.blob(utf8("{}"), "application/vnd.docker.container.image.v1+json");
        const below = shelf.blob(gzipSync(tar({ path: "etc/x" })), DOCKER_LAYER);
        return shelf.manifest({ config, layers: [below, shelf.blob(packed, DOCKER_LAYER)] }, "docker", DOCKER_MANIFEST);
      }],
      ["oci", () => shelf.image(packed, OCI_LAYER, "oci")],
      ["artifact", () => {
        const config = shelf.blob(utf8("{}"), "application/vnd.module.wasm.config.v1+json");
        const runtime = shelf.blob(utf8("{ }"), "application/vnd.module.wasm.config.v1+json");
        return shelf.manifest({ config, layers: [runtime, shelf.blob(MODULE, RAW_LAYER)] }, "artifact");
      }],
      ["wasm-to-oci", () => shelf.image(MODULE, "application/vnd.wasm.content.layer.v1+wasm", "wasm-to-oci")],
      ["cncf", () => shelf.image(MODULE, "application/wasm", "cncf")],
      ["plain", () => shelf.image(archive(), "application/vnd.oci.image.layer.v1.tar", "plain")],
      ["zstd", () => shelf.image(zstdCompressSync(archive()), `${OCI_LAYER.replace("gzip", "zstd")}`, "zstd")],
      // As pigz and lazily pulled images are packed: several gzip files one behind the other.
      ["members", () => {
        const whole = archive();
        return shelf.image(
          concat(gzipSync(whole.subarray(0, 700)), gzipSync(whole.subarray(700))),
          OCI_LAYER,
          "members",
        );
      }],
      ["folder", () => shelf.image(gzipSync(archive(MODULE, "./a/plugin.wasm")), OCI_LAYER, "folder")],
    ];
    for (const [tag, make] of shapes) {
      const digest = make();
      for (const reference of [`${uri}:${tag}`, `${uri}@${digest}`, `${uri}:whatever@${digest}`]) {
        const loaded = await new CodeWorld().load(ociPlan(reference));
        assert.ok(loaded.ok, `${reference}: ${loaded.ok || loaded.message}`);
        if (!loaded.ok) return;
        assert.equal([...loaded.code.bytes], [...MODULE], tag);
        assert.is(loaded.code.imageDigest, digest, tag);
      }
    }
  });
});

test("what is asked for, and how", async () => {
  await withRegistry(async ({ shelf, server, uri }) => {
    const digest = shelf.image(MODULE, RAW_LAYER, "latest");
    const world = new CodeWorld();
    await world.bytes(ociPlan(uri));
    assert.equal(server.requests, [
      "GET /v2/team/guard/manifests/latest",
      `GET /v2/team/guard/blobs/sha256:${sha256(MODULE)}`,
    ]);
    for (const type of [OCI_MANIFEST, DOCKER_MANIFEST, OCI_INDEX]) assert.match(server.heads[0]!.accept!, type);
    assert.is(server.heads[0]!.authorization, undefined);
    assert.match(world.log, `"image":"${digest}"`);
    assert.equal(world.code.counts, { cacheHits: 0, cacheMisses: 0, fetchSuccesses: 1, fetchFailures: 0 });
  });
});

test("a tag that moves: every load asks anew", async () => {
  await withRegistry(async ({ shelf, uri }) => {
    const world = new CodeWorld();
    const first = shelf.image(MODULE, RAW_LAYER, "stable");
    const one = await world.load(ociPlan(`${uri}:stable`));
    const other = concat(MODULE, Uint8Array.of(0, 2, 1, 0x79));
    const second = shelf.image(other, RAW_LAYER, "stable");
    const two = await world.load(ociPlan(`${uri}:stable`));
    assert.equal([one.ok && one.code.imageDigest, two.ok && two.code.imageDigest], [first, second]);
    assert.equal([...await world.bytes(ociPlan(`${uri}@${first}`))], [...MODULE]);
    assert.ok(two.ok && two.code.bytes.length === other.length);
  });
});

test("an index", async () => {
  await withRegistry(async ({ shelf, uri }) => {
    const image = shelf.image(MODULE, RAW_LAYER);
    const entry = (digest: string, platform: object) => ({
      mediaType: OCI_MANIFEST,
      digest,
      size: shelf.manifests.get(digest)!.body.length,
      platform,
    });
    const wrong = shelf.image(utf8("wrong"), RAW_LAYER);
    const index = shelf.manifest(
      {
        manifests: [
          entry(wrong, { os: "unknown", architecture: "unknown" }),
          entry(wrong, { os: "linux", architecture: "arm64" }),
          entry(image, { os: "linux", architecture: "amd64" }),
        ],
      },
      "multi",
      OCI_INDEX,
    );
    const loaded = await new CodeWorld().load(ociPlan(`${uri}:multi`));
    assert.ok(loaded.ok);
    assert.equal(loaded.ok && [...loaded.code.bytes], [...MODULE]);
    assert.is(loaded.ok && loaded.code.imageDigest, index);
    // Of the index, of the image, of the module: all of them say what it is.
    for (const digest of [index, image, `sha256:${sha256(MODULE)}`]) {
      assert.ok((await new CodeWorld().load(ociPlan(`${uri}:multi`, { sha256: digest.slice(7) }))).ok, digest);
    }
    const nested = shelf.manifest({ manifests: [entry(index, {})] }, "nested", OCI_INDEX);
    assert.match(await new CodeWorld().failure(ociPlan(`${uri}@${nested}`)), "names another index");
  });
});

test("a digest in the configuration that is another", async () => {
  await withRegistry(async ({ shelf, server, uri }) => {
    const digest = shelf.image(gzipSync(archive()), OCI_LAYER, "latest");
    const message = await new CodeWorld().failure(ociPlan(uri, { sha256: sha256("x"), retry: RETRIES }));
    assert.match(message, `has the digest ${digest} and its module ${sha256(MODULE)}: expected ${sha256("x")}`);
    assert.is(server.requests.length, 2);
  });
});

test("what has a digest is kept: by digest a restart needs no registry, by tag only what says where it points", async () => {
  const cacheFolder = mkdtempSync(join(tmpdir(), "nuncio-code-"));
  try {
    await withRegistry(async ({ shelf, server, uri }) => {
      const digest = shelf.image(gzipSync(archive()), OCI_LAYER, "stable");
      const world = () => new CodeWorld({ settings: { cacheFolder } });
      await world().bytes(ociPlan(`${uri}:stable`));
      server.requests.length = 0;
      await world().bytes(ociPlan(`${uri}:stable`));
      assert.equal(server.requests, ["GET /v2/team/guard/manifests/stable"]);
      server.requests.length = 0;
      const again = await world().load(ociPlan(`${uri}@${digest}`));
      assert.is(again.ok && again.code.imageDigest, digest);
      assert.equal(server.requests, []);
    });
  } finally {
    rmSync(cacheFolder, { recursive: true });
  }
});

test("images that are no use, asked for once", async () => {
  await withRegistry(async ({ shelf, server, uri }) => {
    const cases: [string, () => void, string][] = [
      ["absent", () => {}, "answers 404 for team/guard (MANIFEST_UNKNOWN: not here)"],
      ["text", () => shelf.image(MODULE, "text/html", "text"), 'of type "text/html": expected a module'],
      [
        "none",
        () => shelf.image(gzipSync(tar({ path: "a" }, { path: "b" })), OCI_LAYER, "none"),
        'no file plugin.wasm; it has "a", "b"',
      ],
      ["empty", () => shelf.image(gzipSync(tar()), OCI_LAYER, "empty"), "it is empty"],
      [
        "traversal",
        () => shelf.image(gzipSync(archive(MODULE, "../../plugin.wasm")), OCI_LAYER, "traversal"),
        'no file plugin.wasm; it has "runtime-config.json", "../../plugin.wasm"',
      ],
      ["no-gzip", () => shelf.image(archive(), OCI_LAYER, "no-gzip"), "cannot be unpacked"],
      [
        "cut",
        () => shelf.image(gzipSync(archive()).subarray(0, 60), OCI_LAYER, "cut"),
        "cannot be unpacked: unexpected end",
      ],
      ["no-tar", () => shelf.image(gzipSync(utf8("x".repeat(600))), OCI_LAYER, "no-tar"), "is no tar archive"],
      [
        "bomb",
        () => shelf.image(gzipSync(new Uint8Array(3_000_000)), OCI_LAYER, "bomb"),
        "unpacks to more than 2000000 bytes",
      ],
      [
        "fat",
        () => shelf.image(gzipSync(archive(new Uint8Array(1_500_000))), OCI_LAYER, "fat"),
        "the module has 1500000 bytes: at most 1000000",
      ],
      [
        "large",
        () => shelf.image(new Uint8Array(1_000_001), RAW_LAYER, "large"),
        "layer with the module has 1000001 bytes",
      ],
    ];
    for (const [tag, make, text] of cases) {
      make();
      server.requests.length = 0;
      const world = new CodeWorld({ settings: { limitBytes: 1_000_000 } });
      const message = await world.failure(ociPlan(`${uri}:${tag}`, { retry: RETRIES }));
      assert.match(message, `${uri}:${tag} cannot be fetched: `);
      assert.match(message, text);
      assert.equal([world.waits, server.requests.filter((each) => each.includes(tag)).length], [[], 1], tag);
    }
  });
});

test("content that is not what its digest says is asked for again, and never taken", async () => {
  await withRegistry(async ({ shelf, uri }) => {
    const cacheFolder = mkdtempSync(join(tmpdir(), "nuncio-code-"));
    try {
      const digest = shelf.image(MODULE, RAW_LAYER, "latest");
      const blob = `sha256:${sha256(MODULE)}`;
      const attempt = async (plan: ReturnType<typeof ociPlan>, text: string, folder: string | null = cacheFolder) => {
        const world = new CodeWorld({ settings: { cacheFolder: folder } });
        assert.match(await world.failure({ ...plan, retry: RETRIES }), text);
        assert.is(world.waits.length, 2);
      };
      const changed = MODULE.slice();
      changed[12]! ^= 1;
      shelf.blobs.set(blob, changed);
      await attempt(ociPlan(uri), `the layer is not the one that ${blob} names`);
      shelf.blobs.set(blob, MODULE.subarray(0, 10));
      await attempt(ociPlan(uri), "the layer has 10 bytes: the manifest says 13");
      shelf.blobs.set(blob, MODULE);
      const other = utf8(JSON.stringify({ schemaVersion: 2, layers: [] }));
      shelf.manifests.set(digest, { body: other, type: OCI_MANIFEST });
      await attempt(ociPlan(`${uri}@${digest}`), `the manifest is not the one that ${digest} names`, null);
      // A blob that is longer than the manifest says is not read to its end.
      shelf.blobs.set(blob, concat(MODULE, MODULE));
      const world = new CodeWorld({ settings: { cacheFolder } });
      assert.match(await world.failure(ociPlan(`${uri}:latest`)), "larger than 13 bytes");
    } finally {
      rmSync(cacheFolder, { recursive: true });
    }
  });
});

test("a manifest without end, and one that is not JSON", async () => {
  await withRegistry(async ({ server, uri }) => {
    server.handle = (_request, response) => void response.end(new Uint8Array(5 * 1024 * 1024));
    assert.match(await new CodeWorld().failure(ociPlan(uri)), "larger than 4194304 bytes");
    server.handle = (_request, response) => void response.end("<html>");
    assert.match(await new CodeWorld().failure(ociPlan(uri)), "the manifest is not JSON");
  });
});

test("all requests of a pull have one time limit", async () => {
  await withRegistry(async ({ shelf, server, uri }) => {
    shelf.image(MODULE, RAW_LAYER, "latest");
    const world = new CodeWorld();
    server.handle = (request, response) => {
      world.clock.advance(3000);
      shelf.serve(request, response);
    };
    assert.ok((await world.load(ociPlan(uri, { timeoutMs: 6001 }))).ok);
    server.requests.length = 0;
    assert.match(await world.failure(ociPlan(uri, { timeoutMs: 3000 })), "the image was not there in time");
    assert.is(server.requests.length, 1);
  });
});

test("failures that pass are tried again", async () => {
  await withRegistry(async ({ shelf, server, uri }) => {
    shelf.image(MODULE, RAW_LAYER, "latest");
    const statuses = [429, 503];
    server.handle = (request, response) => {
      const status = statuses.shift();
      if (status === undefined) shelf.serve(request, response);
      else response.writeHead(status).end("\u001b[31mlater");
    };
    const world = new CodeWorld();
    assert.equal([...await world.bytes(ociPlan(uri, { retry: RETRIES }))], [...MODULE]);
    assert.is(world.waits.length, 2);
    assert.match(world.log, "answers 429 for team/guard");
  });
});

test("through a cluster", async () => {
  await withRegistry(async ({ shelf, server }) => {
    shelf.image(MODULE, RAW_LAYER, "v1");
    const world = new CodeWorld({ settings: { insecureRegistries: new Set(["registry.example"]) } });
    const plan = ociPlan("oci://registry.example/team/guard:v1", { cluster: "registry" });
    const clusters = [clusterPlan("registry", { address: "localhost", port: server.port })];
    assert.equal([...await world.bytes(plan, clusters)], [...MODULE]);
    assert.is(server.heads[0]!.host, "registry.example");
  });
});

test("plain HTTP only on loopback, and where it is allowed", async () => {
  await withRegistry(async ({ shelf, server }) => {
    shelf.image(MODULE, RAW_LAYER, "v1");
    const clusters = [clusterPlan("registry", { address: "127.0.0.1", port: server.port })];
    const load = (registry: string, options: CodeWorldOptions = {}) =>
      new CodeWorld(options).load(ociPlan(`oci://${registry}/team/guard:v1`, { cluster: "registry" }), clusters);
    for (const registry of [`localhost:${server.port}`, "127.0.0.9:80", "[::1]:5000"]) {
      assert.ok((await load(registry)).ok, registry);
    }
    const insecureRegistries = new Set(["registry.example:5000"]);
    assert.ok((await load("registry.example:5000", { settings: { insecureRegistries } })).ok);
    server.requests.length = 0;
    for (const registry of ["registry.example:5000", "localhost.example", "10.0.0.1:5000"]) {
      assert.not.ok((await load(registry)).ok, registry);
    }
    // TLS was spoken to a server that does not.
    assert.equal(server.requests, []);
  });
});

test.run();
