// test/conformance/sandbox/replies.test.ts: groups 16, 17, 34: answers, going on and closing where none of it makes sense.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { FakeConnection, FakeHttpStream, guest, Host, i32, note, queueOf, s } from "../../host/wasm/guest.ts";
import { HostileEnvironment, runStream, strike, striker, STRUCK } from "./strike.ts";

function reply(status = 403, body = s("b")): string {
  return note("proxy_send_local_response", i32(status), s("details"), body, s(""), i32(-1));
}

const CONTINUE = note("proxy_continue_stream", i32(0)) + note("proxy_continue_stream", i32(1));
const CLOSE = note("proxy_close_stream", i32(0));

function count(stream: FakeHttpStream, event: string): number {
  return stream.events.filter((each) => each.startsWith(event)).length;
}

test("answering twice, and answering and going on: one answer, nothing else", async () => {
  for (const body of [reply() + reply(404), reply() + CONTINUE, CONTINUE + reply(), reply().repeat(100)]) {
    const { stream, failure } = strike(
      await striker("proxy_on_request_headers", `${body} (i32.const 0)`),
      "proxy_on_request_headers",
    );
    assert.is(failure, null);
    assert.is(stream.replies.length, 1);
    assert.is(stream.replies[0]!.status, 403);
    assert.is(count(stream, "continue"), 0);
  }
});

test("whatever a callback answers after it has answered the stream, the stream does not go on", async () => {
  for (const status of [0, 1, 2, 3, 4, 5, -1, 0x7fffffff]) {
    const host = new Host(await striker("proxy_on_request_headers", `${reply()} (i32.const ${status})`));
    const { stream, filter, status: answer } = host.request();
    assert.is(answer, 4, String(status));
    assert.is(stream.replies.length, 1);
    // The answer passes the filter; more of the request does not.
    filter.onResponseHeaders!(HeaderMap.of({ ":status": "403" }), true);
    filter.onDestroy!();
    assert.is(count(stream, "continue"), 0);
  }
});

test("callbacks answer with numbers that mean nothing: the stream waits, and is not lost", async () => {
  for (const status of [5, 100, -1, -0x80000000]) {
    const host = new Host(
      await guest({
        callbacks: {
          proxy_on_request_headers: `(i32.const ${status})`,
          proxy_on_request_body: `(i32.const ${status})`,
          proxy_on_request_trailers: `(i32.const ${status})`,
        },
      }),
    );
    const { filter, status: answer } = host.request(undefined, false);
    assert.is(answer, 4);
    assert.is(filter.onRequestBody!(queueOf("x"), false), 3);
    assert.is(filter.onRequestTrailers!(HeaderMap.of({ t: "1" })), 1);
    filter.onDestroy!();
    assert.is(host.plugin.root.vm.contexts.size, 1);
  }
});

test("statuses that cannot be sent are 500", async () => {
  for (const status of [0, 1, 99, 100, 101, 199, 600, 999, 1000, -1, 0x7fffffff]) {
    const { stream } = strike(
      await striker("proxy_on_request_headers", `${reply(status)} (i32.const 1)`),
      "proxy_on_request_headers",
    );
    assert.is(stream.replies[0]!.status, 500, String(status));
  }
});

test("answers and ends from every callback: each stream is answered once at most, and nothing is thrown", async () => {
  for (const name of STRUCK) {
    const result = /create|tick|queue|foreign|close|call_response|grpc|log|delete|resolve/.test(name)
      ? ""
      : "(i32.const 1)";
    for (const calls of [reply(), CLOSE, CONTINUE, reply() + CLOSE + CONTINUE]) {
      const { stream, connection, failure, diagnostics } = strike(await striker(name, `${calls} ${result}`), name);
      assert.equal(diagnostics, []);
      assert.is(failure, null, name);
      assert.ok(stream.replies.length <= 1, name);
      assert.ok(connection.events.length <= 8, name);
    }
  }
});

test("after the end of a stream nothing happens to it any more", async () => {
  for (const name of ["proxy_on_done", "proxy_on_log", "proxy_on_delete"]) {
    const { stream } = strike(
      await striker(name, `${reply()} ${CLOSE} ${CONTINUE} ${name === "proxy_on_done" ? "(i32.const 1)" : ""}`),
      name,
    );
    assert.equal(stream.events, [], name);
  }
});

test("a body of 60 MB is an answer, one beyond the limit is 500 without a body", async () => {
  for (const [size, status, length] of [[60_000_000, 200, 60_000_000], [70_000_000, 500, 0]] as const) {
    const { stream, env } = strike(
      await striker("proxy_on_request_headers", `${reply(200, i32(0, size))} (i32.const 1)`, {
        memory: '(memory (export "memory") 1200)',
      }),
      "proxy_on_request_headers",
    );
    assert.equal([stream.replies[0]!.status, stream.replies[0]!.body.length], [status, length]);
    assert.is(env.limits.get("body_bytes") ?? 0, length === 0 ? 1 : 0);
  }
});

test("details that are long, or would end a line", async () => {
  const details = "a b\tc\r\nd\x1b[31m\0e".padEnd(5000, "x");
  const { stream } = strike(
    await striker(
      "proxy_on_request_headers",
      note("proxy_send_local_response", i32(403), s(details), s(""), s(""), i32(-1)) + "(i32.const 1)",
    ),
    "proxy_on_request_headers",
  );
  assert.is(stream.replies[0]!.details, "a_b_c__d_[31m_e".padEnd(1024, "x"));
});

test("gRPC statuses that do not exist are none", async () => {
  for (
    const [status, expected] of [[-1, undefined], [17, undefined], [1 << 30, undefined], [16, 16], [0, 0]] as const
  ) {
    const { stream } = strike(
      await striker(
        "proxy_on_request_headers",
        note("proxy_send_local_response", i32(403), s(""), s(""), s(""), i32(status)) + "(i32.const 1)",
      ),
      "proxy_on_request_headers",
    );
    assert.is(stream.replies[0]!.grpcStatus, expected);
  }
});

// --- Other streams ---

/** Acts on the context whose number is in the memory at 0x200. */
const OTHER = `${note("proxy_set_effective_context", "(i32.load (i32.const 0x200))")}`;

async function actor(calls: string): Promise<Host> {
  return new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers:
          `(if (i32.eqz (i32.load (i32.const 0x200))) (then (i32.store (i32.const 0x204) (local.get $id)) (return (i32.const 1))))
          ${OTHER} ${calls} (i32.const 1)`,
      },
    }),
    {},
    new HostileEnvironment(),
  );
}

test("another stream is answered, let go on, closed: once, after the callback, and only that one", async () => {
  for (
    const [calls, event] of [[reply(), "sendLocalReply"], [CONTINUE, "continueRequest"], [CLOSE, "reset"]] as const
  ) {
    const host = await actor(calls + calls);
    const paused = host.request();
    host.plugin.root.vm.memory.setU32(0x200, host.u32(0x204));
    const acting = host.request();
    assert.is(count(paused.stream, event), event === "reset" ? 2 : 1);
    assert.equal(acting.stream.events, []);
    assert.is(acting.status, 4);
  }
});

test("a stream that is gone, a plugin's context, numbers that are nobody's: nothing happens", async () => {
  const host = await actor(reply() + CONTINUE + CLOSE);
  const gone = host.request();
  const goneId = host.u32(0x204);
  gone.filter.onDestroy!();
  const ids = [goneId, 0, 12345, -1, host.plugin.root.id];
  for (const id of ids) {
    host.plugin.root.vm.memory.setU32(0x200, id === 0 ? -2 : id);
    const { stream, status } = host.request();
    const [effective] = host.notes();
    assert.is(effective, id === host.plugin.root.id ? 0 : 2, String(id));
    assert.equal(gone.stream.events, []);
    // Without another context the calls are about the stream itself.
    assert.is(stream.replies.length, effective === 0 ? 0 : 1);
    assert.is(status, 4);
  }
  assert.is(host.plugin.root.vm.failure, null);
});

test("contexts of another VM cannot be reached, whatever their number", async () => {
  const module = await guest({
    callbacks: {
      proxy_on_request_headers: `(local.set $x (i32.const 1))
        (loop $more
          (if (i32.ne (local.get $x) (local.get $id)) (then
            (if (i32.eqz (call $proxy_set_effective_context (local.get $x))) (then
              ${reply()} ${CLOSE}
              (drop (call $proxy_add_header_map_value ${i32(0)} ${s("x-intruder")} ${s("1")}))))))
          (br_if $more (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (i32.const 1000))))
        (i32.const 1)`,
    },
  });
  const victim = new Host(await striker("proxy_on_request_headers", "(i32.const 1)"));
  const waiting = Array.from({ length: 20 }, () => victim.request());
  const intruder = new Host(module, {}, victim.env);
  intruder.request();
  intruder.request();
  for (const { stream } of waiting) {
    assert.equal(stream.events, []);
    assert.is(stream.requestHeaders!.get("x-intruder"), null);
  }
});

test("going on and closing by numbers of kinds that do not exist, or of the other protocol", async () => {
  const calls = [-1, 2, 3, 4, 1000].map((type) =>
    note("proxy_continue_stream", i32(type)) + note("proxy_close_stream", i32(type))
  ).join("");
  const host = new Host(await striker("proxy_on_request_headers", `${calls} (i32.const 1)`));
  const { stream } = host.request();
  assert.equal(host.notes(), [2, 2, 0, 0, 0, 0, 2, 2, 2, 2]);
  assert.equal(stream.events, []);
});

test("ten thousand requests to go on, from one callback: kept up to the limit, and done once", async () => {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers: "(i32.const 1)",
        proxy_on_tick: `(drop (call $proxy_set_effective_context (i32.const 2)))
          (loop $more (drop (call $proxy_continue_stream (i32.const 0)))
            (br_if $more (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (i32.const 50000))))`,
        proxy_on_configure: "(drop (call $proxy_set_tick_period_milliseconds (i32.const 5))) (i32.const 1)",
      },
    }),
    {},
    new HostileEnvironment(),
  );
  const { stream } = host.request();
  host.env.clock.advance(5);
  assert.is(count(stream, "continueRequest"), 1);
  assert.is((host.env as HostileEnvironment).limits.get("deferred"), 40_000);
  assert.is(host.env.texts(3).length, 1);
});

test("an answer is not lost to the limit", async () => {
  const host = new Host(
    await striker("proxy_on_request_headers", `${CLOSE.repeat(5)} ${reply()} (i32.const 1)`),
    { maxDeferred: 2 },
  );
  assert.is(host.request().stream.replies.length, 1);
});

// --- Streams that are never let go ---

test("a thousand streams that their guest holds: each ends when its connection does, and leaves nothing", async () => {
  const host = new Host(await striker("proxy_on_request_headers", "(i32.const 1)"));
  const held = Array.from({ length: 1000 }, () => host.request());
  assert.is(host.plugin.status().streams, 1000);
  for (const { filter } of held) filter.onDestroy!();
  assert.is(host.plugin.status().streams, 0);
  assert.is(host.plugin.root.vm.contexts.size, 1);
});

test("contexts up to a limit; streams beyond it are treated as those of a failed VM", async () => {
  for (const failurePolicy of ["FAIL_CLOSED", "FAIL_OPEN"] as const) {
    const env = new HostileEnvironment();
    const host = new Host(
      await striker("proxy_on_request_headers", "(i32.const 1)"),
      { maxContexts: 11, failurePolicy },
      env,
    );
    const held = Array.from({ length: 10 }, () => host.request());
    const stream = new FakeHttpStream();
    const filter = host.plugin.createHttpFilter(stream);
    if (failurePolicy === "FAIL_OPEN") assert.is(filter, null);
    else runStream(filter!, stream, "proxy_on_request_headers");
    assert.is(stream.replies.length, failurePolicy === "FAIL_OPEN" ? 0 : 1);
    assert.is(host.plugin.createNetworkFilter(new FakeConnection()) === null, failurePolicy === "FAIL_OPEN");
    assert.is(env.limits.get("contexts"), 2);
    held[0]!.filter.onDestroy!();
    assert.is(host.request().stream.replies.length, 0);
    assert.is(host.plugin.root.vm.failure, null);
  }
});

test("a body that a guest makes larger and larger is refused beyond the limit", async () => {
  const host = new Host(
    await guest({
      memory: '(memory (export "memory") 20)',
      callbacks: {
        proxy_on_request_body: `(loop $more
          (local.set $y (call $proxy_set_buffer_bytes ${i32(0, 0, 0, 0, 1_000_000)}))
          (br_if $more (i32.and (i32.eqz (local.get $y))
            (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (i32.const 100)))))
          (call $note (local.get $x)) (call $note (local.get $y)) (i32.const 0)`,
      },
    }),
    { maxBodyBytes: 10_000_000 },
    new HostileEnvironment(),
  );
  const { filter } = host.request(undefined, false);
  const body = queueOf("x".repeat(500));
  filter.onRequestBody!(body, false);
  assert.ok(body.length <= 10_000_000, String(body.length));
  assert.is(host.plugin.root.vm.failure, null);
  assert.is((host.env as HostileEnvironment).limits.get("body_bytes"), 1);
  // One that came larger can be made smaller, or be changed in place.
  const large = queueOf("x".repeat(11_000_000));
  filter.onRequestBody!(large, true);
  assert.is(large.length, 11_000_000);
});

test.run();
