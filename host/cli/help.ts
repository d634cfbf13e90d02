// host/cli/help.ts: the help text, made from the flag table.
/** @module */
import { type FlagGroup, FLAGS } from "./flags.ts";

const EXAMPLES: Readonly<Partial<Record<FlagGroup, string>>> = {
  Configuration: "nuncio -c envoy.yaml --mode validate",
  Server: "nuncio -c envoy.yaml --concurrency 2",
  Logging: "nuncio -c envoy.yaml -l warn --component-log-level wasm:debug",
};

/** Help within 80 columns, grouped, with an example where one helps. */
export function helpText(version: string): string {
  const lines = [
    `nuncio ${version}: an Envoy-compatible proxy with sandboxed WebAssembly filters`,
    "",
    "  nuncio -c FILE [flags]        run the proxy",
    "  nuncio filter new|build|test  write a filter (nuncio filter --help)",
    "  nuncio explain CODE           what a diagnostic code means",
  ];
  const groups = new Set(FLAGS.map((row) => row.group));
  for (const group of groups) {
    lines.push("", `${group}:`);
    for (const row of FLAGS) {
      if (row.group !== group) continue;
      const short = row.short === undefined ? "" : `-${row.short}, `;
      const value = row.value === undefined
        ? ""
        : ` ${row.value === "number" ? "N" : row.choices?.join("|") ?? "TEXT"}`;
      const optional = row.defaultValue === undefined ? value : `[=${value.slice(1)}]`;
      const head = `  ${short}--${row.name}${optional}`;
      const text = row.meaningless === undefined ? row.help : `${row.help} (accepted, no effect)`;
      if (head.length <= 33) lines.push(...wrap(head.padEnd(35), text));
      else lines.push(head, ...wrap(" ".repeat(35), text));
    }
    const example = EXAMPLES[group];
    if (example !== undefined) lines.push(`    e.g. ${example}`);
  }
  return lines.join("\n") + "\n";
}

/** `text` behind `lead`, broken before column 80. */
function wrap(lead: string, text: string): string[] {
  const lines: string[] = [];
  let line = lead;
  let empty = true;
  for (const word of text.split(" ")) {
    if (!empty && line.length + 1 + word.length > 80) {
      lines.push(line);
      line = " ".repeat(lead.length);
      empty = true;
    }
    line += (empty ? "" : " ") + word;
    empty = false;
  }
  lines.push(line);
  return lines;
}
