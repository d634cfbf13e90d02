// host/testing/filter_build/package_root.ts: where this package's own files lie.
/**
 * Sources run from the repository, the published package from `dist/`; the SDK and the examples lie at the
 * package's root in both.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bug } from "../../base/error.ts";

let root: string | null = null;

/** The folder that holds `sdk/` and `filters-examples/`. */
export function packageRoot(): string {
  if (root !== null) return root;
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "sdk/index.ts"))) {
    bug(dirname(folder) === folder, "the package has no sdk/index.ts");
    folder = dirname(folder);
  }
  root = folder;
  return folder;
}
