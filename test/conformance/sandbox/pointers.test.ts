// test/conformance/sandbox/pointers.test.ts: groups 11, 12: bad pointers in every argument, and allocators that lie.
/**
 * Every pointer, size and place for a result of every host function, one at a time, lies outside of memory.
 * The answer is InvalidMemoryAccess; nothing throws, nothing is written, and the guest goes on.
 *
 * @module
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Errno, Status } from "../../../abi/mod.ts";
import { fromUtf8 } from "../../../host/base/bytes.ts";
import { guest, Host, i32, note, OUT, out, s } from "../../host/wasm/guest.ts";
import { HOSTCALLS, PREPARE, validArguments, WASI_FUNCTIONS } from "./calls.ts";
import { HostileEnvironment } from "./strike.ts";

/** Two pages, no more. */
const END = 0x20000;
const MEMORY = '(memory (export "memory") 2 2)';

const BAD_RANGES: readonly (readonly [ptr: number, size: number])[] = [
  [END, 1],
  [END - 1, 2],
  [END + 1, 0],
  [-1, 1],
  [-1, 0],
  [0, -1],
  [1, -1],
  [0x7fffffff, 0x7fffffff],
  // Together 2³²: nothing in 32 bits.
  [-0x80000000, -0x80000000],
  [END - 4, -4],
];

function badPlaces(kind: string): number[] {
  const size = kind === "out_u64" ? 8 : 4;
  return [END, END - size + 1, -1, -size + 1, -0x80000000, 0x7fffffff];
}

/** Every way to spoil one argument. */
function spoilt(row: (typeof HOSTCALLS)[number]): string[][] {
  const valid = validArguments(row);
  const all: string[][] = [];
  const put = (index: number, ...values: number[]): void => {
    const args = [...valid];
    values.forEach((value, offset) => args[index + offset] = `(i32.const ${value})`);
    all.push(args);
  };
  row.params.forEach((param, index) => {
    if (param.kind === "ptr") { for (const [ptr, size] of BAD_RANGES) put(index, ptr, size); }
    else if (param.kind.startsWith("out_")) { for (const place of badPlaces(param.kind)) put(index, place); }
  });
  return all;
}

function environment(): HostileEnvironment {
  const env = new HostileEnvironment();
  env.attributes.set("known", { kind: "latin1", value: "value" });
  env.foreignFunctions.set("echo", (_call, args) => args);
  return env;
}

for (const row of HOSTCALLS) {
  const bad = spoilt(row);
  if (bad.length === 0) continue;
  test(`${row.name}: ${bad.length} bad arguments`, async () => {
    const module = await guest({
      memory: MEMORY,
      callbacks: {
        proxy_on_request_headers: `${PREPARE} ${note(row.name, ...validArguments(row))}
          ${bad.map((args) => note(row.name, ...args)).join("\n")}
          ${note(row.name, ...validArguments(row))} (i32.const 0)`,
      },
    });
    const host = new Host(module, {}, environment());
    const { stream } = host.request();
    const [before, ...rest] = host.notes();
    const after = rest.pop();
    // There is neither a body that could be changed nor a gRPC stream.
    const isRefused = row.name === "proxy_set_buffer_bytes" || row.name === "proxy_grpc_send";
    assert.is(before, isRefused ? Status.BadArgument : Status.Ok);
    assert.is(after, before);
    assert.equal([...new Set(rest)], [Status.InvalidMemoryAccess]);
    assert.is(rest.length, bad.length);
    assert.is(host.plugin.root.vm.failure, null);
    const replies = row.name === "proxy_send_local_response" ? 1 : 0;
    assert.is(stream.replies.length, replies);
    assert.is((host.env as HostileEnvironment).calls.length, row.name === "proxy_http_call" ? 2 : 0);
  });
}

/** Functions of WASI with their pointers: `p` a place for a result, `r` a range with its size, `.` anything. */
const WASI: Readonly<Record<string, string>> = {
  args_sizes_get: "pp",
  environ_sizes_get: "pp",
  environ_get: "PP",
  clock_res_get: ".8",
  clock_time_get: "..8",
  fd_fdstat_get: "1S",
  fd_tell: "18",
  fd_readdir: "1...p",
  fd_write: "1vnp",
  fd_pwrite: "1vn.p",
  path_readlink: ".....p",
  poll_oneoff: "...p",
  random_get: "r1",
  sock_accept: "..p",
  sock_recv: "....pp",
  sock_send: "....p",
};

for (const [name, shape] of Object.entries(WASI)) {
  test(`wasi ${name}: bad arguments`, async () => {
    const row = WASI_FUNCTIONS.find((each) => each.name === name)!;
    const types = row.params;
    const good = types.map((type, index) => {
      const letter = shape[index];
      if (letter === "1" || letter === "n") return "(i32.const 1)";
      return `(${type}.const ${letter === "." || letter === undefined ? 0 : 0x200 + index * 64})`;
    });
    const bad: string[][] = [];
    types.forEach((_type, index) => {
      const letter = shape[index];
      if (letter === undefined || letter === "." || letter === "1" || letter === "n") return;
      for (const place of [END, END - 3, -1, -0x80000000]) {
        if (letter === "r" && place === END - 3) continue;
        bad.push(good.map((value, at) => at === index ? `(i32.const ${place})` : value));
      }
    });
    const calls = (args: readonly string[]): string => note(name, ...args);
    const host = new Host(
      await guest({
        memory: MEMORY,
        callbacks: {
          proxy_on_request_headers: `${calls(good)} ${bad.map(calls).join("\n")} ${calls(good)} (i32.const 0)`,
        },
      }),
      { environment: { A: "1" } },
    );
    host.request();
    const [before, ...rest] = host.notes();
    assert.is(rest.pop(), before);
    assert.is.not(before, Errno.Fault);
    assert.ok(bad.length > 0);
    assert.equal([...new Set(rest)], [Errno.Fault], `${bad.length}`);
    assert.is(host.plugin.root.vm.failure, null);
  });
}

test("strings of AssemblyScript outside of memory are empty", async () => {
  const host = new Host(
    await guest({
      memory: MEMORY,
      callbacks: {
        proxy_on_request_headers: [END, END - 1, -1, 0, 3, 0x7fffffff].map((at) =>
          `(call $console.log (i32.const ${at}))
           (call $trace (i32.const ${at}) (i32.const -1) ${"(f64.const 1) ".repeat(5)})`
        ).join("\n") + "(i32.const 0)",
      },
    }),
  );
  host.request();
  assert.is(host.plugin.root.vm.failure, null);
  assert.ok(host.env.texts(2).every((text) => /^[ 1]*$/.test(text)));
});

// --- Allocators ---

const READS: readonly string[] = [
  note("proxy_get_header_map_value", i32(0), s("x-a"), out),
  note("proxy_get_header_map_pairs", i32(0), out),
  note("proxy_get_property", s("known"), out),
  note("proxy_get_buffer_bytes", i32(6, 0, 10), out),
  note("proxy_get_shared_data", s("x-a"), out, i32(OUT + 8)),
  note("proxy_dequeue_shared_queue", "(i32.load (i32.const 0x180))", out),
  note("proxy_call_foreign_function", s("echo"), s("arguments"), out),
];

const LIARS: Readonly<Record<string, string>> = {
  "0": "(i32.const 0)",
  "the end of memory": `(i32.const ${END})`,
  "-1": "(i32.const -1)",
  "2³¹": "(i32.const 0x80000000)",
};

for (const [what, result] of Object.entries(LIARS)) {
  test(`an allocator that answers ${what}`, async () => {
    const module = await guest({
      memory: MEMORY,
      allocator: `(func (export "malloc") (param i32) (result i32) ${result})`,
      callbacks: { proxy_on_request_headers: `${PREPARE} ${READS.join("\n")} (i32.const 0)` },
    });
    const host = new Host(module, { vmConfiguration: fromUtf8("configuration") }, environment());
    host.request();
    assert.equal(host.notes(), READS.map(() => Status.InvalidMemoryAccess));
    assert.is(host.plugin.root.vm.failure, null);
  });
}

test("an allocator that gives the same block twice, or the guest's own data: only the guest is harmed", async () => {
  for (const block of [0x400, OUT, OUT - 1, 0x1000, 0]) {
    const module = await guest({
      memory: MEMORY,
      allocator: `(func (export "malloc") (param i32) (result i32) (i32.const ${block === 0 ? 1 : block}))`,
      callbacks: { proxy_on_request_headers: `${PREPARE} ${READS.join("\n")} (i32.const 0)` },
    });
    const host = new Host(module, { vmConfiguration: fromUtf8("configuration") }, environment());
    const { stream, status } = host.request();
    assert.is(host.plugin.root.vm.failure, null);
    assert.is(status, 0);
    assert.is(stream.requestHeaders!.get("x-a"), "1");
  }
});

test("a message that cannot be handed over is lost to the guest that asked for it, and nobody else", async () => {
  // The place for the result is looked at before; the allocator can only be asked.
  const module = await guest({
    memory: MEMORY,
    allocator: `(func (export "malloc") (param i32) (result i32)
      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (select (i32.const 0) (i32.const 0x600) (i32.eq (global.get $calls) (i32.const 1))))`,
    fields: "(global $calls (mut i32) (i32.const 0))",
    callbacks: {
      proxy_on_request_headers: `${PREPARE} ${
        note("proxy_dequeue_shared_queue", "(i32.load (i32.const 0x180))", out).repeat(3)
      } (i32.const 0)`,
    },
  });
  const host = new Host(module, {}, environment());
  host.request();
  assert.equal(host.notes(), [Status.InvalidMemoryAccess, Status.Ok, Status.Empty]);
});

test.run();
