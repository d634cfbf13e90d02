// test/conformance/component/wasi.test.ts: what standard libraries find of WASI 0.2.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { FakeEnvironment, type Host } from "../../host/wasm/guest.ts";
import { ask, host } from "./component.ts";
import { ANSWER, BAD, OUT, type TextGuest, textHost } from "./text_guest.ts";

/** As far as the guests below import it; names and types are WASI's. */
const PACKAGES = `
  package wasi:cli@0.2.3 {
    interface environment {
      get-environment: func() -> list<tuple<string, string>>;
      get-arguments: func() -> list<string>;
      initial-cwd: func() -> option<string>;
    }
    interface exit { exit: func(status: result); }
    interface stdin { use wasi:io/streams@0.2.3.{input-stream}; get-stdin: func() -> input-stream; }
    interface stdout { use wasi:io/streams@0.2.3.{output-stream}; get-stdout: func() -> output-stream; }
    interface stderr { use wasi:io/streams@0.2.3.{output-stream}; get-stderr: func() -> output-stream; }
  }
  package wasi:io@0.2.3 {
    interface error { resource error; }
    interface poll { resource pollable; poll: func(in: list<borrow<pollable>>) -> list<u32>; }
    interface streams {
      use error.{error};
      variant stream-error { last-operation-failed(error), closed }
      resource input-stream {
        blocking-read: func(len: u64) -> result<list<u8>, stream-error>;
        skip: func(len: u64) -> result<u64, stream-error>;
        unread: func();
      }
      resource output-stream {
        check-write: func() -> result<u64, stream-error>;
        write: func(contents: list<u8>) -> result<_, stream-error>;
        blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
        blocking-flush: func() -> result<_, stream-error>;
      }
    }
  }
  package wasi:clocks@0.2.3 {
    interface monotonic-clock { now: func() -> u64; resolution: func() -> u64; }
    interface wall-clock {
      record datetime { seconds: u64, nanoseconds: u32 }
      now: func() -> datetime;
      resolution: func() -> datetime;
    }
  }
  package wasi:random@0.2.3 {
    interface random { get-random-bytes: func(len: u64) -> list<u8>; get-random-u64: func() -> u64; }
    interface insecure-seed { insecure-seed: func() -> tuple<u64, u64>; }
  }
  package wasi:filesystem@0.2.3 {
    interface types { resource descriptor; }
    interface preopens {
      use types.{descriptor};
      get-directories: func() -> list<tuple<descriptor, string>>;
    }
  }
  package wasi:sockets@0.2.3 { interface network { open: func() -> u32; } }
`;

const answer = `(i32.const ${ANSWER})`;
const out = `(i32.const ${OUT})`;

/** A guest whose request headers callback does \`body\` with imports of one interface. */
function using(of: string, functions: Readonly<Record<string, string>>, body: string, data = ""): TextGuest {
  const imports = Object.entries(functions).map(([name, type], index) =>
    `(import "wasi:${of}@0.2.3" "${name}" (func $f${index} ${type}))`
  );
  return {
    packages: PACKAGES,
    imports: `import wasi:${of}@0.2.3;`,
    fields: `${imports.join("")} ${data}`,
    headers: `${body} ${answer}`,
  };
}

test("the environment is the plugin's; there are no arguments and no folder", async () => {
  const on = await textHost(
    using(
      "cli/environment",
      {
        "get-environment": "(param i32)",
        "get-arguments": "(param i32)",
        "initial-cwd": "(param i32)",
      },
      `(call $f0 ${out}) (call $f1 (i32.const ${OUT + 8})) (i32.store8 (i32.const ${OUT + 16}) (i32.const 9))
        (call $f2 (i32.const ${OUT + 16}))`,
    ),
    { environment: { MODE: "a=b" } },
  );
  ask(on, "");
  assert.is(on.plugin.status().failure, null);
  const list = on.u32(OUT);
  assert.is(on.u32(OUT + 4), 1);
  assert.is(on.result(list), "MODE");
  assert.is(on.result(list + 8), "a=b");
  assert.is(on.u32(OUT + 12), 0);
  assert.is(on.u32(OUT + 16) & 255, 0);
});

for (const [name, level] of [["stdout", 2], ["stderr", 4]] as const) {
  test(`${name} goes to the log`, async () => {
    const [streams, get] = ["wasi:io/streams@0.2.3", `wasi:cli/${name}@0.2.3`];
    const stream = "[method]output-stream.";
    const on = await textHost({
      packages: PACKAGES,
      imports: `import ${get}; import ${streams};`,
      fields: `
        (import "${get}" "get-${name}" (func $get (result i32)))
        (import "${streams}" "${stream}check-write" (func $check (param i32 i32)))
        (import "${streams}" "${stream}write" (func $write (param i32 i32 i32 i32)))
        (import "${streams}" "${stream}blocking-write-and-flush" (func $flushed (param i32 i32 i32 i32)))
        (import "${streams}" "${stream}blocking-flush" (func $flush (param i32 i32)))
        (import "${streams}" "[resource-drop]output-stream" (func $close (param i32)))
        (data (i32.const 0x700) "one line\\0atwo")`,
      headers: `(local $stream i32) (local.set $stream (call $get))
        (call $check (local.get $stream) (i32.const ${OUT}))
        (call $write (local.get $stream) (i32.const 0x700) (i32.const 9) (i32.const ${OUT + 16}))
        (call $flushed (local.get $stream) (i32.const 0x709) (i32.const 3) (i32.const ${OUT + 16}))
        (call $flush (local.get $stream) (i32.const ${OUT + 16}))
        (call $close (local.get $stream)) ${answer}`,
    });
    ask(on, "");
    assert.is(on.plugin.status().failure, null);
    assert.equal(on.env.texts(level), ["one line", "two"]);
    assert.is(on.u64(OUT + 8), 4096n);
  });
}

test("clocks", async () => {
  const env = new FakeEnvironment();
  env.clock.advance(1500);
  const monotonic = await textHost(
    using(
      "clocks/monotonic-clock",
      { now: "(result i64)", resolution: "(result i64)" },
      `
      (i64.store ${out} (call $f0)) (i64.store (i32.const ${OUT + 8}) (call $f1))`,
    ),
    {},
    env,
  );
  ask(monotonic, "");
  assert.is(monotonic.u64(OUT), BigInt(env.clock.nowMs()) * 1_000_000n);
  assert.is(monotonic.u64(OUT + 8), 1_000_000n);
  const wall = await textHost(
    using(
      "clocks/wall-clock",
      { now: "(param i32)", resolution: "(param i32)" },
      `
      (call $f0 ${out}) (call $f1 (i32.const ${OUT + 16}))`,
    ),
    {},
    env,
  );
  ask(wall, "");
  assert.is(wall.u64(OUT) * 1_000_000_000n + BigInt(wall.u32(OUT + 8)), env.clock.wallNs());
  assert.is(wall.u32(OUT + 24), 1_000_000);
});

test("random numbers", async () => {
  const random = using(
    "random/random",
    { "get-random-bytes": "(param i64 i32)", "get-random-u64": "(result i64)" },
    `
    (call $f0 (i64.const 32) ${out}) (i64.store (i32.const ${OUT + 8}) (call $f1))`,
  );
  const on = await textHost(random);
  ask(on, "");
  assert.is(on.resultBytes(OUT).length, 32);
  assert.ok(on.resultBytes(OUT).some((byte) => byte !== 0));
  assert.ok(on.u64(OUT + 8) !== 0n);
  const seed = await textHost(using("random/insecure-seed", { "insecure-seed": "(param i32)" }, `(call $f0 ${out})`));
  ask(seed, "");
  assert.ok(seed.u64(OUT) !== 0n || seed.u64(OUT + 8) !== 0n);
  const many = await textHost(
    using("random/random", { "get-random-bytes": "(param i64 i32)" }, `(call $f0 (i64.const -1) ${out})`),
  );
  ask(many, "");
  assert.match(many.plugin.status().failure!.diagnostic.message, "random bytes at once");
});

test("there are no folders", async () => {
  const on = await textHost(
    using(
      "filesystem/preopens",
      { "get-directories": "(param i32)" },
      `
      (i32.store (i32.const ${OUT + 4}) (i32.const 9)) (call $f0 ${out})`,
    ),
  );
  ask(on, "");
  assert.is(on.u32(OUT + 4), 0);
});

test("an exit ends the guest", async () => {
  const exit = await textHost(using("cli/exit", { exit: "(param i32)" }, "(call $f0 (i32.const 1))"));
  assert.is(ask(exit, "").stream.replies[0]!.status, 503);
  assert.match(exit.plugin.status().failure!.diagnostic.message, "it exited with failure");
});

test("interfaces and functions that nobody has here are refused by name when the component is loaded", async () => {
  for (
    const [of, name, type] of [
      ["sockets/network", "open", "(result i32)"],
      ["io/streams", "[method]input-stream.unread", "(param i32)"],
    ] as const
  ) {
    let problem = "";
    try {
      await textHost(using(of, { [name]: type }, ""));
    } catch (error) {
      problem = (error as Error).message;
    }
    assert.is(problem, `Failed to load Wasm component due to a missing import: wasi:${of}@0.2.3.${name}`);
  }
});

test("standard input is at its end, and what waits is ready at once", async () => {
  const stream = "[method]input-stream.";
  const on = await textHost(using(
    "io/streams",
    { [`${stream}blocking-read`]: "(param i32 i64 i32)", [`${stream}skip`]: "(param i32 i64 i32)" },
    `(call $f0 (i32.const 1) (i64.const 10) ${out}) (call $f1 (i32.const 1) (i64.const 10) (i32.const ${OUT + 16}))`,
  ));
  ask(on, "");
  assert.is(on.plugin.status().failure, null);
  assert.equal([on.u32(OUT) & 255, on.u32(OUT + 4) & 255], [1, 1], "closed");
  assert.equal([on.u32(OUT + 16) & 255, on.u32(OUT + 24) & 255], [1, 1]);
  const poll = await textHost(using(
    "io/poll",
    { poll: "(param i32 i32 i32)" },
    `(call $f0 (i32.const 0x800) (i32.const 3) ${out})`,
  ));
  ask(poll, "");
  assert.equal([0, 1, 2].map((index) => poll.u32(poll.u32(OUT) + index * 4)), [0, 1, 2]);
  assert.is(poll.u32(OUT + 4), 3);
});

test("what is none: handles of no stream, more bytes than may be written, nothing to wait for", async () => {
  const write = "[method]output-stream.blocking-write-and-flush";
  const cases: readonly (readonly [guest: TextGuest, message: string])[] = [
    [
      using(
        "io/streams",
        { [write]: "(param i32 i32 i32 i32)" },
        `(call $f0 (i32.const 7) ${out} (i32.const 1) ${out})`,
      ),
      "handle 7 of a stream that it does not have",
    ],
    [
      using(
        "io/streams",
        { [write]: "(param i32 i32 i32 i32)" },
        `(call $f0 (i32.const 2) ${out} (i32.const 4097) ${out})`,
      ),
      "it writes 4097 bytes at once",
    ],
    [
      using(
        "io/streams",
        { [write]: "(param i32 i32 i32 i32)" },
        `(call $f0 (i32.const 2) (i32.const ${BAD}) (i32.const 9) ${out})`,
      ),
      "out of bounds",
    ],
    [
      using("io/poll", { poll: "(param i32 i32 i32)" }, `(call $f0 (i32.const 0) (i32.const 0) ${out})`),
      "it waits for 0 things",
    ],
    [
      using("io/poll", { poll: "(param i32 i32 i32)" }, `(call $f0 (i32.const 0) (i32.const -1) ${out})`),
      "it waits for 4294967295 things",
    ],
  ];
  for (const [guest, message] of cases) {
    const on = await textHost(guest);
    ask(on, "");
    assert.match(on.plugin.status().failure?.diagnostic.message ?? "it went well", message);
  }
});

// --- A real standard library, which has WASI 0.1 and an adapter of its own allocator around that ---

/** What the Rust guest answers to a test; null when it has ended. */
async function rust(test: string): Promise<{ readonly answer: string | null; readonly on: Host }> {
  const on = await host("rust_wasi", "cfg", { environment: { MODE: "test", A: "one=two" } });
  return { answer: ask(on, test).stream.requestHeaders!.get("x-answer"), on };
}

test("Rust's standard library: what works", async () => {
  const answers: Readonly<Record<string, string | RegExp>> = {
    "print": "printed",
    "print much": "printed",
    "environment": "MODE=test;A=one=two;",
    "arguments": "0",
    "clocks": /^\d{13} \d+$/,
    "random": "100",
    "input": "0",
    "sleep": "slept",
    "read file": /^failed to find a pre-opened file descriptor/,
    "write file": /^failed to find a pre-opened file descriptor/,
    "folder": /^failed to find a pre-opened file descriptor/,
  };
  for (const [test, expected] of Object.entries(answers)) {
    const { answer, on } = await rust(test);
    assert.is(on.plugin.status().failure, null, test);
    if (typeof expected === "string") assert.is(answer, expected, test);
    else assert.match(answer!, expected, test);
    assert.is(on.env.texts(2)[0], 'configured with "cfg"');
    if (test === "print") {
      assert.equal([on.env.texts(2)[1], on.env.texts(4)[0]], ["to standard output", "to standard error"]);
    }
    if (test === "print much") assert.is(on.env.texts(2).length, 901);
    if (test === "sleep") assert.match(on.env.texts(3)[0]!, "it waits for something, which no filter can do");
  }
});

test("Rust's standard library: what ends the guest", async () => {
  const exit = await rust("exit");
  assert.match(exit.on.plugin.status().failure!.diagnostic.message, "it exited with failure");
  const panic = await rust("panic");
  const { diagnostic } = panic.on.plugin.status().failure!;
  assert.match(diagnostic.message, "unreachable");
  assert.match(diagnostic.notes!.join("\n"), "it panics panic", "its last words");
});

test("a place for the result out of bounds", async () => {
  const on = await textHost(
    using("cli/environment", { "get-environment": "(param i32)" }, `(call $f0 (i32.const ${BAD}))`),
  );
  ask(on, "");
  assert.match(on.plugin.status().failure!.diagnostic.message, "out of bounds");
});

test.run();
