// test/conformance/sandbox/phases.test.ts: group 11, 17: every host function in every phase, also where it makes no sense.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Errno, SHIMS } from "../../../abi/mod.ts";
import { guest, i32, note, out, s } from "../../host/wasm/guest.ts";
import { HOSTCALLS, PREPARE, validArguments, WASI_FUNCTIONS } from "./calls.ts";
import { happen, HostileEnvironment, runStream, strike, striker, STRUCK } from "./strike.ts";
import { FakeHttpStream } from "../../host/wasm/guest.ts";

/** May be called at any time. */
const ALWAYS = ["proxy_log"];

for (const row of HOSTCALLS) {
  const call = note(row.name, ...validArguments(row));

  test(`${row.name} while the guest starts`, async () => {
    const module = await guest({ callbacks: {}, fields: `(func (export "_initialize") ${call})` });
    const { diagnostics, manager } = strike(module, "");
    if (ALWAYS.includes(row.name)) return assert.equal(diagnostics, []);
    assert.equal(diagnostics.map((each) => each.code), ["wasm/start-failed"]);
    assert.match(diagnostics[0]!.message, `restricted_callback: ${row.name} was called while the guest starts`);
    assert.is(manager.liveVms, 0);
  });

  test(`${row.name} in the allocator`, async () => {
    const module = await striker(
      "proxy_on_request_headers",
      `(drop (call $proxy_get_header_map_value ${i32(0)} ${s("x-a")} ${out})) (i32.const 0)`,
      { allocator: `(func (export "malloc") (param i32) (result i32) ${call} (i32.const 0x400))` },
    );
    const { failure, env, stream } = strike(module, "proxy_on_request_headers");
    if (ALWAYS.includes(row.name)) return assert.is(failure, null);
    assert.match(failure!.diagnostic.message, `${row.name} was called while the guest allocates memory`);
    assert.is(stream.replies.length, 1);
    assert.is(env.calls.length, 0);
  });

  test(`${row.name} in every callback`, async () => {
    for (const name of STRUCK) {
      // It would call itself again, time and again: see shared_data.test.ts.
      if (row.name === "proxy_enqueue_shared_queue" && name === "proxy_on_queue_ready") continue;
      const result = /create|tick|queue|foreign|close|call_response|grpc|log|delete|resolve/.test(name)
        ? ""
        : "(i32.const 1)";
      const env = new HostileEnvironment();
      env.foreignFunctions.set("echo", (_call, args) => args);
      const module = await striker(name, `${PREPARE} ${call} ${result}`);
      const { diagnostics, failure, plugin, stream } = strike(module, name, {}, env);
      assert.equal(diagnostics, [], name);
      assert.is(failure, null, name);
      const { memory } = plugin!.root.vm;
      const count = memory.getU32(0x8000);
      assert.ok(count > 0, `${name} was not called`);
      for (let i = 0; i < count; i++) {
        const status = memory.getU32(0x8004 + 4 * i);
        assert.ok((row.statuses as readonly number[]).includes(status), `${row.name} in ${name} answers ${status}`);
      }
      assert.ok(stream.replies.length <= 1, name);
      // The plugin still works, and ends without leaving anything.
      const next = new FakeHttpStream();
      if (!name.startsWith("proxy_on_request") && !name.startsWith("proxy_on_response")) {
        const filter = plugin!.createHttpFilter(next);
        runStream(filter!, next);
      }
      plugin!.dispose();
      env.clock.advance(10);
      assert.is(plugin!.root.vm.callouts.calls, plugin!.root.calloutCount, name);
      assert.is(env.clock.armedTimers, plugin!.root.isDeleted ? 0 : env.clock.armedTimers, name);
    }
  });
}

test("WASI and what compilers import: in every phase", async () => {
  const calls = [...WASI_FUNCTIONS, ...SHIMS].filter((row) => !["proc_exit", "abort"].includes(row.name)).map((row) => {
    const args = row.params.map((type) => `(${type}.const 0)`).join(" ");
    return row.results.length === 0 ? `(call $${row.name} ${args})` : `(drop (call $${row.name} ${args}))`;
  }).join("\n");
  const places = [
    { callbacks: {}, fields: `(func (export "_initialize") ${calls})` },
    { callbacks: { proxy_on_request_headers: `${calls} (i32.const 0)` } },
    { callbacks: { proxy_on_log: calls } },
    {
      callbacks: {
        proxy_on_request_headers: `(drop (call $proxy_get_header_map_value ${i32(0)} ${
          s("x-a")
        } ${out})) (i32.const 0)`,
      },
      allocator: `(func (export "malloc") (param i32) (result i32) ${calls} (i32.const 0x400))`,
    },
  ];
  for (const place of places) {
    const { failure, diagnostics, plugin, env } = strike(await guest(place), "proxy_on_delete");
    assert.equal(diagnostics, []);
    assert.is(failure, null);
    happen("proxy_on_delete", env, plugin!);
    assert.is(plugin!.root.vm.failure, null);
  }
  assert.is(Errno.Success, 0);
});

test.run();
