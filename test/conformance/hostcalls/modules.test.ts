// test/conformance/hostcalls/modules.test.ts: which modules are loaded, and what is said about those that are not.
/**
 * What Envoy loads, nuncio loads. It loads more: functions of other versions, those of AssemblyScript's run time, and
 * declarations that SDKs have wrong; and it names everything that is missing, not the first of it.
 */
import { existsSync, readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compile, Host } from "../../host/wasm/guest.ts";
import { LOADED_HERE, MODULES, REFUSED_HERE } from "./modules.ts";
import { recordingFile } from "./recording.ts";

const FILE = recordingFile("modules");
type Recorded = Readonly<Record<string, string>>;
const recorded = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, "utf8")) as { modules: Recorded }).modules : {};

for (const module of MODULES) {
  test(module.name, async () => {
    const envoy = recorded[module.name];
    assert.ok(envoy !== undefined, "run record.ts modules");
    const said = await load(module.text);
    assert.is(said.length === 0, module.says.length === 0, said.join("\n"));
    for (const pattern of module.says) {
      assert.ok(said.some((line) => pattern.test(line)), `nothing says ${pattern}:\n${said.join("\n")}`);
    }
    const isLoadedHere = envoy !== "loaded" && said.length === 0;
    assert.is(isLoadedHere, module.name in LOADED_HERE, `Envoy: ${envoy}`);
    assert.is(envoy === "loaded" && said.length > 0, module.name in REFUSED_HERE, said.join("\n"));
  });
}
test("the modules that are declared exist", () => {
  for (const name of Object.keys({ ...LOADED_HERE, ...REFUSED_HERE })) {
    assert.ok(MODULES.some((each) => each.name === name), name);
  }
});

test.run();

/** What is said when the module is loaded. */
async function load(module: string): Promise<string[]> {
  try {
    new Host(await compile(module));
    return [];
  } catch (error) {
    return String((error as Error).message).split("\n");
  }
}
