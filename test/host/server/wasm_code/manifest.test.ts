// test/host/server/wasm_code/manifest.test.ts: manifests and indexes, and what of them is taken.
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  chooseImage,
  chooseLayer,
  type IndexedImage,
  parseManifest,
} from "../../../../host/server/wasm_code/manifest.ts";
import { DOCKER_MANIFEST, OCI_LAYER, OCI_MANIFEST, RAW_LAYER, sha256, utf8 } from "./support.ts";

const descriptor = (mediaType: string, text = mediaType) => ({ mediaType, digest: `sha256:${sha256(text)}`, size: 3 });

function parse(value: unknown): unknown {
  return parseManifest(utf8(typeof value === "string" ? value : JSON.stringify(value)));
}

test("images and indexes", () => {
  assert.equal(parse({ layers: [descriptor(OCI_LAYER)] }), {
    kind: "image",
    layers: [{ mediaType: OCI_LAYER, digest: `sha256:${sha256(OCI_LAYER)}`, sizeBytes: 3 }],
  });
  const platform = { os: "linux", architecture: "arm64", variant: "v8" };
  assert.equal(parse({ manifests: [{ ...descriptor(OCI_MANIFEST), platform }, descriptor(DOCKER_MANIFEST)] }), {
    kind: "index",
    images: [
      { mediaType: OCI_MANIFEST, digest: `sha256:${sha256(OCI_MANIFEST)}`, sizeBytes: 3, platform: "linux/arm64" },
      { mediaType: DOCKER_MANIFEST, digest: `sha256:${sha256(DOCKER_MANIFEST)}`, sizeBytes: 3, platform: "" },
    ],
  });
});

test("what is none", () => {
  assert.match(parse("<html>") as string, "not JSON");
  assert.match(parse("[]") as string, "not an object");
  assert.match(parse({ schemaVersion: 1, fsLayers: [] }) as string, "neither layers nor manifests");
  assert.match(parse({ layers: [], manifests: [] }) as string, "an image and an index at once");
  const good = descriptor(OCI_LAYER);
  for (
    const bad of [
      null,
      7,
      { ...good, digest: "sha256:abc" },
      { ...good, digest: "md5:d41d8cd98f00b204e9800998ecf8427e" },
      { ...good, digest: "../../../etc/passwd" },
      { ...good, size: -1 },
      { ...good, size: "3" },
      { ...good, size: 1e300 },
      { ...good, mediaType: null },
    ]
  ) {
    assert.match(parse({ layers: [good, bad] }) as string, "a layer of the manifest", JSON.stringify(bad));
    assert.match(parse({ manifests: [bad] }) as string, "an entry of the index", JSON.stringify(bad));
  }
});

test("the image of an index", () => {
  const image = (platform: string) => ({ ...descriptor(OCI_MANIFEST, platform), platform }) as unknown as IndexedImage;
  const choose = (...platforms: string[]) => {
    const chosen = chooseImage(platforms.map(image));
    return typeof chosen === "string" ? `none: ${chosen}` : chosen.platform;
  };
  assert.is(choose("linux/s390x"), "linux/s390x");
  assert.is(choose("linux/arm64", "unknown/unknown"), "linux/arm64");
  assert.is(choose("linux/arm64", "linux/amd64"), "linux/amd64");
  assert.is(choose("linux/amd64", "wasip1/wasm"), "wasip1/wasm");
  assert.match(choose("linux/s390x", ""), "it has linux/s390x, no platform");
  assert.match(choose("unknown/unknown"), "names no image");
  assert.match(choose(), "names no image");
});

test("the layer with the module", () => {
  const choose = (...types: string[]) => {
    const chosen = chooseLayer(types.map((type) => ({ mediaType: type, digest: "", sizeBytes: 0 })));
    return typeof chosen === "string" ? `none: ${chosen}` : chosen.mediaType;
  };
  assert.is(choose(OCI_LAYER), OCI_LAYER);
  assert.is(
    choose("other", "application/vnd.docker.image.rootfs.diff.tar.gzip"),
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
  );
  assert.is(choose(RAW_LAYER, "application/vnd.module.wasm.config.v1+json"), RAW_LAYER);
  assert.is(choose("application/vnd.wasm.content.layer.v1+wasm"), "application/vnd.wasm.content.layer.v1+wasm");
  assert.is(choose("application/wasm", OCI_LAYER), "application/wasm");
  assert.match(choose(RAW_LAYER, RAW_LAYER), "2 layers that are modules");
  assert.match(choose(), "no layers");
  assert.match(choose(OCI_LAYER, "text/html"), 'of type "text/html": expected a module');
});

test.run();
