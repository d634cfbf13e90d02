// host/server/wasm_code/layer.ts: a module out of a layer of an image.
/**
 * The platform's `DecompressionStream` refuses gzip files of several members, as parallel compressors and
 * lazily pulled images have them, so it is `node:zlib` that unpacks: up to a limit, off this thread.
 *
 * @module
 */
import { gunzip, zstdDecompress } from "node:zlib";
import type { LayerPacking } from "./manifest.ts";
import { readTar } from "./tar.ts";

/** What a file in a layer is named that is a module. */
const MODULE_FILE = "plugin.wasm";

export type Unpacked = { readonly ok: true; readonly bytes: Uint8Array } | {
  readonly ok: false;
  readonly message: string;
};

/** The module in a layer; at most `limitBytes` are unpacked. */
export async function unpackLayer(layer: Uint8Array, packing: LayerPacking, limitBytes: number): Promise<Unpacked> {
  if (packing === "raw") return { ok: true, bytes: layer };
  const archive = packing === "tar"
    ? { ok: true, bytes: layer } as const
    : await decompress(layer, packing, limitBytes);
  if (!archive.ok) return archive;
  const files = readTar(archive.bytes);
  if (typeof files === "string") return { ok: false, message: `the layer is no tar archive: ${files}` };
  const found = files.find((file) => {
    const parts = file.path.split("/");
    return parts.at(-1) === MODULE_FILE && !parts.includes("..");
  });
  if (found !== undefined) return { ok: true, bytes: found.bytes };
  const names = files.slice(0, 5).map((file) => JSON.stringify(file.path)).join(", ");
  return {
    ok: false,
    message: `the layer has no file ${MODULE_FILE}; ${files.length === 0 ? "it is empty" : `it has ${names}`}`,
  };
}

function decompress(layer: Uint8Array, packing: "tar+gzip" | "tar+zstd", limitBytes: number): Promise<Unpacked> {
  return new Promise((resolve) => {
    const settle = (error: Error | null, bytes: Uint8Array): void => {
      if (error === null) return resolve({ ok: true, bytes });
      const tooLarge = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
      const message = tooLarge
        ? `the layer unpacks to more than ${limitBytes} bytes`
        : `the layer cannot be unpacked: ${error.message}`;
      resolve({ ok: false, message });
    };
    if (packing === "tar+gzip") gunzip(layer, { maxOutputLength: limitBytes }, settle);
    else zstdDecompress(layer, { maxOutputLength: limitBytes }, settle);
  });
}
