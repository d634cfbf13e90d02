// test/conformance/sandbox/stack.test.ts: groups 3, 4, 5, 24, 25: deep recursion, guests that catch, and ends of all kinds.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compile, FakeHttpStream, GET, guest, guestText, Host, i32, note, OUT, out, s } from "../../host/wasm/guest.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { PREPARE } from "./calls.ts";
import { happen, HostileEnvironment, strike, striker, STRUCK } from "./strike.ts";

const AT_START = ["proxy_on_context_create", "proxy_on_vm_start", "proxy_on_configure"];
/** Recursion costs little fuel: the stack ends first. */
const RELOAD = { failurePolicy: "FAIL_RELOAD", reloadIntervalMs: 1 } as const;

test("unbounded recursion, a thousand times: each VM fails, the next request works", async () => {
  const module = await guest({
    callbacks: {
      proxy_on_request_headers: "(if (i32.eq (local.get $a) (i32.const 5)) (then (call $f))) (i32.const 0)",
    },
    fields: "(func $f (call $f) (call $f))",
  });
  const host = new Host(module, RELOAD);
  for (let i = 0; i < 1000; i++) {
    const bad = host.request({ ...GET, poison: "1" });
    assert.is(bad.stream.replies.length, 1);
    bad.filter.onDestroy!();
    host.env.clock.advance(2);
    const good = host.request();
    assert.is(good.status, 0);
    assert.is(good.stream.replies.length, 0);
    good.filter.onDestroy!();
  }
  assert.is(host.manager.liveVms, 1);
  assert.is(host.env.clock.armedTimers, 0);
});

/** Host functions that change something, called at every depth until the stack ends. */
const CHANGES: Readonly<Record<string, string>> = {
  proxy_add_header_map_value: `${i32(0)} ${s("x-b")} ${s("2")}`,
  proxy_replace_header_map_value: `${i32(0)} ${s("x-a")} ${s("3")}`,
  proxy_remove_header_map_value: `${i32(0)} ${s("x-b")}`,
  proxy_set_header_map_pairs: `${i32(0)} ${s("\x01\0\0\0\x01\0\0\0\x01\0\0\0b\x001\0")}`,
  proxy_set_shared_data: `${s("key")} ${s("a longer value than the one before")} ${i32(0)}`,
  proxy_get_shared_data: `${s("x-a")} ${out} ${i32(OUT + 8)}`,
  proxy_register_shared_queue: `${s("another")} ${i32(OUT)}`,
  proxy_enqueue_shared_queue: `(i32.load (i32.const 0x180)) ${s("m")}`,
  proxy_dequeue_shared_queue: `(i32.load (i32.const 0x180)) ${out}`,
  proxy_define_metric: `${i32(0)} ${s("another")} ${i32(OUT)}`,
  proxy_set_property: `${s("p")} ${s("v")}`,
  proxy_http_call: `${s("cluster")} ${s("")} ${i32(0, 0, 0, 0, 0)} ${i32(OUT)}`,
  proxy_send_local_response: `${i32(403)} ${s("d")} ${s("b")} ${s("")} ${i32(-1)}`,
  proxy_log: `${i32(2)} ${s("deep")}`,
};

for (const [name, args] of Object.entries(CHANGES)) {
  test(`the stack ends inside ${name}: nothing is half done`, async () => {
    // Frames of different sizes let it end at different places.
    for (let locals = 0; locals < 12; locals++) {
      const uses = Array.from({ length: locals }, (_, i) => `(local.get $l${i})`);
      const declared = Array.from({ length: locals }, (_, i) => `(local $l${i} i64)`).join(" ");
      const sum = uses.reduce((text, each) => `(i64.add ${text} ${each})`, "(i64.const 0)");
      const env = new HostileEnvironment();
      const module = await guest({
        callbacks: { proxy_on_request_headers: `${PREPARE} (drop (call $f)) (i32.const 0)` },
        fields: `(func $f (result i64) ${declared}
          (drop (call $${name} ${args})) (i64.add (call $f) ${sum}))`,
      });
      const host = new Host(module, { maxLogLinesPerSecond: 10, cpuBudget: 2_000_000_000 }, env);
      const { plugin } = host;
      const { stream, filter } = host.request();
      assert.match(plugin.root.vm.failure!.diagnostic.message, /call stack is exhausted/, `${locals}`);
      assert.is(stream.replies.length, 1);
      // Everything that outlives the VM is whole.
      const map = stream.requestHeaders!;
      let entries = 0;
      map.forEach((field, value) => {
        entries++;
        assert.is(typeof field, "string");
        assert.is(typeof value, "string");
      });
      assert.is(entries, map.size);
      const { shared } = env;
      const token = shared.resolveQueue("vm", new TextEncoder().encode("q"));
      assert.ok(token > 0);
      assert.is(shared.set("vm", new TextEncoder().encode("after"), new Uint8Array(100), 0), 0);
      assert.is(shared.get("vm", new TextEncoder().encode("after"))!.length, 100);
      assert.is(shared.enqueue(token, new Uint8Array(3)), 0);
      filter.onDestroy!();
      plugin.dispose();
      assert.is(host.manager.liveVms, 0);
      assert.is(shared.scopeBytes("vm"), 0);
      assert.is(plugin.root.calloutCount, 0);
      assert.is(plugin.root.vm.callouts.calls, 0);
      assert.ok(env.calls.every((call) => call.cancelled));
      env.clock.advance(2000);
      assert.is(env.clock.armedTimers, 0);
    }
  });
}

test("the host calls the guest back from a host function for its allocator only, and that cannot go deeper", async () => {
  for (
    const call of [
      `(drop (call $proxy_get_property ${s("known")} ${out}))`,
      `(drop (call $proxy_get_header_map_value ${i32(0)} ${s("x-a")} ${out}))`,
      `(drop (call $proxy_continue_stream (i32.const 0)))`,
    ]
  ) {
    const module = await striker(
      "proxy_on_request_headers",
      `(drop (call $proxy_get_header_map_value ${i32(0)} ${s("x-a")} ${out})) (i32.const 0)`,
      { allocator: `(func (export "malloc") (param i32) (result i32) ${call} (i32.const 0x400))` },
    );
    const { failure } = strike(module, "proxy_on_request_headers");
    assert.match(failure!.diagnostic.message, /restricted_callback/);
  }
});

test("streams that let one another go on, each from the callback of the one before: from the event loop at last", async () => {
  // The response of stream n lets stream n + 1 go on, which is answered at once.
  const COUNT = 20_000;
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: "(i32.const 1)",
        proxy_on_response_headers: `(drop (call $proxy_set_effective_context (i32.add (local.get $id) (i32.const 1))))
          (drop (call $proxy_continue_stream (i32.const 0))) (i32.const 0)`,
      },
    }),
  );
  let answered = 0;
  const streams = Array.from({ length: COUNT }, () => host.request());
  for (const { stream, filter } of streams) {
    stream.onEvent = (event) => {
      if (event !== "continueRequest") return;
      answered++;
      filter.onResponseHeaders!(HeaderMap.of({ ":status": "200" }), true);
    };
  }
  streams[0]!.filter.onResponseHeaders!(HeaderMap.of({ ":status": "200" }), true);
  assert.ok(answered < 20, String(answered));
  host.env.clock.advance(0);
  assert.is(answered, COUNT - 1);
  assert.is(host.plugin.root.vm.failure, null);
});

// --- Guests that catch ---

test("a guest that catches what ends it dies all the same, and runs nothing more", async () => {
  const ends: readonly string[] = [
    "(call $proc_exit (i32.const 1))",
    "(call $proc_exit (i32.const 0))",
    `(call $abort ${i32(0, 0, 0, 0)})`,
    `(drop (call $proxy_get_header_map_value ${i32(0)} ${s("x-a")} ${out}))`,
  ];
  for (const end of ends) {
    const env = new HostileEnvironment();
    const module = await compile(guestText({
      callbacks: {
        proxy_on_request_headers: `(try (do ${end}) (catch_all))
          ${note("proxy_set_shared_data", s("alive"), s("1"), i32(0))}
          (call $idle) (call $note (i32.const 99)) (i32.const 0)`,
        proxy_on_done: "(call $note (i32.const 7)) (i32.const 1)",
      },
      fields: "(func $idle (loop))",
      // What allocates is refused while it allocates.
      allocator: `(func (export "malloc") (param i32) (result i32) (drop (call $proxy_done)) (i32.const 0x400))`,
    }));
    const { failure, plugin, stream } = strike(module, "proxy_on_request_headers", {}, env);
    assert.is(failure?.state, "RuntimeError", end);
    assert.equal(stream.replies.map((reply) => reply.details), ["wasm_fail_stream"]);
    // The meter ends it at its next function.
    const { memory } = plugin!.root.vm;
    const notes = Array.from({ length: memory.getU32(0x8000) }, (_, i) => memory.getU32(0x8004 + 4 * i));
    assert.not.ok(notes.includes(99), end);
  }
});

test("without a meter a guest that catches runs to the end of its callback, and never again", async () => {
  const module = await compile(guestText({
    callbacks: {
      proxy_on_request_headers: "(try (do (call $proc_exit (i32.const 1))) (catch_all)) (i32.const 0)",
      proxy_on_log: "(call $note (i32.const 7))",
    },
  }));
  const host = new Host({ ...module, meter: null });
  const { stream, filter, status } = host.request();
  assert.is(status, 4);
  assert.is(stream.replies.length, 1);
  filter.onLog!();
  filter.onDestroy!();
  assert.equal(host.notes(), []);
  assert.is(host.request().stream.replies.length, 1);
});

/** A host whose ports throw what no guest is to blame for. */
function faultyEnvironment(): HostileEnvironment {
  const env = new HostileEnvironment();
  env.properties.get = () => {
    throw new TypeError("a fault of the host");
  };
  return env;
}

test("a guest that catches a fault of the host, or an exception of its own allocator, dies all the same", async () => {
  const ends: Readonly<Record<string, RegExp>> = {
    [`(drop (call $proxy_get_property ${s("known")} ${out}))`]: /a fault of the host/,
    [`(drop (call $proxy_get_header_map_value ${i32(0)} ${s("x-a")} ${out}))`]: /threw an exception|wasm exception/,
  };
  for (const [end, message] of Object.entries(ends)) {
    const module = await compile(guestText({
      callbacks: {
        proxy_on_request_headers: `(try (do ${end}) (catch_all))
          ${
          note("proxy_set_shared_data", s("alive"), s("1"), i32(0))
        } (call $idle) (call $note (i32.const 99)) (i32.const 0)`,
        proxy_on_done: "(call $note (i32.const 7)) (i32.const 1)",
      },
      fields: "(func $idle (loop)) (tag $own)",
      allocator: `(func (export "malloc") (param i32) (result i32) (throw $own) (i32.const 0x400))`,
    }));
    for (const isMetered of [true, false]) {
      const env = faultyEnvironment();
      const { failure, plugin, stream } = strike(
        isMetered ? module : { ...module, meter: null },
        "proxy_on_delete",
        {},
        env,
      );
      assert.is(failure?.state, "RuntimeError", end);
      assert.match(failure!.diagnostic.message, message);
      assert.equal(stream.replies.map((reply) => reply.details), ["wasm_fail_stream"]);
      const { memory } = plugin!.root.vm;
      const notes = Array.from({ length: memory.getU32(0x8000) }, (_, i) => memory.getU32(0x8004 + 4 * i));
      // Whatever it calls of the host ends it again, with a meter or without.
      assert.equal(notes, []);
      assert.is(env.shared.get("vm", new TextEncoder().encode("alive")), null);
    }
  }
});

test("traps and stack overflows cannot be caught", async () => {
  for (const end of ["unreachable", "(drop (i32.div_u (i32.const 1) (i32.const 0)))", "(call $f)"]) {
    const module = await compile(guestText({
      callbacks: { proxy_on_request_headers: `(try (do ${end}) (catch_all)) (i32.const 0)` },
      fields: "(func $f (call $f) (call $f))",
    }));
    assert.is(strike(module, "proxy_on_request_headers").failure?.state, "RuntimeError", end);
  }
});

test("an exception of the guest that nobody catches ends it", async () => {
  const module = await compile(guestText({
    callbacks: { proxy_on_request_headers: "(throw $tag) (i32.const 0)" },
    fields: "(tag $tag)",
  }));
  const { failure, stream } = strike(module, "proxy_on_request_headers");
  assert.match(failure!.diagnostic.message, /threw an exception|wasm exception/);
  assert.is(stream.replies.length, 1);
});

// --- Ends of all kinds in every callback ---

const ENDS: Readonly<Record<string, readonly [code: string, message: RegExp]>> = {
  "unreachable": ["unreachable", /unreachable/],
  "proc_exit(0)": ["(call $proc_exit (i32.const 0)) unreachable", /proc_exit\(0\)/],
  "proc_exit(1)": ["(call $proc_exit (i32.const 1)) unreachable", /proc_exit\(1\)/],
  "abort": [`(call $abort ${i32(0, 0, 0, 0)}) unreachable`, /abort/],
  "a division by zero": ["(drop (i32.div_s (i32.const 1) (i32.const 0))) unreachable", /divide by zero/],
  "a read outside of memory": ["(drop (i32.load (i32.const -4))) unreachable", /out of bounds/],
  "a call of nothing": ["(call_indirect (i32.const 0)) unreachable", /null function|function signature|table index/],
};

for (const [what, [code, message]] of Object.entries(ENDS)) {
  test(`${what} in every callback`, async () => {
    for (const name of STRUCK) {
      const module = await striker(name, code, { fields: "(table 1 funcref)" });
      const { diagnostics, failure, manager, plugin, env, stream, connection } = strike(module, name);
      if (AT_START.includes(name)) {
        // An end is no way to say yes.
        assert.equal(diagnostics.map((row) => row.code), ["wasm/trap"], name);
        assert.match(diagnostics[0]!.message, message);
        assert.is(manager.liveVms, 0);
        continue;
      }
      assert.is(failure?.state, "RuntimeError", name);
      assert.match(failure!.diagnostic.message, message);
      assert.match(failure!.diagnostic.message, `Function: ${name} failed`);
      assert.ok(stream.replies.length <= 1 && connection.events.length <= 1);
      const { calls } = plugin!.root.vm;
      happen("proxy_on_delete", env, plugin!, new FakeHttpStream());
      env.clock.advance(100);
      assert.is(plugin!.root.vm.calls, calls, name);
      plugin!.dispose();
      assert.is(env.clock.armedTimers, 0, name);
      assert.is(env.happened.filter((each) => each === "failed").length, 1, name);
    }
  });
}

test.run();
