// test/conformance/sandbox/callouts.test.ts: groups 18, 19: calls without end, answers to guests that are gone.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromUtf8 } from "../../../host/base/bytes.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { guest, Host, i32, note, OUT, s } from "../../host/wasm/guest.ts";
import { CALL_REQUEST, HostileEnvironment } from "./strike.ts";

function call(body = s("")): string {
  return `(call $proxy_http_call ${s("cluster")} ${s(CALL_REQUEST)} ${body} ${s("")} ${i32(1000, OUT)})`;
}

const GRPC = `${s("cluster")} ${s("svc")} ${s("M")} ${s("")}`;
const LOOKUP = `(call $envoy_resolve_dns ${s("a.test")} ${i32(OUT)})`;

/** How often a call answers Ok in a row, and what it answers then. */
function countUntilRefused(expression: string): string {
  return `(loop $more
      (local.set $y ${expression})
      (br_if $more (i32.and (i32.eqz (local.get $y))
        (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (i32.const 10000)))))
    (call $note (i32.sub (local.get $x) (i32.const 1))) (call $note (local.get $y))`;
}

function answer(env: HostileEnvironment): void {
  for (const each of env.calls.splice(0)) {
    each.callbacks.onResponse(HeaderMap.of({ ":status": "200" }), fromUtf8("b"), null);
  }
}

test("10,000 calls: 32 of a stream, 1024 of a VM, and room again after answers", async () => {
  const env = new HostileEnvironment();
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `${countUntilRefused(call())} (i32.const 1)`,
        proxy_on_http_call_response: "(call $note (i32.const 7))",
      },
    }),
    {},
    env,
  );
  host.request();
  assert.equal(host.notes(), [32, 10]);
  for (let i = 1; i < 32; i++) host.request();
  host.notes();
  assert.is(env.calls.length, 1024);
  host.request();
  assert.equal(host.notes(), [0, 10]);
  assert.is(env.limits.get("http_calls"), 33);
  assert.is(env.texts(3).filter((text) => /calls are under way/.test(text)).length, 2);
  answer(env);
  assert.is(host.notes().length, 1024);
  assert.is(host.plugin.root.vm.callouts.calls, 0);
  host.request();
  assert.equal(host.notes(), [32, 10]);
});

test("gRPC calls, gRPC streams and look-ups of names count as well; what ends is not counted any more", async () => {
  const env = new HostileEnvironment();
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `
          (call $note (call $proxy_grpc_call ${GRPC} ${i32(0, 0, 100, OUT)}))
          (call $note (call $proxy_grpc_stream ${GRPC} ${i32(OUT + 4)}))
          (call $note ${LOOKUP}) (call $note ${call()}) (call $note ${LOOKUP})
          (call $note (call $proxy_grpc_cancel (i32.load (i32.const ${OUT + 4}))))
          (call $note ${call()}) (call $note ${call()}) (i32.const 1)`,
      },
    }),
    { maxHttpCallsPerStream: 4 },
    env,
  );
  const { filter } = host.request();
  assert.equal(host.notes(), [0, 0, 0, 0, 10, 0, 0, 10]);
  assert.is(host.plugin.root.vm.callouts.calls, 4);
  env.grpcCalls[0]!.callbacks.onFailure(14, "gone");
  assert.is(host.plugin.root.vm.callouts.calls, 3);
  filter.onDestroy!();
  host.plugin.dispose();
  assert.is(host.plugin.root.vm.callouts.calls, 0);
  assert.is(host.plugin.root.vm.callouts.bytes, 0);
});

test("the bytes of all requests under way are limited", async () => {
  const host = new Host(
    await guest({
      memory: '(memory (export "memory") 40)',
      callbacks: { proxy_on_request_headers: `${countUntilRefused(call(i32(0, 1_000_000)))} (i32.const 1)` },
    }),
    { maxHttpCallBytes: 5_000_000 },
    new HostileEnvironment(),
  );
  host.request();
  assert.equal(host.notes(), [4, 10]);
  const one = new Host(
    await guest({
      memory: '(memory (export "memory") 40)',
      callbacks: {
        proxy_on_request_headers: `(call $note ${call(i32(0, 2_000_000))})
          (call $note (call $proxy_grpc_call ${GRPC} ${i32(0, 2_000_000, 100, OUT)})) (i32.const 1)`,
      },
    }),
    { maxHttpCallBytes: 1_000_000 },
    new HostileEnvironment(),
  );
  one.request();
  assert.equal(one.notes(), [10, 10]);
});

test("clusters that do not exist, time-outs of all kinds, names of a megabyte", async () => {
  const env = new HostileEnvironment();
  const timeouts = [0, 1, 0x7fffffff, -1, -0x80000000];
  const host = new Host(
    await guest({
      memory: '(memory (export "memory") 40)',
      callbacks: {
        proxy_on_request_headers: timeouts.map((timeout) =>
          note("proxy_http_call", s("cluster"), s(CALL_REQUEST), s(""), s(""), i32(timeout, OUT))
        ).join("") +
          note("proxy_http_call", i32(0x10000, 1_000_000), s(CALL_REQUEST), s(""), s(""), i32(0, OUT)) +
          note("proxy_call_foreign_function", i32(0x10000, 1_000_000), s(""), i32(OUT, OUT)) +
          note("envoy_resolve_dns", i32(0x10000, 1_000_000), i32(OUT)) + "(i32.const 1)",
      },
    }),
    {},
    env,
  );
  host.request();
  assert.equal(host.notes(), [0, 0, 0, 2, 2, 0, 1, 0]);
  assert.ok(env.calls[3]!.request.cluster.length <= 4096);
  assert.ok(env.names[0]!.length <= 4096);
  assert.ok(env.logs.every((row) => row.text.length < 40_000));
});

// --- Guests that are gone ---

const COUNTING = {
  callbacks: {
    proxy_on_request_headers: `(drop ${call()})
      (if (i32.eq (local.get $a) (i32.const 5)) (then unreachable)) (i32.const 1)`,
    proxy_on_http_call_response: "(call $note (local.get $a))",
  },
};

test("an answer after the stream's end goes to the plugin; after the plugin's end to nobody", async () => {
  const env = new HostileEnvironment();
  const host = new Host(await guest(COUNTING), {}, env);
  const { filter } = host.request();
  filter.onDestroy!();
  answer(env);
  assert.is(host.notes().length, 1);
  host.request().filter.onDestroy!();
  const [late] = env.calls.splice(0);
  host.plugin.dispose();
  assert.ok(late!.cancelled);
  late!.callbacks.onResponse(HeaderMap.of({ ":status": "200" }), fromUtf8(""), null);
  late!.callbacks.onFailure("reset");
  assert.equal(host.notes(), []);
});

test("an answer to a VM that has failed, or to the one before a reload, reaches nobody", async () => {
  const env = new HostileEnvironment();
  const host = new Host(await guest(COUNTING), { failurePolicy: "FAIL_RELOAD", reloadIntervalMs: 1 }, env);
  host.request().filter.onDestroy!();
  const first = env.calls.splice(0);
  host.request({ ":authority": "a", ":path": "/", ":method": "GET", a: "1", poison: "1" }).filter.onDestroy!();
  assert.ok(first[0]!.cancelled);
  env.clock.advance(2);
  env.calls.splice(0);
  const { filter } = host.request();
  assert.is(host.plugin.root.vm.failure, null);
  for (const each of first) each.callbacks.onResponse(HeaderMap.of({ ":status": "200" }), fromUtf8(""), null);
  // The new VM gives the same numbers, and hears of its own calls only.
  const notes = host.plugin.root.vm.memory.getU32(0x8000);
  assert.is(notes, 0);
  answer(env);
  assert.is(host.plugin.root.vm.memory.getU32(0x8000), 1);
  filter.onDestroy!();
});

test("an answer twice, and an answer and a failure: the first counts", async () => {
  const env = new HostileEnvironment();
  const host = new Host(await guest(COUNTING), {}, env);
  host.request();
  const [each] = env.calls;
  each!.callbacks.onFailure("reset");
  each!.callbacks.onResponse(HeaderMap.of({ ":status": "200" }), fromUtf8(""), null);
  each!.callbacks.onFailure("reset");
  assert.is(host.notes().length, 1);
});

// --- Answers that are there at once ---

/** What is asked for from the event loop, one turn at a time. */
function eventLoop(env: HostileEnvironment): (() => void)[] {
  const turns: (() => void)[] = [];
  const createTimer = env.clock.createTimer.bind(env.clock);
  env.clock.createTimer = (run) => {
    let isArmed = false;
    const timer = createTimer(run);
    return {
      get enabled() {
        return isArmed;
      },
      disable: () => timer.disable(),
      enable: (delayMs) => {
        assert.is(delayMs, 0);
        if (isArmed) return;
        isArmed = true;
        turns.push(() => {
          isArmed = false;
          run();
        });
      },
    };
  };
  return turns;
}

const CHAINS: Readonly<Record<string, readonly [callback: string, ask: string]>> = {
  "HTTP calls": ["proxy_on_http_call_response", `(drop ${call()})`],
  "look-ups": ["envoy_on_resolve_dns", `(drop ${LOOKUP})`],
  "gRPC calls": ["proxy_on_grpc_close", `(drop (call $proxy_grpc_call ${GRPC} ${i32(0, 0, 100, OUT)}))`],
};

for (const [what, [callback, ask]] of Object.entries(CHAINS)) {
  test(`${what} that are answered at once, each asking for the next one: a turn of the event loop for each`, async () => {
    const env = new HostileEnvironment();
    const turns = eventLoop(env);
    env.inlineAnswer = (callbacks) => callbacks.onResponse(HeaderMap.of({ ":status": "503" }), fromUtf8(""), null);
    env.dns.resolve = (_name, onAnswer) => onAnswer([]);
    env.grpc!.call = (_request, _message, _timeout, callbacks) => {
      callbacks.onFailure(14, "at once");
      return { cancel: () => {} };
    };
    const host = new Host(
      await guest({
        callbacks: {
          proxy_on_request_headers: `${ask} (i32.const 1)`,
          [callback]: `(call $note (i32.const 1)) ${ask}`,
        },
      }),
      {},
      env,
    );
    host.request();
    for (let turn = 0; turn < 1000; turn++) {
      assert.is(turns.length, 1);
      assert.equal(host.notes(), turn === 0 ? [] : [1]);
      turns.shift()!();
    }
    assert.ok(host.plugin.root.vm.callouts.calls <= 1);
    host.plugin.root.vm.fail("RuntimeError", { code: "wasm/trap", severity: "error", message: "enough" });
    assert.is(host.plugin.root.vm.callouts.calls, 0);
  });
}

test("many answers at once: no more in one turn than one call may compute", async () => {
  const env = new HostileEnvironment();
  const turns = eventLoop(env);
  env.inlineAnswer = (callbacks) => callbacks.onResponse(HeaderMap.of({ ":status": "503" }), fromUtf8(""), null);
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `${countUntilRefused(call())} (i32.const 1)`,
        // Half of the budget.
        proxy_on_http_call_response: `(call $note (i32.const 1))
          (loop $more (br_if $more (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (i32.const 50000))))`,
      },
    }),
    { cpuBudget: 100_000 },
    env,
  );
  host.request();
  assert.equal(host.notes(), [32, 10]);
  let answers = 0;
  while (turns.length > 0) {
    turns.shift()!();
    const count = host.notes().length;
    assert.ok(count >= 1 && count <= 2, String(count));
    answers += count;
  }
  assert.is(answers, 32);
  assert.is(host.plugin.root.vm.failure, null);
});

// --- gRPC ---

test("gRPC: every use of tokens that are not there, not streams, closed, cancelled", async () => {
  const env = new HostileEnvironment();
  const load = (at: number): string => `(i32.load (i32.const ${OUT + at}))`;
  const uses = (token: string): string =>
    note("proxy_grpc_send", token, s("m"), i32(0)) + note("proxy_grpc_close", token) +
    note("proxy_grpc_cancel", token) +
    note("proxy_grpc_send", token, s("m"), i32(1)) + note("proxy_grpc_close", token) + note("proxy_grpc_cancel", token);
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `
          (drop (call $proxy_grpc_call ${GRPC} ${i32(0, 0, 100, OUT)}))
          (drop (call $proxy_grpc_stream ${GRPC} ${i32(OUT + 4)}))
          (drop ${call()}) (i32.store (i32.const ${OUT + 8}) (i32.load (i32.const ${OUT})))
          ${uses(load(4))} ${uses(i32(0))} ${uses(i32(-1))} ${uses(i32(0x7ffffffd))} ${uses(load(8))} (i32.const 1)`,
        proxy_on_grpc_receive: "(call $note (i32.const 99))",
        proxy_on_grpc_close: "(call $note (i32.const 99))",
      },
    }),
    {},
    env,
  );
  host.request();
  assert.equal(host.notes(), [
    ...[0, 0, 0, 1, 1, 1],
    ...[2, 2, 2, 2, 2, 2],
    ...[2, 2, 2, 2, 2, 2],
    ...[2, 1, 1, 2, 1, 1],
    ...[2, 2, 2, 2, 2, 2],
  ]);
  assert.equal(env.grpcStreams[0]!.sent, ["1 false", "close", "reset"]);
  // Nothing comes any more for what was cancelled.
  const { callbacks } = env.grpcStreams[0]!;
  callbacks.onInitialMetadata(HeaderMap.of({ a: "1" }));
  callbacks.onMessage(fromUtf8("m"));
  callbacks.onTrailingMetadata(HeaderMap.of({ a: "1" }));
  callbacks.onClose(0, "");
  assert.equal(host.notes(), []);
  env.grpcCalls[0]!.callbacks.onFailure(14, "gone");
  env.grpcCalls[0]!.callbacks.onMessage(fromUtf8("late"));
  assert.equal(host.notes(), [99]);
});

test("a gRPC stream that is filled faster than its upstream takes: refused beyond the limit, and room again later", async () => {
  const env = new HostileEnvironment();
  let hasRoom = false;
  let sent = 0;
  env.grpc!.openStream = () => ({
    get hasRoom() {
      return hasRoom;
    },
    send: (message) => void (sent += message.length),
    close: () => {},
    reset: () => {},
  });
  const host = new Host(
    await guest({
      memory: '(memory (export "memory") 20)',
      callbacks: {
        proxy_on_configure: `(drop (call $proxy_grpc_stream ${GRPC} ${i32(OUT)})) (i32.const 1)`,
        proxy_on_request_headers: `${
          countUntilRefused(`(call $proxy_grpc_send (i32.load (i32.const ${OUT})) ${i32(0, 1_000_000, 0)})`)
        } (i32.const 1)`,
      },
    }),
    { maxHttpCallBytes: 5_000_000 },
    env,
  );
  host.request();
  assert.equal(host.notes(), [5, 2]);
  assert.is(sent, 5_000_000);
  assert.is(env.limits.get("http_call_bytes"), 1);
  hasRoom = true;
  host.request();
  assert.ok(sent > 100_000_000, String(sent));
  assert.match(host.plugin.root.vm.failure!.diagnostic.message, /cpu budget/);
});

test("gRPC events that come while the guest runs keep their order", async () => {
  const env = new HostileEnvironment();
  env.grpc!.openStream = (_request, callbacks) => {
    callbacks.onInitialMetadata(HeaderMap.of({ a: "1" }));
    callbacks.onMessage(fromUtf8("one"));
    callbacks.onMessage(fromUtf8("three"));
    later = () => {
      callbacks.onTrailingMetadata(HeaderMap.of({ a: "1", b: "2" }));
      callbacks.onClose(5, "over");
    };
    return { send: () => {}, close: () => {}, reset: () => {} };
  };
  let later = (): void => {};
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: `(drop (call $proxy_grpc_stream ${GRPC} ${i32(OUT)})) (i32.const 1)`,
        proxy_on_grpc_receive_initial_metadata: "(call $note (i32.add (local.get $b) (i32.const 100)))",
        proxy_on_grpc_receive: "(call $note (local.get $b))",
        proxy_on_grpc_receive_trailing_metadata: "(call $note (i32.add (local.get $b) (i32.const 200)))",
        proxy_on_grpc_close: "(call $note (i32.add (local.get $b) (i32.const 300)))",
      },
    }),
    {},
    env,
  );
  host.request();
  assert.equal(host.notes(), []);
  later();
  assert.equal(host.notes(), []);
  env.clock.advance(0);
  assert.equal(host.notes(), [101, 3, 5, 202, 305]);
});

test.run();
