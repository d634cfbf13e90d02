// test/conformance/component/hostile_parts.test.ts: components of many modules: what one may have, all have together.
import { parse, print } from "@bytecodealliance/jco-transpile/wasm-tools";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compileModule } from "../../../host/wasm/mod.ts";
import { TRUSTED } from "./component.ts";
import { hostileComponent, HostileHost, loadComponent, What } from "./hostile_guest.ts";

const HEADERS = "http.[method]stream.on-request-headers";
const NOTHING = { where: "", what: What.Nothing };
const printed = (await print(await hostileComponent("http"))).trimEnd().slice(0, -1);

/** The hostile guest with more in it. */
function withMore(more: string): Promise<Uint8Array> {
  return parse(`${printed} ${more})`);
}

async function refusal(more: string): Promise<string> {
  const result = await compileModule(await withMore(more), undefined, undefined, TRUSTED);
  return "diagnostics" in result ? result.diagnostics.map((each) => each.message).join("\n") : "";
}

test("more instances than a component may have", async () => {
  const instances = (count: number): string =>
    `(core module $more) ${"(core instance (instantiate $more))".repeat(count)}`;
  assert.match(await refusal(instances(32)), /it is made of \d+ instances, at most 32 are allowed/);
  assert.is(await refusal(instances(8)), "");
});

test("the filter's own module, once more: its memory would be there twice", async () => {
  const instance = /\(core instance \$main \(;\d+;\) \(instantiate \$main[^]*?\n {4}\)\n {2}\)/.exec(printed)![0];
  assert.match(
    await refusal(instance.replace(/instance \$main \(;\d+;\)/, "instance $again")),
    "instantiated more than once",
  );
});

test("memories of other modules are small, and one for each", async () => {
  assert.match(await refusal("(core module (memory 17))"), /memory begins with 17, at most 16 are allowed/);
  assert.match(await refusal("(core module (memory 1) (memory 1))"), "has 2 of them, at most one is allowed");
  assert.match(await refusal("(core module (table 70000 funcref))"), /table begins with 70000, at most 65536/);
});

/** Parts whose start functions count to `turns`. */
function parts(count: number, turns: number): string {
  const instances = Array.from({ length: count }, () => "(core instance (instantiate $count))").join(" ");
  return `(core module $count (func $go (local $i i32)
    (loop $more (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${turns})))))
    (start $go)) ${instances}`;
}

test("start functions of many parts have one budget together", async () => {
  const limits = { startBudget: 1_000_000, maxMemoryPages: 64, maxTableElements: 1000 };
  const load = async (count: number): Promise<HostileHost> =>
    new HostileHost(await loadComponent(await withMore(parts(count, 150_000)), limits), NOTHING, {
      startCpuBudget: 1_000_000,
    });
  assert.is((await load(2)).failure, null);
  let problem = "";
  try {
    await load(20);
  } catch (error) {
    problem = (error as Error).message;
  }
  assert.match(problem, /cpu budget exhausted: its parts have spent the 1000000 units of their start/);
});

/** Parts that each put a function into the filter's table, which counts to `turns`. */
function spinning(count: number, turns: number): string {
  const instances = Array.from(
    { length: count },
    (_, index) => `(core instance (instantiate $spin${index} (with "main" (instance $main))))`,
  );
  const modules = Array.from(
    { length: count },
    (_, index) =>
      `(core module $spin${index} (import "main" "slots" (table 32 funcref))
      (func $go (local $i i32)
        (loop $more (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${turns})))))
      (elem (i32.const ${index}) $go))`,
  );
  return `${modules.join(" ")} ${instances.join(" ")}`;
}

test("callbacks that go from part to part spend twice their budget at the most", async () => {
  const BUDGET = 1_000_000;
  for (
    const [count, turns, isEnough] of [[1, 200_000, true], [4, 50_000, true], [8, 400_000, false], [
      20,
      90_000,
      false,
    ]] as const
  ) {
    const module = await loadComponent(await withMore(spinning(count, turns)));
    const host = new HostileHost(module, { where: HEADERS, what: What.CallSlots }, { cpuBudget: BUDGET });
    host.strike(HEADERS);
    if (isEnough) {
      assert.is(host.failure, null, `${count} parts`);
      assert.ok(host.plugin.root.vm.fuelSpent >= count * turns, "what they spend is counted");
    } else assert.match(host.failure ?? "it went well", "cpu budget exhausted", `${count} parts`);
  }
});

test.run();
