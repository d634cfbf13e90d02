// host/server/wasm_code/manifest.ts: image manifests and indexes, as far as a module is found by them.
// pure: no I/O, no clock, no runtime globals
/**
 * @see https://github.com/opencontainers/image-spec/blob/main/manifest.md, image-index.md
 * @module
 */
import { utf8Slice } from "../../base/bytes.ts";
import { isDigest } from "../../extensions/common/wasm/oci_reference.ts";

/** What manifests are asked for by. */
export const MANIFEST_TYPES: string = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
].join(", ");

export type LayerPacking = "raw" | "tar" | "tar+gzip" | "tar+zstd";

/** How a layer holds a module, by its media type; null when it is of no kind that can. */
export function layerPacking(mediaType: string): LayerPacking | null {
  switch (mediaType) {
    case "application/vnd.module.wasm.content.layer.v1+wasm":
    case "application/vnd.wasm.content.layer.v1+wasm":
    case "application/wasm":
      return "raw";
    case "application/vnd.oci.image.layer.v1.tar":
    case "application/vnd.docker.image.rootfs.diff.tar":
      return "tar";
    case "application/vnd.oci.image.layer.v1.tar+gzip":
    case "application/vnd.docker.image.rootfs.diff.tar.gzip":
      return "tar+gzip";
    case "application/vnd.oci.image.layer.v1.tar+zstd":
      return "tar+zstd";
    default:
      return null;
  }
}

/** Something in the registry, by its digest. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly sizeBytes: number;
}

export type Manifest =
  | { readonly kind: "image"; readonly layers: readonly Descriptor[] }
  | { readonly kind: "index"; readonly images: readonly IndexedImage[] };

export interface IndexedImage extends Descriptor {
  /** `linux/amd64`; empty when the index does not say. */
  readonly platform: string;
}

/** An image for one of these is taken before others. */
const PLATFORMS: readonly string[] = ["wasi/wasm", "wasip1/wasm", "js/wasm", "linux/amd64", "linux/arm64"];

/** Reads a manifest, or says what is wrong with it. */
export function parseManifest(body: Uint8Array): Manifest | string {
  let root: unknown;
  try {
    root = JSON.parse(utf8Slice(body, 0, body.length));
  } catch {
    return "the manifest is not JSON";
  }
  if (!isRecord(root)) return "the manifest is not an object";
  const { layers, manifests } = root;
  // Who reads one of them and who reads the other would run different code.
  if (layers !== undefined && manifests !== undefined) return "the manifest is an image and an index at once";
  if (Array.isArray(layers)) {
    const read = layers.map(readDescriptor);
    return read.includes(null) ? "a layer of the manifest has no type, digest or size" : {
      kind: "image",
      layers: read as Descriptor[],
    };
  }
  if (!Array.isArray(manifests)) return "the manifest has neither layers nor manifests: expected an image or an index";
  const images: IndexedImage[] = [];
  for (const each of manifests) {
    const descriptor = readDescriptor(each);
    if (descriptor === null) return "an entry of the index has no type, digest or size";
    const { platform } = each as { platform?: unknown };
    const text =
      isRecord(platform) && typeof platform["os"] === "string" && typeof platform["architecture"] === "string"
        ? `${platform["os"]}/${platform["architecture"]}`
        : "";
    images.push({ ...descriptor, platform: text });
  }
  return { kind: "index", images };
}

/** The image of an index that has the module, or why none is. What says how an image was built is none. */
export function chooseImage(images: readonly IndexedImage[]): IndexedImage | string {
  const real = images.filter((image) => image.platform !== "unknown/unknown");
  if (real.length === 1) return real[0]!;
  for (const platform of PLATFORMS) {
    const image = real.find((each) => each.platform === platform);
    if (image !== undefined) return image;
  }
  if (real.length === 0) return "the index names no image";
  const seen = real.slice(0, 5).map((image) => image.platform || "no platform").join(", ");
  return `the index has no image for ${PLATFORMS.join(", ")}; it has ${seen}`;
}

/**
 * The layer with the module: the one that is a module; else the last one, which then is an archive that holds
 * it. A text says why there is none.
 */
export function chooseLayer(layers: readonly Descriptor[]): Descriptor | string {
  const modules = layers.filter((layer) => layerPacking(layer.mediaType) === "raw");
  if (modules.length === 1) return modules[0]!;
  if (modules.length > 1) return `the image has ${modules.length} layers that are modules: expected one`;
  const last = layers.at(-1);
  if (last === undefined) return "the image has no layers";
  if (layerPacking(last.mediaType) !== null) return last;
  return `the last layer of the image is of type ${JSON.stringify(last.mediaType.slice(0, 100))}: expected a module ` +
    "(application/vnd.module.wasm.content.layer.v1+wasm, application/vnd.wasm.content.layer.v1+wasm, " +
    "application/wasm) or a tar archive with plugin.wasm";
}

function readDescriptor(value: unknown): Descriptor | null {
  if (!isRecord(value)) return null;
  const { mediaType, digest, size } = value;
  if (typeof mediaType !== "string" || typeof digest !== "string" || !isDigest(digest)) return null;
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) return null;
  return { mediaType, digest, sizeBytes: size };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
