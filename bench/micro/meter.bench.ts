// bench/micro/meter.bench.ts: what guests cost with a meter and without, and what putting one in costs.
/**
 * `node bench/micro/meter.bench.ts`, `deno run -A bench/micro/meter.bench.ts`. Each row is one stream of a
 * guest that changes headers; the kernels are loops as guests have them. `fuel` says how many units each
 * takes.
 *
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bench, do_not_optimize, run, summary } from "mitata";
import { fromUtf8 } from "../../host/base/bytes.ts";
import { HeaderMap } from "../../host/http/header_map.ts";
import { DEFAULT_METER, meterModule } from "../../host/wasm/meter.ts";
import { compileModule } from "../../host/wasm/mod.ts";
import { assemble, FakeEnvironment, FakeHttpStream, GET, guestText, Host } from "../../test/host/wasm/guest.ts";

const GUESTS = ["nuncio", "rust", "go", "c"];

/** Bodies of `proxy_on_request_headers`. */
const KERNELS: Readonly<Record<string, string>> = {
  "hash of 64 KiB": `(local.set $y (i32.const 0x811c9dc5))
    (loop $l
      (local.set $y (i32.mul (i32.xor (local.get $y) (i32.load8_u (local.get $x))) (i32.const 0x01000193)))
      (br_if $l (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (i32.const 65536))))
    (i32.store (i32.const 0) (local.get $y))`,
  "10,000 calls of a small function": `(loop $l
      (local.set $y (call $add (local.get $y) (local.get $x)))
      (br_if $l (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (i32.const 10000))))
    (i32.store (i32.const 0) (local.get $y))`,
};

interface Case {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly rootId: string;
  readonly configuration: string;
}

function cases(): Case[] {
  const found: Case[] = Object.entries(KERNELS).map(([name, body]) => ({
    name,
    bytes: assemble(guestText({
      callbacks: { proxy_on_request_headers: `${body} (i32.const 0)` },
      fields: "(func $add (param i32 i32) (result i32) (i32.xor (i32.add (local.get 0) (local.get 1)) (i32.const 5)))",
    })),
    rootId: "",
    configuration: "",
  }));
  for (const name of GUESTS) {
    const file = fileURLToPath(new URL(`../../test/guests/${name}/guest.wasm`, import.meta.url));
    if (existsSync(file)) found.push({ name, bytes: readFileSync(file), rootId: "guest", configuration: "headers" });
  }
  return found;
}

async function load({ bytes, rootId, configuration }: Case, metered: boolean): Promise<Host> {
  const compiled = await compileModule(bytes, metered ? DEFAULT_METER : null);
  if (!("module" in compiled)) throw new Error(compiled.diagnostics[0]!.message);
  const env = new FakeEnvironment();
  env.log.level = 6;
  return new Host(compiled.module, {
    rootId,
    pluginConfiguration: fromUtf8(configuration),
    ...(metered ? {} : { cpuBudget: 0 }),
  }, env);
}

function stream(host: Host): void {
  const stream = new FakeHttpStream();
  stream.requestHeaders = HeaderMap.of(GET);
  const filter = host.plugin.createHttpFilter(stream)!;
  do_not_optimize(filter.onRequestHeaders?.(stream.requestHeaders, true));
  filter.onDone?.();
  filter.onLog?.();
  filter.onDestroy?.();
}

for (const each of cases()) {
  const plain = await load(each, false);
  const metered = await load(each, true);
  const { vm } = metered.plugin.root;
  const before = vm.fuelSpent;
  stream(metered);
  console.log(`${each.name}: ${each.bytes.length} bytes, fuel ${vm.fuelSpent - before}`);
  summary(() => {
    bench(`${each.name}, plain`, () => stream(plain));
    bench(`${each.name}, metered`, () => stream(metered));
  });
  bench(`${each.name}, putting the meter in`, () => do_not_optimize(meterModule(each.bytes, DEFAULT_METER)));
}

await run();
