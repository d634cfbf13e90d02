// test/conformance/sandbox/capabilities.test.ts: group 14: every capability denied, one at a time.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CALLBACKS, Errno, Status } from "../../../abi/mod.ts";
import { FakeHttpStream, guest, Host, note } from "../../host/wasm/guest.ts";
import { HOSTCALLS, validArguments, WASI_FUNCTIONS } from "./calls.ts";
import { happen, HostileEnvironment, runStream, strike, striker, STRUCK } from "./strike.ts";

const ALL = [...HOSTCALLS, ...WASI_FUNCTIONS, ...CALLBACKS].map((row) => row.name);

function allBut(name: string): string[] {
  return ALL.filter((each) => each !== name);
}

for (const row of HOSTCALLS) {
  test(`${row.name} denied: InternalFailure, a line in the log, no effect`, async () => {
    const module = await guest({
      callbacks: { proxy_on_request_headers: `${note(row.name, ...validArguments(row))} (i32.const 0)` },
    });
    const host = new Host(module, { allowedCapabilities: allBut(row.name) }, new HostileEnvironment());
    const { stream } = host.request();
    assert.equal(host.notes(), [Status.InternalFailure]);
    assert.equal(host.env.texts(4), [`Attempted call to restricted proxy-wasm capability: ${row.name}`]);
    assert.equal(stream.events, []);
    assert.is(stream.requestHeaders!.size, 4);
    assert.is(host.env.calls.length, 0);
    assert.is(host.env.stats.size, 0);
  });
}

test("functions of WASI denied: NotCapable", async () => {
  for (const row of WASI_FUNCTIONS) {
    const args = row.params.map((type) => `(${type}.const 0)`).join(" ");
    const call = row.results.length === 0 ? `(call $${row.name} ${args})` : note(row.name, args);
    const module = await guest({ callbacks: { proxy_on_request_headers: `${call} (i32.const 0)` } });
    const host = new Host(module, { allowedCapabilities: allBut(row.name) });
    host.request();
    // Even the end of the process is refused, and the guest goes on.
    assert.is(host.plugin.root.vm.failure, null, row.name);
    assert.equal(host.notes(), row.results.length === 0 ? [] : [Errno.NotCapable], row.name);
    assert.is(host.env.texts(4).length, 1, row.name);
  }
});

test("callbacks denied: not called", async () => {
  for (const name of STRUCK) {
    const env = new HostileEnvironment();
    const { failure, diagnostics, plugin } = strike(
      await striker(name, "unreachable"),
      name,
      { allowedCapabilities: allBut(name) },
      env,
    );
    assert.equal(diagnostics, [], name);
    assert.is(failure, null, name);
    const stream = new FakeHttpStream();
    runStream(plugin!.createHttpFilter(stream)!, stream);
    happen("proxy_on_downstream_data", env, plugin!);
    assert.is(plugin!.root.vm.failure, null, name);
    plugin!.dispose();
  }
});

test("nothing allowed at all", async () => {
  const module = await guest({
    callbacks: {
      proxy_on_request_headers: "unreachable",
      proxy_on_vm_start: "unreachable",
      proxy_on_log: "unreachable",
    },
    fields: `(func (export "_initialize") (drop (call $proxy_log ${"(i32.const 0) ".repeat(3)})))`,
  });
  const host = new Host(module, { allowedCapabilities: [] });
  const { stream, filter } = host.request();
  runStream(filter, stream);
  assert.is(host.plugin.root.vm.failure, null);
});

test.run();
