// host/server/runtime/disk_layer.ts: runtime values from a folder of files.
/**
 * Each file is a value, named by its path with dots in the place of slashes. Lines that begin with `#` are comments.
 *
 * @see Envoy: source/common/runtime/runtime_impl.cc DiskLayer
 * @module
 */
import { utf8Slice } from "../../base/bytes.ts";
import type { RuntimeEntries, RuntimeEntry } from "../../base/runtime.ts";
import { runtimeEntryOfText } from "../../config/runtime_entry.ts";
import type { Platform } from "../../platform/mod.ts";

export type DiskLayer =
  | { readonly ok: true; readonly values: RuntimeEntries }
  | { readonly ok: false; readonly message: string };

type Files = Pick<Platform, "readFile" | "readFolder" | "realPath">;

const DEPTH_LIMIT = 16;
/** Nobody means these, and some of their files never end. */
const SYSTEM_FOLDER = /^\/(?:dev|proc|sys)(?:\/|$)/;

/** All values of a folder, or none: one that cannot be read makes all of them wrong. */
export function readDiskLayer(path: string, files: Files): DiskLayer {
  const values = new Map<string, RuntimeEntry>();
  const message = walk(path, "", 1, files, values);
  return message === null ? { ok: true, values } : { ok: false, message };
}

function walk(
  path: string,
  prefix: string,
  depth: number,
  files: Files,
  into: Map<string, RuntimeEntry>,
): string | null {
  if (depth > DEPTH_LIMIT) return `${path}: folders are more than ${DEPTH_LIMIT} deep`;
  const real = files.realPath(path);
  if (real === null || SYSTEM_FOLDER.test(real)) return `${path}: this is no folder for values`;
  const folder = files.readFolder(path);
  if (!folder.ok) return folder.message;
  for (const { name, kind } of folder.entries) {
    const full = `${path}/${name}`;
    const key = prefix === "" ? name : `${prefix}.${name}`;
    let problem: string | null = null;
    if (kind === "folder") problem = walk(full, key, depth + 1, files, into);
    else if (kind === "file") problem = read(full, key, files, into);
    if (problem !== null) return problem;
  }
  return null;
}

function read(path: string, key: string, files: Files, into: Map<string, RuntimeEntry>): string | null {
  const file = files.readFile(path);
  if (!file.ok) return file.message;
  const entry = runtimeEntryOfText(valueText(utf8Slice(file.bytes, 0, file.bytes.length)));
  if ("problem" in entry) return `${path}: ${entry.problem}`;
  into.set(key, entry);
  return null;
}

/** Without comments, empty lines and the white space at the end. */
function valueText(text: string): string {
  const lines = text.split("\n").filter((line) => line !== "");
  const last = lines.pop() ?? "";
  const kept = lines.filter((line) => !line.startsWith("#")).map((line) => `${line}\n`).join("");
  return last.startsWith("#") ? kept : kept + last.trimEnd();
}
