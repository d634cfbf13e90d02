// test/conformance/component/world.test.ts: the WIT, and the rows that the host links by, say the same.
import { readFileSync } from "node:fs";
import { componentEmbed, componentNew } from "@bytecodealliance/jco-transpile/wasm-tools";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { COMPONENT_EXPORTS, COMPONENT_IMPORTS, COMPONENT_WORLD, type ComponentFunctionRow } from "../../../abi/mod.ts";
import { readComponent } from "../../../host/wasm/component/component_reader.ts";
import type { ComponentLayout } from "../../../host/wasm/component/layout.ts";

const witSource = readFileSync(new URL("../../../abi/wit/filter.wit", import.meta.url), "utf8");

/** A component of a world that does nothing but trap. */
async function dummy(world: string): Promise<ComponentLayout> {
  const core = await componentEmbed({ witSource, world, dummy: true, stringEncoding: "utf8" });
  const layout = readComponent(await componentNew(core, []));
  if (typeof layout === "string") throw new Error(layout);
  return layout;
}

function text(of: string, name: string, type: string): string {
  return `${of} ${name} ${type}`;
}

function rows(list: readonly ComponentFunctionRow[], ...interfaces: string[]): string[] {
  return list.filter((row) => interfaces.includes(row.interface))
    .map((row) => text(fullName(row.interface), row.name, row.type)).sort();
}

function fullName(of: string): string {
  return COMPONENT_WORLD.replace("@", `/${of}@`);
}

function imports(layout: ComponentLayout): string[] {
  return layout.functions.flatMap((each) => each.kind === "lower" ? [text(each.interface, each.name, each.type)] : [])
    .sort();
}

function exports(layout: ComponentLayout): string[] {
  return [...layout.exports].flatMap(([of, functions]) =>
    [...functions].map(([name, { type }]) => text(of, name, type))
  ).sort();
}

const ALL_IMPORTS = ["logging", "clock", "properties", "metrics", "shared", "callout", "control"];

test("http-filter resolves, and its functions are those of the rows", async () => {
  const layout = await dummy("http-filter");
  assert.equal(imports(layout), rows(COMPONENT_IMPORTS, ...ALL_IMPORTS));
  assert.equal(exports(layout), rows(COMPONENT_EXPORTS, "plugin", "http"));
  assert.is(layout.destructors.length, 1);
});

test("network-filter resolves, and its functions are those of the rows", async () => {
  const layout = await dummy("network-filter");
  assert.equal(imports(layout), rows(COMPONENT_IMPORTS, ...ALL_IMPORTS));
  assert.equal(exports(layout), rows(COMPONENT_EXPORTS, "plugin", "tcp"));
});

test("every row belongs to a world", () => {
  assert.is(rows(COMPONENT_IMPORTS, ...ALL_IMPORTS).length, COMPONENT_IMPORTS.length);
  assert.is(rows(COMPONENT_EXPORTS, "plugin", "http", "tcp").length, COMPONENT_EXPORTS.length);
});

test.run();
