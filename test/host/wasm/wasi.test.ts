// test/host/wasm/wasi.test.ts: what WASI functions answer.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { WASI_FUNCTIONS } from "../../../abi/mod.ts";
import { BAD, FakeEnvironment, i32, note, OUT, run, s } from "./guest.ts";

test("standard output and error are log lines", async () => {
  const iovec = (at: number, text: string): string => {
    const [ptr, size] = s(text).split(") (");
    return `(i32.store (i32.const ${at}) ${ptr})) (i32.store (i32.const ${at + 4}) (${size})`;
  };
  const { host, notes } = await run([
    iovec(0x200, "one "),
    iovec(0x208, "two\n"),
    note("fd_write", i32(1, 0x200, 2, OUT)),
    note("fd_write", i32(2, 0x208, 1, OUT + 4)),
    `(call $note (call $fd_pwrite ${i32(1, 0x200, 1)} (i64.const 9) ${i32(OUT + 8)}))`,
    note("fd_write", i32(3, 0x200, 1, OUT)),
    note("fd_write", i32(0, 0x200, 1, OUT)),
    note("fd_write", i32(1, BAD, 1, OUT)),
    note("fd_write", i32(1, 0x200, -1, OUT)),
    note("fd_write", i32(1, 0x200, 1, BAD)),
    `(i32.store (i32.const 0x200) (i32.const ${BAD}))`,
    note("fd_write", i32(1, 0x200, 1, OUT)),
  ].join("\n"));
  assert.equal(notes, [0, 0, 0, 8, 8, 21, 21, 21, 21]);
  assert.equal(host.env.texts(2), ["one two", "one "]);
  assert.equal(host.env.texts(4), ["two"]);
  assert.equal([host.u32(OUT), host.u32(OUT + 4), host.u32(OUT + 8)], [8, 4, 4]);
});

test("the configured environment, no arguments", async () => {
  const { host, notes } = await run(
    [
      note("environ_sizes_get", i32(0x200, 0x204)),
      note("environ_get", i32(0x208, 0x220)),
      note("args_sizes_get", i32(0x210, 0x214)),
      note("args_get", i32(0, 0)),
      note("environ_sizes_get", i32(BAD, OUT)),
      note("environ_get", i32(BAD, 0x220)),
      note("environ_get", i32(0x208, BAD)),
      note("args_sizes_get", i32(BAD, OUT)),
    ].join("\n"),
    { environment: { A: "1", LONG: "é" } },
  );
  assert.equal(notes, [0, 0, 0, 0, 21, 21, 21, 21]);
  assert.equal([host.u32(0x200), host.u32(0x204)], [2, 4 + 8]);
  assert.equal([host.u32(0x208), host.u32(0x20c)], [0x220, 0x224]);
  assert.is(new TextDecoder().decode(host.plugin.root.vm.memory.copy(0x220, 12)), "A=1\0LONG=é\0");
});

test("clocks", async () => {
  const { host, notes } = await run([
    `(call $note (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 0x200)))`,
    `(call $note (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 0x208)))`,
    `(call $note (call $clock_time_get (i32.const 2) (i64.const 0) (i32.const 0x208)))`,
    `(call $note (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const ${BAD})))`,
    note("clock_res_get", i32(0, 0x210)),
    note("clock_res_get", i32(7, 0x210)),
    note("clock_res_get", i32(1, BAD)),
  ].join("\n"));
  assert.equal(notes, [0, 0, 58, 21, 0, 58, 21]);
  assert.is(host.u64(0x200), BigInt(host.env.clock.wallMs()) * 1_000_000n);
  assert.is(host.u64(0x208), 1_000_000_000n);
  assert.is(host.u64(0x210), 1n);
});

test("random bytes: from the platform, or from whoever embeds", async () => {
  const calls = [
    note("random_get", i32(0x200, 8)),
    note("random_get", i32(0x200, 65537)),
    note("random_get", i32(BAD, 8)),
    note("random_get", i32(0, -1)),
  ].join("\n");
  const { host, notes } = await run(calls);
  assert.equal(notes, [0, 28, 21, 28]);
  assert.is.not(host.u64(0x200), 0n);
  const env = Object.assign(new FakeEnvironment(), { randomBytes: (target: Uint8Array): unknown => target.fill(7) });
  assert.is((await run(calls, {}, env)).host.u64(0x200), 0x0707070707070707n);
});

test("descriptors", async () => {
  const { host, notes } = await run([
    note("fd_fdstat_get", i32(1, 0x200)),
    note("fd_fdstat_get", i32(0, 0x200)),
    note("fd_fdstat_get", i32(1, BAD)),
    note("fd_tell", i32(2, 0x220)),
    note("fd_tell", i32(3, 0x220)),
    note("fd_renumber", i32(1, 2)),
    note("fd_renumber", i32(1, 5)),
    note("poll_oneoff", i32(0, 0, 0, 0x230)),
    note("poll_oneoff", i32(0, 0, 0, BAD)),
    `(call $note (call $fd_readdir ${i32(3, 0, 0)} (i64.const 0) ${i32(0x240)}))`,
    `(call $note (call $fd_readdir ${i32(3, 0, 0)} (i64.const 0) ${i32(BAD)}))`,
    note("fd_sync", i32(1)),
    note("fd_sync", i32(3)),
    note("sched_yield"),
  ].join("\n"));
  assert.equal(notes, [0, 8, 21, 0, 8, 58, 8, 0, 21, 20, 21, 0, 8, 0]);
  assert.is(host.u64(0x200), 2n);
  assert.is(host.u64(0x208), 64n);
});

test("constants answer what their row says", async () => {
  const rows = WASI_FUNCTIONS.filter((row) => row.answer.kind === "constant" && row.zeroed === undefined);
  const calls = rows.map((row) => note(row.name, ...row.params.map((type) => `(${type}.const 0)`)));
  const { notes } = await run(calls.join("\n"));
  assert.equal(notes, rows.map((row) => (row.answer as { errno: number }).errno));
});

test("lines are put together from pieces, also of characters", async () => {
  const { GuestOutput, addLastWords } = await import("../../../host/wasm/stdio.ts");
  const lines: string[] = [];
  const output = new GuestOutput(4, 10, (level, text) => lines.push(`${level} ${text}`));
  for (const piece of ["pa", "nic", ": ", "\n", "\n", "a\nb\nc\xc3", "\xa9"]) {
    output.write(Uint8Array.from(piece, (char) => char.charCodeAt(0)));
  }
  output.flush(false);
  output.flush(false);
  output.write(new TextEncoder().encode("x".repeat(30) + "\n"));
  assert.equal(lines, ["4 panic: ", "4 ", "4 a", "4 b", "4 cé", "4 xxxxxxxxxx"]);
  assert.is(addLastWords(addLastWords("", "a"), "b"), "a\nb");
  assert.is(addLastWords("", "x".repeat(5000)).length, 1000);
});

test("what a guest wrote to standard error before it trapped is with the failure", async () => {
  const [ptr, size] = s("panic: no luck").split(") (");
  const { host } = await run(`(i32.store (i32.const 0x200) ${ptr})) (i32.store (i32.const 0x204) (${size})
    (drop (call $fd_write ${i32(2, 0x200, 1, OUT)})) unreachable`);
  assert.equal(host.plugin.root.vm.failure!.diagnostic.notes, ["its last words: panic: no luck"]);
  assert.equal(host.env.texts(4), ["panic: no luck"]);
});

test.run();
