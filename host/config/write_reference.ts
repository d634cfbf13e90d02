// host/config/write_reference.ts: writes the generated pages about configuration.
/**
 * `node host/config/write_reference.ts`: docs/reference/errors.md and runtime.md from the catalogues. The page of
 * the fields is written by test/conformance/config/coverage.test.ts.
 *
 * @module
 */
import { writeFileSync } from "node:fs";
import { CONFIG_CODES, renderCodes } from "./codes.ts";
import { PLAN_CODES } from "./plan_codes.ts";
import { renderRuntimeKeys } from "./runtime_keys.ts";

if (import.meta.main) {
  const codes = [...CONFIG_CODES, ...PLAN_CODES].sort((a, b) => a.code < b.code ? -1 : 1);
  writeFileSync(new URL("../../docs/reference/errors.md", import.meta.url), renderCodes(codes));
  writeFileSync(new URL("../../docs/reference/runtime.md", import.meta.url), renderRuntimeKeys());
}
