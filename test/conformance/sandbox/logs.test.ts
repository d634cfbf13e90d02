// test/conformance/sandbox/logs.test.ts: groups 22, 26: floods of log lines, hostile text, misuse of WASI.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Errno } from "../../../abi/mod.ts";
import { ManualClock } from "../../../host/base/clock.ts";
import { LogRegistry } from "../../../host/observe/log.ts";
import { WASI_FUNCTIONS } from "../../../abi/mod.ts";
import { guest, Host, i32, note, OUT, s } from "../../host/wasm/guest.ts";
import { HostileEnvironment } from "./strike.ts";

const GENEROUS = { cpuBudget: 2_000_000_000 };

function times(count: number, body: string): string {
  return `(local.set $x (i32.const 0)) (loop $more ${body}
    (br_if $more (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (i32.const ${count}))))`;
}

async function host(body: string, parts: object = {}, pages = 20, env = new HostileEnvironment()): Promise<Host> {
  const module = await guest({
    memory: `(memory (export "memory") ${pages})`,
    callbacks: { proxy_on_request_headers: `${body} (i32.const 0)` },
  });
  return new Host(module, { ...GENEROUS, ...parts }, env);
}

function lines(from: Host): string[] {
  return from.env.texts(2);
}

function limits(from: Host): number {
  return (from.env as HostileEnvironment).limits.get("log") ?? 0;
}

test("10,000 lines of a megabyte: cut, up to the bytes of a second, and one line says how many were dropped", async () => {
  const flood = await host(times(10_000, `(drop (call $proxy_log ${i32(2, 0x10000, 1_000_000)}))`), {
    maxLogBytesPerSecond: 100_000,
  });
  flood.request();
  assert.is(flood.plugin.root.vm.failure, null);
  const written = lines(flood);
  assert.ok(written.length > 0 && written.reduce((sum, text) => sum + text.length, 0) <= 100_000);
  assert.ok(written.every((text) => text.length < 17_000));
  assert.equal(flood.env.texts(3), []);
  flood.env.clock.advance(1000);
  assert.is(flood.env.texts(3).length, 1);
  assert.match(flood.env.texts(3)[0]!, `${10_000 - written.length} log lines (`);
  assert.is(limits(flood), 10_000 - written.length);
  flood.env.clock.advance(10_000);
  assert.is(flood.env.texts(3).length, 1);
  assert.is(flood.env.clock.armedTimers, 0);
});

test("short lines: so many a second; the next second has its own", async () => {
  const flood = await host(times(5000, `(drop (call $proxy_log ${i32(2)} ${s("x")}))`));
  for (let second = 1; second <= 3; second++) {
    flood.request();
    assert.is(lines(flood).length, second * 1000);
    flood.env.clock.advance(1000);
    assert.is(flood.env.texts(3).filter((text) => text.startsWith("4000 log lines (4000 bytes)")).length, second);
  }
  assert.is(limits(flood), 12_000);
});

test("a flood by standard output, standard error, AssemblyScript's console, restricted calls: the same limit", async () => {
  const floods: [body: string, parts: object][] = [
    [
      `(i32.store (i32.const 0x400) (i32.const 0x410)) (i32.store (i32.const 0x404) (i32.const 2))
       (i32.store16 (i32.const 0x410) (i32.const 0x0a78)) ${
        times(5000, `(drop (call $fd_write ${i32(1, 0x400, 1, OUT)}))`)
      }`,
      {},
    ],
    [
      `(i32.store (i32.const 0x400) (i32.const 0x410)) (i32.store (i32.const 0x404) (i32.const 2))
       (i32.store16 (i32.const 0x410) (i32.const 0x0a78)) ${
        times(5000, `(drop (call $fd_write ${i32(2, 0x400, 1, OUT)}))`)
      }`,
      {},
    ],
    [times(5000, "(call $console.log (i32.const 0x500))"), {}],
    [times(5000, "(drop (call $proxy_done))"), { allowedCapabilities: ["proxy_on_request_headers"] }],
  ];
  for (const [body, parts] of floods) {
    const flood = await host(body, { ...parts, maxLogLinesPerSecond: 10 });
    flood.request();
    assert.is(flood.plugin.root.vm.failure, null);
    assert.is(flood.env.logs.length, 10);
    flood.env.clock.advance(1000);
    assert.is(flood.env.logs.length, 11);
    assert.ok(limits(flood) >= 4900, String(limits(flood)));
  }
});

test("what the host says is not lost in a flood: a trap with its last words, limits, refusals", async () => {
  const flood = await host(
    `${times(100, `(drop (call $proxy_log ${i32(4)} ${s("noise")}))`)}
     (drop (call $proxy_log ${i32(4)} ${s("why it ends")}))
     (drop (call $proxy_define_metric ${i32(0)} ${s("m")} ${i32(OUT)})) unreachable`,
    { maxLogLinesPerSecond: 1, maxMetrics: 0 },
  );
  flood.request();
  const { diagnostic } = flood.plugin.root.vm.failure!;
  assert.match(diagnostic.notes!.join(), "why it ends");
  assert.is(flood.env.texts(5).filter((text) => /unreachable/.test(text)).length, 1);
  assert.is(flood.env.texts(3).filter((text) => /proxy_define_metric/.test(text)).length, 1);
  // The end of the VM does not wait for the end of the second.
  assert.is(flood.env.texts(3).filter((text) => /100 log lines/.test(text)).length, 1);
  assert.is(flood.env.clock.armedTimers, 0);
});

test("a panic on standard error in a flood is still the reason", async () => {
  const text = "panic: the reason\n";
  const flood = await host(
    `(i32.store (i32.const 0x400) (i32.const 0x410)) (i32.store (i32.const 0x404) (i32.const ${text.length}))
     (memory.copy (i32.const 0x410) ${s(text)})
     ${times(50, `(drop (call $proxy_log ${i32(2)} ${s("noise")}))`)}
     (drop (call $fd_write ${i32(2, 0x400, 1, OUT)})) unreachable`,
    { maxLogLinesPerSecond: 1 },
  );
  flood.request();
  assert.match(flood.plugin.root.vm.failure!.diagnostic.notes!.join(), "panic: the reason");
});

test("lines below the level are not counted", async () => {
  const env = new HostileEnvironment();
  Object.assign(env.log, { level: 4 });
  const flood = await host(times(5000, `(drop (call $proxy_log ${i32(2)} ${s("x")}))`), {}, 20, env);
  flood.request();
  env.clock.advance(1000);
  assert.equal(env.logs, []);
  assert.is(limits(flood), 0);
});

test("a flood in start-up", async () => {
  const env = new HostileEnvironment();
  const flood = (local: string): string =>
    `(local ${local} i32) (loop $more (drop (call $proxy_log ${i32(2)} ${s("x")}))
      (br_if $more (i32.lt_u (local.tee ${local} (i32.add (local.get ${local}) (i32.const 1))) (i32.const 3000))))`;
  const module = await guest({ callbacks: {}, fields: `(func (export "_initialize") ${flood("$i")})` });
  const started = new Host(module, GENEROUS, env);
  assert.is(env.texts(2).length, 1000);
  assert.is(started.plugin.root.vm.failure, null);
});

// --- Hostile text ---

test("line breaks, terminal codes, bytes that are no text: one line each, in every format", async () => {
  const texts = [
    "a\nfake line",
    "a\r\n[2026-01-01] [critical] fake",
    "\x1b[31mred\x1b]0;title\x07",
    "\0nul",
    "\xff\xfe\xc0\x80 no UTF-8",
    "\xe2\x80\xae turned",
    "",
    "%v %^ {}",
  ];
  const hostile = await host(texts.map((text) => `(drop (call $proxy_log ${i32(2)} ${s(text)}))`).join("\n"));
  hostile.request();
  const logged = lines(hostile);
  assert.is(logged.length, texts.length);
  for (const format of ["json", "pretty", { pattern: "[%l] %v" }, { pattern: "%_" }] as const) {
    let output = "";
    const registry = new LogRegistry({
      clock: new ManualClock(),
      format,
      destination: { write: (line) => void (output += line) },
    });
    for (const text of logged) registry.logger("wasm").info(text, { plugin: text });
    const isOneLineEach = format === "json" || format === "pretty" || format.pattern === "%_";
    if (isOneLineEach) assert.is(output.split("\n").length - 1, texts.length, JSON.stringify(format));
    // deno-lint-ignore no-control-regex
    if (isOneLineEach) assert.not.match(output.replaceAll("\n", ""), /[\x00-\x08\x0b-\x1f\x7f]/);
  }
});

test("levels that do not exist", async () => {
  const hostile = await host([-1, 6, 100, -0x80000000].map((level) => note("proxy_log", i32(level), s("x"))).join(""));
  hostile.request();
  assert.equal(hostile.notes(), [2, 2, 2, 2]);
  assert.equal(hostile.env.logs, []);
});

// --- WASI ---

test("random bytes: 64 KiB at a time, never two gigabytes", async () => {
  const hostile = await host(
    [0x7fffffff, -1, 65537, 65536, 0].map((size) => note("random_get", i32(0x10000, size))).join(""),
  );
  hostile.request();
  assert.equal(hostile.notes(), [Errno.Invalid, Errno.Invalid, Errno.Invalid, 0, 0]);
});

test("files that are not there", async () => {
  const files = [0, 3, -1, 0x7fffffff];
  const hostile = await host(
    files.map((fd) => note("fd_write", i32(fd, 0x400, 1, OUT)) + note("fd_read", i32(fd, 0x400, 1, OUT))).join("") +
      note("path_open", i32(3, 0), s("/etc/passwd"), i32(0), "(i64.const -1) (i64.const -1)", i32(0, OUT)) +
      note("fd_prestat_get", i32(3, OUT)) + note("sock_accept", i32(3, 0, OUT)),
  );
  hostile.request();
  const notes = hostile.notes();
  assert.ok(notes.every((errno) => errno !== 0), String(notes));
  assert.equal(notes.slice(0, 8).filter((_, index) => index % 2 === 0), files.map(() => Errno.BadFileDescriptor));
});

test("poll_oneoff and sched_yield come back at once", async () => {
  const hostile = await host(
    note("poll_oneoff", i32(0x400, 0x500, 1000, OUT)) + note("poll_oneoff", i32(0x400, 0x500, -1, OUT)) +
      note("sched_yield"),
  );
  hostile.request();
  assert.equal(hostile.notes(), [0, 0, 0]);
});

test("writes of many buffers, all of them the whole memory: looked at up to a limit", async () => {
  // 1024 times a megabyte of line ends.
  const vector = times(
    1024,
    `(i32.store (i32.add (i32.const 0x10000) (i32.mul (local.get $x) (i32.const 8))) (i32.const 0x20000))
     (i32.store (i32.add (i32.const 0x10004) (i32.mul (local.get $x) (i32.const 8))) (i32.const 1000000))`,
  );
  const hostile = await host(
    `(memory.fill (i32.const 0x20000) (i32.const 10) (i32.const 1000000)) ${vector}
     ${note("fd_write", i32(1, 0x10000, 1024, OUT))} ${note("fd_write", i32(1, 0x10000, 1025, OUT))}
     ${note("fd_write", i32(1, 0x10000, -1, OUT))}`,
    {},
    40,
  );
  hostile.request();
  assert.equal(hostile.notes(), [0, Errno.Invalid, Errno.Fault]);
  assert.is(hostile.u32(OUT), 1_024_000_000);
  assert.is(lines(hostile).length, 1000);
  hostile.env.clock.advance(1000);
  assert.is(hostile.env.texts(3).length, 1);
});

test("a line without end is kept up to its limit", async () => {
  const hostile = await host(
    `(i32.store (i32.const 0x400) (i32.const 0x10000)) (i32.store (i32.const 0x404) (i32.const 60000))
     (memory.fill (i32.const 0x10000) (i32.const 0x78) (i32.const 60000))
     ${times(1000, `(drop (call $fd_write ${i32(1, 0x400, 1, OUT)}))`)}`,
  );
  hostile.request();
  assert.equal(lines(hostile).map((text) => text.length), [16 * 1024]);
});

test("environment and arguments are those of the configuration, nothing of the process", async () => {
  const module = await guest({
    callbacks: {
      proxy_on_request_headers: `${note("environ_sizes_get", i32(OUT, OUT + 4))} ${
        note("environ_get", i32(0x400, 0x500))
      }
        ${note("args_sizes_get", i32(OUT + 8, OUT + 12))} (i32.const 0)`,
    },
  });
  const hostile = new Host(module, { environment: { A: "1", "B=C": "x" } }, new HostileEnvironment());
  hostile.request();
  assert.equal(hostile.notes(), [0, 0, 0]);
  assert.equal([0, 4, 8, 12].map((at) => hostile.u32(OUT + at)), [2, 10, 0, 0]);
  assert.is(hostile.plugin.root.vm.memory.latin1(0x500, 10), "A=1\0B=C=x\0");
});

test("every function of WASI with the worst numbers: an error number, and the guest goes on", async () => {
  for (const row of WASI_FUNCTIONS) {
    if (row.name === "proc_exit") continue;
    const calls = [-1, 0, 1, 0x7fffffff, -0x80000000].map((value) =>
      note(row.name, row.params.map((type) => `(${type}.const ${value})`).join(" "))
    );
    const hostile = await host(calls.join("\n"));
    hostile.request();
    assert.is(hostile.plugin.root.vm.failure, null, row.name);
    assert.ok(hostile.notes().every((errno) => errno < 80), row.name);
  }
});

test.run();
