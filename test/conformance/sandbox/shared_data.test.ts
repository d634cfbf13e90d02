// test/conformance/sandbox/shared_data.test.ts: group 20: shared data and queues, filled and misused.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromUtf8 } from "../../../host/base/bytes.ts";
import { guest, Host, i32, note, OUT, out, s } from "../../host/wasm/guest.ts";
import { HostileEnvironment } from "./strike.ts";

/** Keys of four bytes, which count up in memory at 0x700. */
const NEXT_KEY = "(i32.store (i32.const 0x700) (i32.add (i32.load (i32.const 0x700)) (i32.const 1)))";

/** Calls until the answer is not Ok or it was asked so often; notes both. */
function repeat(call: string, times: number): string {
  return `(local.set $x (i32.const 0)) (block $done (loop $more
      ${NEXT_KEY} (local.set $y ${call}) (br_if $done (local.get $y))
      (br_if $more (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (i32.const ${times})))))
    (call $note (local.get $x)) (call $note (local.get $y))`;
}

const GENEROUS = { cpuBudget: 2_000_000_000 };

async function host(body: string, parts: object = {}, pages = 400): Promise<Host> {
  const module = await guest({
    memory: `(memory (export "memory") ${pages})`,
    callbacks: { proxy_on_request_headers: `${body} (i32.const 0)` },
  });
  return new Host(module, { ...GENEROUS, ...parts }, new HostileEnvironment());
}

function limits(from: Host, name: string): number {
  return (from.env as HostileEnvironment).limits.get(name as "queues") ?? 0;
}

test("values of 20 MB: refused by a status that SDKs take, told once, counted", async () => {
  const set = note("proxy_set_shared_data", s("key"), i32(0, 20_000_000), i32(0));
  const filled = await host(set.repeat(3) + note("proxy_set_shared_data", s("key"), s("small"), i32(0)));
  filled.request();
  assert.equal(filled.notes(), [8, 8, 8, 0]);
  assert.is(limits(filled, "shared_data"), 3);
  assert.is(filled.env.texts(3).filter((text) => /limit of shared memory/.test(text)).length, 1);
});

test("a million keys: up to the limit of keys or bytes, and the others still work", async () => {
  const call = `(call $proxy_set_shared_data ${i32(0x700, 4)} ${s("v")} ${i32(0)})`;
  const keys = await host(repeat(call, 1_000_000), { maxSharedKeys: 5000 }, 4);
  keys.request();
  assert.equal(keys.notes(), [5000, 8]);
  const bytes = await host(repeat(call, 1_000_000), { maxSharedBytes: 200_000 }, 4);
  bytes.request();
  const [count, status] = bytes.notes();
  assert.is(status, 8);
  assert.ok(count! > 1000 && count! < 10_000, String(count));
  assert.ok(bytes.env.shared.scopeBytes("vm") <= 200_000);
  assert.is(bytes.env.shared.set("elsewhere", fromUtf8("k"), fromUtf8("v"), 0), 10);
  bytes.env.shared.retain("elsewhere");
  assert.is(bytes.env.shared.set("elsewhere", fromUtf8("k"), fromUtf8("v"), 0), 0);
});

test("keys of a megabyte are not there, and are not hashed", async () => {
  const keys = await host(
    note("proxy_get_shared_data", i32(0, 1_000_000), out, i32(OUT + 8)) +
      note("proxy_set_shared_data", i32(0, 1_000_000), s("v"), i32(0)) +
      note("proxy_set_shared_data", i32(0, 65536), s("v"), i32(0)) +
      note("proxy_get_shared_data", i32(0, 65536), out, i32(OUT + 8)) +
      note("proxy_set_shared_data", i32(0, 0), s("v"), i32(0)) +
      note("proxy_get_shared_data", i32(0, 0), out, i32(OUT + 8)),
  );
  keys.request();
  // The notes change what is at the beginning of memory, and so that key.
  assert.equal(keys.notes(), [1, 8, 0, 1, 0, 0]);
});

test("compare-and-swap numbers that were never given", async () => {
  const cas = OUT + 8;
  const swaps = await host(
    note("proxy_set_shared_data", s("k"), s("1"), i32(12345)) +
      note("proxy_set_shared_data", s("k"), s("2"), i32(12345)) +
      note("proxy_set_shared_data", s("k"), s("2"), i32(-1)) +
      note("proxy_get_shared_data", s("k"), out, i32(cas)) +
      note("proxy_set_shared_data", s("k"), s("3"), `(i32.load (i32.const ${cas}))`) +
      note("proxy_set_shared_data", s("k"), s("4"), `(i32.load (i32.const ${cas}))`) +
      note("proxy_get_shared_data", s("k"), out, i32(cas)),
  );
  swaps.request();
  assert.equal(swaps.notes(), [0, 8, 8, 0, 0, 8, 0]);
  assert.is(swaps.result(), "3");
});

test("the data of another vm_id cannot be read, written, or be filled", async () => {
  const env = new HostileEnvironment();
  const module = await guest({
    callbacks: {
      proxy_on_request_headers: note("proxy_get_shared_data", s("secret"), out, i32(OUT + 8)) +
        note("proxy_set_shared_data", s("secret"), s("overwritten"), i32(0)) + "(i32.const 0)",
    },
  });
  const victim = new Host(module, { vmId: "victim", name: "victim" }, env);
  env.shared.set("victim", fromUtf8("secret"), fromUtf8("value"), 0);
  const intruder = new Host(module, { vmId: "intruder", name: "intruder", maxSharedBytes: 100 }, env);
  intruder.request();
  assert.equal(intruder.notes(), [1, 0]);
  assert.equal(env.shared.get("victim", fromUtf8("secret")), fromUtf8("value"));
  // The same bytes are in no other place: not by a name that contains the other's.
  for (const vmId of ["", "victim\0", "victim\0secret", "__proto__"]) {
    const other = new Host(module, { vmId, name: "other" }, env);
    other.request();
    assert.equal(other.notes(), [1, 0]);
  }
  victim.request();
  assert.equal(victim.notes(), [0, 0]);
});

// --- Queues ---

const TOKEN = `(i32.load (i32.const ${OUT}))`;

test("a thousand queues: up to the limit; what cannot be made takes and gives nothing", async () => {
  const call = `(call $proxy_register_shared_queue ${i32(0x700, 4, OUT)})`;
  const queues = await host(
    repeat(call, 1000) + note("proxy_enqueue_shared_queue", TOKEN, s("m")) +
      note("proxy_dequeue_shared_queue", TOKEN, i32(OUT + 8, OUT + 12)),
  );
  queues.request();
  assert.equal(queues.notes(), [1000, 0, 1, 1]);
  assert.is(limits(queues, "queues"), 1000 - 128);
  assert.is(queues.env.texts(3).filter((text) => /limit of queues/.test(text)).length, 1);
});

test("a million messages: up to the limit, then NotFound; room again after one was taken", async () => {
  const queues = await host(
    `(drop (call $proxy_register_shared_queue ${s("q")} ${i32(OUT)}))` +
      repeat(`(call $proxy_enqueue_shared_queue ${TOKEN} ${s("message")})`, 1_000_000) +
      note("proxy_dequeue_shared_queue", TOKEN, i32(OUT + 8, OUT + 12)) +
      note("proxy_enqueue_shared_queue", TOKEN, s("message")) +
      note("proxy_enqueue_shared_queue", TOKEN, s("message")),
    { maxQueuedMessages: 3000 },
  );
  queues.request();
  assert.equal(queues.notes(), [3000, 1, 0, 0, 1]);
  assert.is(limits(queues, "queued_messages"), 2);
});

test("tokens that nobody has", async () => {
  const tokens = [0, 1, -1, 1023, 1024, 0x7fffffff].filter((token) => token !== 1);
  const calls = tokens.map((token) =>
    note("proxy_enqueue_shared_queue", i32(token), s("m")) + note("proxy_dequeue_shared_queue", i32(token), out)
  ).join("");
  const queues = await host(
    calls + note("proxy_resolve_shared_queue", s("vm"), i32(0, 1_000_000), i32(OUT)) +
      note("proxy_resolve_shared_queue", i32(0, 1_000_000), s("q"), i32(OUT)) +
      note("proxy_resolve_shared_queue", s("nobody"), s("q"), i32(OUT)) +
      note("proxy_register_shared_queue", i32(0, 1_000_000), i32(OUT)),
  );
  queues.request();
  assert.equal(queues.notes(), [...tokens.flatMap(() => [1, 1]), 1, 1, 1, 0]);
});

test("a plugin that puts two messages into its own queue for each that comes: heard in turns, up to the limit", async () => {
  const env = new HostileEnvironment();
  const module = await guest({
    callbacks: {
      proxy_on_configure: `(drop (call $proxy_register_shared_queue ${s("q")} ${i32(OUT)}))
        (drop (call $proxy_enqueue_shared_queue ${TOKEN} ${s("m")})) (i32.const 1)`,
      proxy_on_queue_ready: `(i32.store (i32.const 0x400) (i32.add (i32.load (i32.const 0x400)) (i32.const 1)))
        (drop (call $proxy_enqueue_shared_queue ${TOKEN} ${s("m")}))
        (drop (call $proxy_enqueue_shared_queue ${TOKEN} ${s("m")}))`,
    },
  });
  const turns: (() => void)[] = [];
  const createTimer = env.clock.createTimer.bind(env.clock);
  // The store is made of the same clock.
  env.clock.createTimer = (run) => {
    const timer = createTimer(run);
    return {
      get enabled() {
        return turns.includes(run);
      },
      disable: () => timer.disable(),
      enable: () => void (turns.includes(run) || turns.push(run)),
    };
  };
  env.shared = (env.shared.constructor as unknown as { create(clock: unknown): typeof env.shared }).create(env.clock);
  const queue = new Host(module, { maxQueuedMessages: 500 }, env);
  let before = 0;
  for (let turn = 0; turn < 200 && turns.length > 0; turn++) {
    turns.shift()!();
    const count = queue.u32(0x400);
    assert.ok(count - before <= 65, `${count - before} in one turn`);
    before = count;
  }
  // Nobody takes the messages out, so that no more come.
  assert.is(queue.u32(0x400), 500);
  assert.is(turns.length, 0);
});

test("a queue whose messages each take a budget: one a turn, and then the VM is ended by a loop", async () => {
  const env = new HostileEnvironment();
  const queue = new Host(
    await guest({
      callbacks: {
        proxy_on_configure: `(drop (call $proxy_register_shared_queue ${s("q")} ${i32(OUT)})) (i32.const 1)`,
        proxy_on_queue_ready: "(loop (br 0))",
      },
    }),
    { cpuBudget: 10_000 },
    env,
  );
  for (let i = 0; i < 10; i++) env.shared.enqueue(queue.u32(OUT), fromUtf8("m"));
  env.clock.advance(0);
  assert.is(queue.plugin.root.vm.failure?.state, "RuntimeError");
  const { calls } = queue.plugin.root.vm;
  env.clock.advance(10);
  assert.is(queue.plugin.root.vm.calls, calls);
});

test.run();
