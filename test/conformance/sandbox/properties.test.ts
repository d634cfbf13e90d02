// test/conformance/sandbox/properties.test.ts: groups 33, 35: paths of all kinds, and what no path leads to.
import { test } from "uvu";
import * as assert from "uvu/assert";
import process from "node:process";
import { PROPERTIES } from "../../../abi/mod.ts";
import { SeededRandom } from "../../../host/base/random.ts";
import { guest, Host, i32, note, OUT, out, s } from "../../host/wasm/guest.ts";
import { HostileEnvironment } from "./strike.ts";
import { GET } from "../../host/wasm/guest.ts";

const PATH = 0x500;
const SPACE = 0x600;

/** A guest that asks for the path that the test has put into its memory, in the plugin's and in a stream's context. */
async function asker(env: HostileEnvironment): Promise<Host> {
  const ask = `(call $note (call $proxy_get_property (i32.load (i32.const ${PATH})) (i32.load (i32.const ${
    PATH + 4
  })) ${out}))`;
  return new Host(
    await guest({
      // Room for what comes back; the same each time.
      allocator: `(func (export "malloc") (param i32) (result i32) (i32.const 0xc000))`,
      memory: '(memory (export "memory") 4)',
      callbacks: {
        proxy_on_request_headers: `${ask} (i32.const 0)`,
        proxy_on_foreign_function: ask,
      },
    }),
    {},
    env,
  );
}

function put(host: Host, text: string): void {
  const { memory } = host.plugin.root.vm;
  memory.setU32(PATH, SPACE);
  memory.setU32(PATH + 4, text.length);
  memory.setLatin1(SPACE, text);
  // What was noted is read; begin again.
  memory.setU32(0x8000, 0);
}

const WORDS = [
  ...new Set(PROPERTIES.flatMap((row) => row.path.split("."))),
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "valueOf",
  "0",
  "-1",
  "length",
  "4294967295",
  "",
  "*",
  "..",
  "wasm.x",
  "\xff",
  "env",
  "process",
  "PATH",
];

test("10,000 paths: a value or a status that SDKs take, never an exception", async () => {
  const env = new HostileEnvironment();
  env.attributes.set("request.path", { kind: "latin1", value: "/p" });
  env.attributes.set("request", { kind: "opaque" });
  const host = await asker(env);
  const random = new SeededRandom(7);
  const word = (): string => WORDS[random.uint32() % WORDS.length]!;
  for (let i = 0; i < 10_000; i++) {
    const segments = Array.from({ length: random.uint32() % 6 }, word);
    const path = segments.join(random.uint32() % 10 === 0 ? "." : "\0") + (random.uint32() % 3 === 0 ? "\0" : "");
    put(host, path);
    if (i % 2 === 0) host.plugin.root.callForeign(1, new Uint8Array(0));
    else host.request().filter.onDestroy!();
    const status = host.u32(0x8004);
    assert.ok([0, 1, 3].includes(status), `${JSON.stringify(path)} answers ${status}`);
  }
  assert.is(host.plugin.root.vm.failure, null);
});

test("the paths of prototypes lead nowhere", async () => {
  const host = await asker(new HostileEnvironment());
  for (
    const path of [
      "__proto__",
      "constructor",
      "constructor\0prototype",
      "request\0__proto__",
      "plugin_name\0length",
      "plugin_name\0constructor",
      "toString",
    ]
  ) {
    put(host, path);
    host.request();
    assert.is(host.u32(0x8004), 1, path);
  }
});

test("paths of a megabyte, and of a million segments", async () => {
  const host = new Host(
    await guest({
      memory: '(memory (export "memory") 400)',
      callbacks: {
        proxy_on_request_headers: `
          ${note("proxy_get_property", i32(0x100000, 1_000_000), out)}
          (memory.fill (i32.const 0x200000) (i32.const 0x61) (i32.const 20000000))
          ${note("proxy_get_property", i32(0x200000, 20_000_000), out)}
          ${note("proxy_set_property", i32(0x100000, 1_000_000), s("v"))}
          ${note("proxy_set_property", s("k"), i32(0x100000, 20_000_000))}
          ${note("proxy_get_property", s("k"), out)} (i32.const 0)`,
      },
    }),
    {},
    new HostileEnvironment(),
  );
  const { stream } = host.request();
  assert.equal(host.notes(), [1, 1, 0, 0, 1]);
  assert.is(host.env.states.get(stream)?.size ?? 0, 0);
  const { limits } = host.env as HostileEnvironment;
  assert.is((limits.get("names") ?? 0) + (limits.get("property_bytes") ?? 0), 2);
});

test("properties without end: kept up to the limit of a stream; another stream has its own", async () => {
  const host = new Host(
    await guest({
      memory: '(memory (export "memory") 4)',
      callbacks: {
        proxy_on_request_headers: `(loop $more
            (i32.store (i32.const 0x700) (i32.or (i32.const 0x41414141) (local.get $x)))
            (local.set $y (i32.or (local.get $y) (call $proxy_set_property ${i32(0x700, 4)} ${i32(0x10000, 1000)})))
            (br_if $more (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (i32.const 5000))))
          (call $note (local.get $y))
          ${note("proxy_set_property", s("again"), i32(0x10000, 2000))}
          (i32.const 0)`,
      },
    }),
    { maxPropertyBytes: 100_000 },
    new HostileEnvironment(),
  );
  for (let i = 0; i < 2; i++) {
    const { stream, filter } = host.request();
    assert.equal(host.notes(), [0, 0]);
    const state = host.env.states.get(stream)!;
    const bytes = [...state.values()].reduce((sum, each) => sum + each.length, 0);
    assert.ok(bytes > 90_000 && bytes <= 100_000, String(bytes));
    filter.onDestroy!();
  }
});

test("a property that is set again and again takes what it takes once", async () => {
  const host = new Host(
    await guest({
      memory: '(memory (export "memory") 4)',
      callbacks: {
        proxy_on_request_headers: `(loop $more
            (drop (call $proxy_set_property ${s("k")} ${i32(0x10000, 1000)}))
            (br_if $more (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (i32.const 1000))))
          ${note("proxy_get_property", s("k"), out)} (i32.const 0)`,
      },
    }),
    { maxPropertyBytes: 3000 },
    new HostileEnvironment(),
  );
  host.request();
  assert.equal(host.notes(), [0]);
  assert.is(host.u32(OUT + 4), 1000);
  assert.is((host.env as HostileEnvironment).limits.size, 0);
});

test("what one stream's guest sets is not there on another stream, nor known attributes by other names", async () => {
  const env = new HostileEnvironment();
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `(if (i32.eq (local.get $a) (i32.const 5))
            (then (drop (call $proxy_set_property ${s("mine")} ${s("secret")}))))
          ${note("proxy_get_property", s("mine"), out)} (i32.const 0)`,
      },
    }),
    {},
    env,
  );
  host.request({ ...GET, owner: "1" });
  host.request();
  assert.equal(host.notes(), [0, 1]);
});

test("the process's environment is behind no host function", async () => {
  process.env["NUNCIO_SANDBOX_SECRET"] = "do not tell";
  const env = new HostileEnvironment();
  const host = await asker(env);
  for (const path of ["env", "process\0env", "environment\0NUNCIO_SANDBOX_SECRET", "NUNCIO_SANDBOX_SECRET"]) {
    put(host, path);
    host.request();
    assert.is(host.u32(0x8004), 1);
  }
  const reader = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `${note("environ_sizes_get", i32(OUT, OUT + 4))} (i32.const 0)`,
      },
    }),
  );
  reader.request();
  assert.equal([reader.u32(OUT), reader.u32(OUT + 4)], [0, 0]);
  delete process.env["NUNCIO_SANDBOX_SECRET"];
});

test.run();
