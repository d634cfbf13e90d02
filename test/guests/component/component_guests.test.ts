// test/guests/component/component_guests.test.ts: the committed guests are what their sources make, where that can be seen.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readComponent } from "../../../host/wasm/component/component_reader.ts";
import { buildGuest, componentFile, GUESTS } from "./build.ts";

const folder = mkdtempSync(join(tmpdir(), "nuncio-component-guests-"));
test.after(() => rmSync(folder, { recursive: true }));

/** What a component asks for and gives. */
function face(file: string): string[] {
  const layout = readComponent(readFileSync(file));
  if (typeof layout === "string") throw new Error(`${file}: ${layout}`);
  const imports = layout.functions.flatMap((each) =>
    each.kind === "lower" ? [`import ${each.interface} ${each.name}`] : []
  );
  const exports = [...layout.exports].flatMap(([of, functions]) =>
    [...functions.keys()].map((name) => `${of} ${name}`)
  );
  return [...imports, ...exports].sort();
}

for (const name of Object.keys(GUESTS)) {
  test(`${name}: rebuilt where its toolchain is`, async () => {
    const file = join(folder, `${name}.wasm`);
    const problem = await buildGuest(name, file);
    if (problem !== null) return void console.log(`  ${name} is not rebuilt: ${problem}`);
    assert.equal(face(file), face(componentFile(name)));
  });
}

test.run();
