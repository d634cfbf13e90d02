// host/extensions/access_loggers/common/writable_path.ts: whether a log can be written where a configuration says.
/** @module */
import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";

/** Says why lines cannot be appended to a path, without making the file. */
export function whyNotWritable(path: string): string | null {
  try {
    if (statSync(path).isDirectory()) return "it is a folder";
    accessSync(path, constants.W_OK);
    return null;
  } catch (error) {
    if ((error as { code?: string }).code !== "ENOENT") return reasonOf(error);
  }
  try {
    accessSync(dirname(path), constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    return (error as { code?: string }).code === "ENOENT" ? "its folder does not exist" : reasonOf(error);
  }
}

function reasonOf(error: unknown): string {
  const code = (error as { code?: string }).code;
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  if (code === "ENOTDIR") return "a part of the path is no folder";
  return code ?? String(error);
}
