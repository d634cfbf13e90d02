// host/server/wasm_code/oci.ts: pulls a module out of an OCI registry.
/**
 * Reference to manifest, index to image, image to layer, layer to module. Everything but a tag is named by its
 * digest and checked against it, so what is in the cache is not asked for again: with `@sha256:…` a restart
 * needs no registry.
 *
 * @see https://github.com/solo-io/wasm/tree/master/spec
 * @module
 */
import type { OciReference } from "../../extensions/common/wasm/oci_reference.ts";
import type { Attempt } from "./attempts.ts";
import type { CodeCache } from "./cache.ts";
import { matchesDigest, sha256Hex } from "./digest.ts";
import { unpackLayer } from "./layer.ts";
import { chooseImage, chooseLayer, layerPacking, type Manifest, MANIFEST_TYPES, parseManifest } from "./manifest.ts";
import type { Registry } from "./registry.ts";

export interface PullOptions {
  readonly reference: OciReference;
  readonly registry: Pick<Registry, "get">;
  readonly cache: Pick<CodeCache, "get" | "put">;
  /** SHA-256 of the image or of the module; null: whatever the reference names. */
  readonly sha256: string | null;
  /** Largest module, and largest layer as it is sent. */
  readonly limitBytes: number;
}

export interface PulledModule {
  readonly bytes: Uint8Array;
  /** What the reference stands for now: `sha256:…`. */
  readonly imageDigest: string;
}

/** As large as registries take. */
const MANIFEST_LIMIT_BYTES = 4 * 1024 * 1024;
/** An archive may hold more than the module. */
const ARCHIVE_FACTOR = 2;

interface FetchedManifest {
  readonly manifest: Manifest;
  readonly digest: string;
}

export async function pullModule(options: PullOptions): Promise<Attempt<PulledModule>> {
  const { reference, sha256, limitBytes } = options;
  const root = await fetchManifest(options, reference.digest ?? reference.tag!);
  if (!root.ok) return root;
  let image = root.value;
  if (image.manifest.kind === "index") {
    const chosen = chooseImage(image.manifest.images);
    if (typeof chosen === "string") return unusable(chosen);
    const inner = await fetchManifest(options, chosen.digest);
    if (!inner.ok) return inner;
    image = inner.value;
  }
  if (image.manifest.kind !== "image") return unusable("the index names another index");
  const layer = chooseLayer(image.manifest.layers);
  if (typeof layer === "string") return unusable(layer);
  if (layer.sizeBytes > limitBytes) {
    return unusable(`the layer with the module has ${layer.sizeBytes} bytes: at most ${limitBytes} are taken`);
  }
  const blob = await fetchBlob(options, layer.digest, layer.sizeBytes);
  if (!blob.ok) return blob;
  const module = await unpackLayer(blob.value, layerPacking(layer.mediaType)!, limitBytes * ARCHIVE_FACTOR);
  if (!module.ok) return unusable(module.message);
  const { bytes } = module;
  if (bytes.length > limitBytes) {
    return unusable(`the module has ${bytes.length} bytes: at most ${limitBytes} are taken`);
  }
  if (sha256 !== null && ![root.value.digest, image.digest].includes(`sha256:${sha256}`)) {
    const found = await sha256Hex(bytes);
    if (found !== sha256) {
      return unusable(
        `the image has the digest ${root.value.digest} and its module ${found}: expected ${sha256} of one of them`,
      );
    }
  }
  return { ok: true, value: { bytes, imageDigest: root.value.digest } };
}

/** By tag or digest; what has a digest comes out of the cache when it is there. */
async function fetchManifest(options: PullOptions, name: string): Promise<Attempt<FetchedManifest>> {
  const wanted = name.includes(":") ? name : null;
  const cached = wanted === null ? null : await options.cache.get(wanted);
  let body = cached;
  let digest = wanted;
  if (body === null) {
    const answer = await options.registry.get(`manifests/${name}`, MANIFEST_TYPES, MANIFEST_LIMIT_BYTES);
    if (!answer.ok) return answer;
    body = answer.body;
    if (wanted !== null && !await matchesDigest(body, wanted)) {
      return damaged(`the manifest is not the one that ${wanted} names`);
    }
    digest ??= `sha256:${await sha256Hex(body)}`;
  }
  const manifest = parseManifest(body);
  if (typeof manifest === "string") return unusable(manifest);
  if (cached === null) await options.cache.put(digest!, body);
  return { ok: true, value: { manifest, digest: digest! } };
}

async function fetchBlob(options: PullOptions, digest: string, sizeBytes: number): Promise<Attempt<Uint8Array>> {
  const cached = await options.cache.get(digest);
  if (cached !== null) return { ok: true, value: cached };
  const answer = await options.registry.get(`blobs/${digest}`, "application/octet-stream, */*", sizeBytes);
  if (!answer.ok) return answer;
  if (answer.body.length !== sizeBytes) {
    return damaged(`the layer has ${answer.body.length} bytes: the manifest says ${sizeBytes}`);
  }
  if (!await matchesDigest(answer.body, digest)) return damaged(`the layer is not the one that ${digest} names`);
  await options.cache.put(digest, answer.body);
  return { ok: true, value: answer.body };
}

/** The image is as its author meant it, and no use. */
function unusable(message: string): Attempt<never> {
  return { ok: false, message, final: true };
}

/** Something happened to it on the way. */
function damaged(message: string): Attempt<never> {
  return { ok: false, message, final: false };
}
