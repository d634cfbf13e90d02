// test/conformance/differential/write_differences.ts: writes docs/differences_from_envoy.md.
/**
 * `node test/conformance/differential/write_differences.ts [--check]`
 *
 * What stands between the page's two marks is written anew; the rest of the page is written by hand.
 *
 * @module
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { ROOT } from "../../support/proxy_process.ts";
import { type Difference, DIFFERENCES } from "./differences.ts";

const FILE = join(ROOT, "docs/differences_from_envoy.md");
const BEGIN = "<!-- written by test/conformance/differential/write_differences.ts -->";
const END = "<!-- end of what is written -->";

/** The page with its list brought up to date. */
export function renderPage(page: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`${FILE} has not the marks ${BEGIN} and ${END}`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${DIFFERENCES.map(section).join("\n")}\n${page.slice(end)}`;
}

/** The page as it stands; null when there is none. */
export function readPage(): string | null {
  return existsSync(FILE) ? readFileSync(FILE, "utf8") : null;
}

function section(difference: Difference): string {
  const cases = difference.cases.length === 0
    ? ""
    : `\nSeen in: ${difference.cases.map((name) => `\`${name}\``).join(", ")}.\n`;
  return `### ${difference.title}

- Envoy ${difference.envoy}.
- nuncio ${difference.nuncio}.
- Why: ${difference.reason}.
${cases}`;
}

if (import.meta.main) {
  const page = readPage() ?? "";
  const next = renderPage(page);
  if (process.argv.includes("--check")) {
    if (next !== page) {
      console.error("docs/differences_from_envoy.md is out of date: run write_differences.ts");
      process.exitCode = 1;
    }
  } else {
    writeFileSync(FILE, next);
  }
}
