// host/config/write_reference.ts: writes the generated pages about configuration.
/**
 * `node host/config/write_reference.ts [COVERAGE.json…]`: docs/reference/errors.md from the catalogues, and,
 * given what `Coverage.dump()` said, docs/reference/configuration.md.
 *
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { CONFIG_CODES, renderCodes } from "./codes.ts";
import { Coverage, renderCoverage } from "./coverage.ts";
import { loadRegistry } from "./load.ts";
import { PLAN_CODES } from "./plan_codes.ts";

if (import.meta.main) {
  const page = (name: string): URL => new URL(`../../docs/reference/${name}.md`, import.meta.url);
  const codes = [...CONFIG_CODES, ...PLAN_CODES].sort((a, b) => a.code < b.code ? -1 : 1);
  writeFileSync(page("errors"), renderCodes(codes));
  if (process.argv.length > 2) {
    const coverage = new Coverage();
    for (const path of process.argv.slice(2)) coverage.add(JSON.parse(readFileSync(path, "utf8")));
    writeFileSync(page("configuration"), renderCoverage(coverage.dump(), loadRegistry()));
  }
}
