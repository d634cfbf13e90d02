// test/conformance/sandbox/metrics.test.ts: group 21: metrics without end, of the wrong kind, with hostile names.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { FakeHttpStream, GET, guest, Host, i32, note, OUT, s } from "../../host/wasm/guest.ts";
import { StatsStore } from "../../../host/observe/stats.ts";
import { HostileEnvironment, runStream } from "./strike.ts";

/** The number in a local as four letters at 0x700. */
function letters(local: string): string {
  const nibbles = [[15, 0], [240, 4], [3840, 8], [61440, 12]].map(([mask, shift]) =>
    `(i32.shl (i32.and (local.get ${local}) (i32.const ${mask})) (i32.const ${shift}))`
  );
  return `(i32.store (i32.const 0x700) (i32.add (i32.const 0x41414141)
    ${nibbles.reduce((sum, each) => `(i32.or ${sum} ${each})`)}))`;
}

const FLOOD = `(loop $more
    ${letters("$x")}
    (local.set $y (i32.or (local.get $y) (call $proxy_define_metric ${i32(0, 0x700, 4, OUT)})))
    (br_if $more (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (i32.const 20000))))
  (call $note (local.get $y))`;

test("20,000 names: up to the limit; the others are Ok and keep nothing", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `${FLOOD}
          ${note("proxy_increment_metric", `(i32.load (i32.const ${OUT}))`, "(i64.const 5)")}
          ${note("proxy_record_metric", `(i32.load (i32.const ${OUT}))`, "(i64.const 5)")}
          ${note("proxy_get_metric", `(i32.load (i32.const ${OUT}))`, i32(OUT + 8))} (i32.const 0)`,
      },
    }),
    {},
    new HostileEnvironment(),
  );
  host.request();
  assert.equal(host.notes(), [0, 0, 0, 0]);
  assert.is(host.u64(OUT + 8), 0n);
  assert.is(host.env.stats.size, 10_000);
  assert.is((host.env as HostileEnvironment).limits.get("metrics"), 10_000);
  assert.is(host.env.texts(3).length, 1);
});

test("a guest that crashes and defines others the next time has no more in all", async () => {
  const env = new HostileEnvironment();
  // Names begin with the time, so that no two VMs have the same.
  const module = await guest({
    callbacks: {
      proxy_on_configure: `(drop (call $proxy_get_current_time_nanoseconds (i32.const 0x704)))
        (local.set $y (i32.and (i32.div_u (i32.load (i32.const 0x704)) (i32.const 1000000)) (i32.const 0xff)))
        (local.set $y (i32.mul (local.get $y) (i32.const 31)))
        (loop $more
          (local.set $y (i32.add (local.get $y) (i32.const 1)))
          ${letters("$y")}
          (drop (call $proxy_define_metric ${i32(0, 0x700, 4, OUT)}))
          (br_if $more (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (i32.const 30)))) (i32.const 1)`,
      proxy_on_request_headers: "(if (i32.eq (local.get $a) (i32.const 5)) (then unreachable)) (i32.const 0)",
    },
  });
  const host = new Host(module, { maxMetrics: 100, failurePolicy: "FAIL_RELOAD", reloadIntervalMs: 1 }, env);
  for (let i = 0; i < 50; i++) {
    host.request({ ...GET, poison: "1" }).filter.onDestroy!();
    env.clock.advance(2);
  }
  assert.is(env.stats.size, 100);
});

test("another plugin has a limit of its own", async () => {
  const env = new HostileEnvironment();
  const module = await guest({
    callbacks: {
      proxy_on_configure: `(drop (call $proxy_define_metric ${i32(0)} ${s("a")} ${
        i32(OUT)
      })) (drop (call $proxy_define_metric ${i32(0)} ${s("b")} ${i32(OUT)})) (i32.const 1)`,
    },
  });
  new Host(module, { maxMetrics: 1, vmId: "one" }, env);
  assert.equal([...env.stats.keys()], ["counter a"]);
  new Host(module, { maxMetrics: 2, vmId: "two" }, env);
  assert.equal([...env.stats.keys()], ["counter a", "counter b"]);
});

test("types that clash, numbers that are nobody's, amounts of all kinds", async () => {
  const id = (at: number): string => `(i32.load (i32.const ${OUT + at}))`;
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: [
          note("proxy_define_metric", i32(0), s("m"), i32(OUT)),
          note("proxy_define_metric", i32(1), s("m"), i32(OUT + 4)),
          note("proxy_define_metric", i32(2), s("m"), i32(OUT + 8)),
          note("proxy_define_metric", i32(3), s("m"), i32(OUT + 12)),
          note("proxy_define_metric", i32(-1), s("m"), i32(OUT + 12)),
          note("proxy_increment_metric", id(0), "(i64.const -1)"),
          note("proxy_increment_metric", id(0), "(i64.const 0)"),
          note("proxy_increment_metric", id(0), "(i64.const 0x7fffffffffffffff)"),
          note("proxy_increment_metric", id(4), "(i64.const -0x8000000000000000)"),
          note("proxy_increment_metric", id(8), "(i64.const 1)"),
          note("proxy_record_metric", id(8), "(i64.const -1)"),
          note("proxy_get_metric", id(8), i32(OUT + 16)),
          ...[0, 1, 2, 3, 7, 1000, 0x7fffffff, -1].map((bad) =>
            note("proxy_increment_metric", i32(bad), "(i64.const 1)")
          ),
        ].join("\n") + "(i32.const 0)",
      },
    }),
    {},
    new HostileEnvironment(),
  );
  host.request();
  const notes = host.notes();
  assert.equal(notes.slice(0, 12), [0, 0, 0, 2, 2, 2, 2, 0, 0, 2, 0, 2]);
  // NotFound, or BadArgument where the kind of metric is what is wrong.
  assert.ok(notes.slice(12).every((status) => status === 1 || status === 2));
  assert.is(host.plugin.root.vm.failure, null);
});

test("names that would be lines of their own where statistics are listed", async () => {
  const env = new HostileEnvironment();
  const names = ["a\nfake.counter: 1", "b\r\nc", "d\0e", "f\x1b[31m", "\u2028g", "", "h".repeat(5000), "é"];
  const utf8 = (text: string): string => {
    const bytes = new TextEncoder().encode(text);
    return s(String.fromCharCode(...bytes));
  };
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: names.map((name) => note("proxy_define_metric", i32(0), utf8(name), i32(OUT)))
          .join("") + "(i32.const 0)",
      },
    }),
    {},
    env,
  );
  const stream = new FakeHttpStream();
  runStream(host.plugin.createHttpFilter(stream)!, stream);
  assert.is(env.stats.size, names.length);
  for (const name of env.stats.keys()) {
    // deno-lint-ignore no-control-regex
    assert.not.match(name, /[\x00-\x1f\x7f\u2028]/);
    assert.ok(name.length <= 1032);
  }
  // The store of the proxy takes them all.
  const store = StatsStore.create(1);
  for (const name of env.stats.keys()) store.scope("wasmcustom").counter(name.slice(8)).inc();
  for (const { name } of store.values()) assert.not.match(name, /\n/);
});

test.run();
