// test/sdk/support.ts: filters written inside tests.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renderText } from "../../host/base/diagnostic_render.ts";
import { buildFilter, type FilterHost, type FilterOptions, loadFilter } from "../../host/testing/mod.ts";

/** A module built from AssemblyScript source that a test holds as text. */
export class SourceFilter {
  readonly wasmFile: string;
  readonly #folder: string;

  private constructor(folder: string, wasmFile: string) {
    this.#folder = folder;
    this.wasmFile = wasmFile;
  }

  /** Builds `source`, with the SDK's entry exports in front. Not optimised unless `options` says so. */
  static async build(source: string, options: Record<string, unknown> = {}): Promise<SourceFilter> {
    const folder = mkdtempSync(join(tmpdir(), "nuncio-sdk-"));
    writeFileSync(join(folder, "filter.ts"), `export * from "nuncio/sdk/entry";\n${source}`);
    writeFileSync(join(folder, "asconfig.json"), JSON.stringify({ options }));
    const { diagnostics, outFile } = await buildFilter({ path: folder, target: "debug" });
    if (diagnostics.hasErrors) throw new Error(renderText(diagnostics));
    return new SourceFilter(folder, outFile);
  }

  load(options: FilterOptions = {}): Promise<FilterHost> {
    return loadFilter(this.wasmFile, options);
  }

  dispose(): void {
    rmSync(this.#folder, { recursive: true });
  }
}
