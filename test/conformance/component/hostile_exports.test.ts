// test/conformance/component/hostile_exports.test.ts: every export of a component that misbehaves in every way.
/**
 * Traps, endless loops, endless recursion and exceptions in each export, the allocator, what frees results, what
 * ends objects; every host function at every time. Each stream is answered once, nothing of a guest that has
 * failed runs any more, and nothing is left of it.
 *
 * @module
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { FakeConnection, FakeHttpStream } from "../../host/wasm/guest.ts";
import { happen, HostileEnvironment } from "../sandbox/strike.ts";
import {
  ALONE,
  ARGS,
  AT_START,
  HOST_FUNCTIONS,
  HOST_NAMES,
  hostileComponent,
  HostileHost,
  hostileModule,
  loadComponent,
  METRIC,
  type Order,
  TEXT,
  What,
  WHERES,
  worldOf,
} from "./hostile_guest.ts";

const EXPORTS = WHERES.filter((where) => where !== "" && where !== "start");
const LATER = EXPORTS.filter((where) => !AT_START.includes(where));
const BUDGET = { cpuBudget: 200_000, startCpuBudget: 200_000 };

const ENDS: Readonly<Record<string, readonly [what: number, message: RegExp]>> = {
  "traps": [What.Trap, /unreachable/],
  "loops": [What.Loop, /cpu budget exhausted/],
  "calls itself": [What.Recurse, /call stack is exhausted|cpu budget exhausted/],
  "throws": [What.Throw, /threw an exception|wasm exception/],
};

async function strike(
  order: Order,
  parts = {},
  env: HostileEnvironment = new HostileEnvironment(),
): Promise<HostileHost> {
  const host = new HostileHost(await hostileModule(worldOf(order.where)), order, parts, env);
  host.strike(order.where);
  return host;
}

/** Whatever may still come to a plugin. */
function everything(host: HostileHost): void {
  const { env, plugin } = host;
  for (const name of ["proxy_on_delete", "proxy_on_tick"]) happen(name, env, plugin, new FakeHttpStream());
  happen("proxy_on_downstream_connection_close", env, plugin, new FakeHttpStream(), new FakeConnection());
  for (const call of env.calls) call.callbacks.onFailure("reset");
  env.clock.advance(100);
}

for (const [what, [kind, message]] of Object.entries(ENDS)) {
  for (const where of LATER) {
    test(`${where} ${what}`, async () => {
      const host = await strike({ where, what: kind }, BUDGET);
      assert.match(host.failure ?? "it went well", message);
      assert.is(host.alive, 0);
      assert.ok(host.struck.replies.length <= 1);
      assert.ok(host.connection.events.filter((event) => event.startsWith("close")).length <= 1);
      const { entered } = host;
      everything(host);
      assert.is(host.entered, entered, "nothing enters a guest that has failed");
      host.plugin.dispose();
      assert.is(host.entered, entered);
      assert.is(host.env.clock.armedTimers, 0);
      assert.is(host.plugin.root.vm.callouts.calls, 0);
    });
  }

  for (const where of AT_START.filter((where) => where !== "start")) {
    test(`${where} ${what}: it is refused`, async () => {
      const env = new HostileEnvironment();
      let problem = "";
      try {
        await strike({ where, what: kind }, BUDGET, env);
      } catch (error) {
        problem = (error as Error).message;
      }
      assert.match(problem, message);
      env.clock.advance(100);
      assert.is(env.clock.armedTimers, 0);
      assert.equal(env.happened.filter((event) => event !== "failed"), ["created", "destroyed"]);
    });
  }
}

test("a start function that traps, one that loops: they are refused", async () => {
  const text = await import("@bytecodealliance/jco-transpile/wasm-tools");
  const printed = await text.print(await hostileComponent("http"));
  for (const [body, message] of [["unreachable", /unreachable/], ["(loop (br 0))", /unreachable|budget/]] as const) {
    const part = `(core module $started (func $go ${body}) (start $go)) (core instance (instantiate $started))`;
    const bytes = await text.parse(`${printed.trimEnd().slice(0, -1)} ${part})`);
    const module = await loadComponent(bytes, { startBudget: 200_000, maxMemoryPages: 64, maxTableElements: 100 });
    assert.throws(() => new HostileHost(module, { where: "", what: 0 }, BUDGET), message);
  }
});

test("each stream is answered once, whichever of its callbacks fails it", async () => {
  for (const where of LATER.filter((where) => /\[method\]stream|\[constructor\]stream/.test(where))) {
    const { struck } = await strike({ where, what: What.Trap });
    const isEnd = /on-log|on-callout/.test(where);
    assert.equal(struck.replies.map((reply) => reply.status), isEnd && !where.includes("callout") ? [] : [503], where);
  }
});

// --- Every host function, at every time ---

/** Arguments that mean something: the stream is 2, the metric and the queue are those that there are. */
function argumentsOf(host: HostileHost, name: string): void {
  const { memory } = host.plugin.root.vm;
  const { valid } = HOST_FUNCTIONS[name]!;
  for (const [index, value] of valid.entries()) memory.setU64(ARGS + index * 8, value, 0);
  if (name.startsWith("control.")) memory.setU32(ARGS, 2);
  if (/metrics\.(?:add|get|record)/.test(name)) memory.setU32(ARGS, memory.getU32(METRIC));
}

for (const name of HOST_NAMES) {
  test(`${name} from every export`, async () => {
    for (const where of LATER) {
      const host = new HostileHost(await hostileModule(worldOf(where)), { where, what: What.Call, call: name });
      argumentsOf(host, name);
      host.strike(where);
      const isRefused = ALONE(where) && !name.startsWith("logging.");
      if (isRefused) {
        assert.match(host.failure ?? "it went well", `${name} was called while the guest allocates`, where);
      } else {
        assert.is(host.failure, null, where);
        assert.ok(host.alive > 0, `${where} did not run`);
      }
      assert.ok(host.struck.replies.length <= 1, where);
      assert.ok(host.struck.events.filter((event) => event === "continueRequest").length <= 1, where);
      host.plugin.dispose();
      host.env.clock.advance(10_000);
      // A stream that did not come to its end keeps its plugin.
      if (host.plugin.root.isDeleted) assert.is(host.env.clock.armedTimers, 0, where);
    }
  });
}

// --- Guests that catch ---

test("what ends a guest cannot be caught: it calls nothing more of the host", async () => {
  const bad = [TEXT, 0x7fff0000, 3, 0x7fff0000, 0x7fff0000, 0x7fff0000, 0x7fff0000, 0x7fff0000];
  for (const name of HOST_NAMES.filter((name) => HOST_FUNCTIONS[name]!.ranges.length > 0)) {
    for (const isMetered of [true, false]) {
      const module = await (isMetered ? hostileModule("http") : unmetered());
      const where = "http.[method]stream.on-request-headers";
      const args = name === "logging.log" ? [2, 0x7fff0000, 3] : name === "shared.push" ? [1, 0x7fff0000, 3] : bad;
      const order = { where, what: What.CatchCall, call: name, args };
      const host = new HostileHost(module, order);
      host.strike(where);
      assert.ok(host.failure !== null, name);
      assert.equal(host.struck.replies.map((reply) => reply.status), [503]);
      // Without a meter it comes to its end, and no farther.
      assert.is(host.alive, isMetered ? 0 : 1, name);
      const { entered } = host;
      everything(host);
      assert.is(host.entered, entered);
    }
  }
});

test("a fault of the host's own cannot be caught either", async () => {
  const env = new HostileEnvironment();
  env.properties.get = () => {
    throw new TypeError("a fault of the host");
  };
  const where = "http.[method]stream.on-request-headers";
  const args = HOST_FUNCTIONS["properties.get"]!.valid;
  const host = await strike({ where, what: What.CatchCall, call: "properties.get", args }, {}, env);
  assert.match(host.failure!, "a fault of the host");
  assert.is(host.alive, 0);
});

test("an exception of the allocator, or of what ends an object, passes no host function", async () => {
  // The allocator runs inside of the function, and what it throws comes out of that.
  const host = new HostileHost(await hostileModule("http"), { where: "realloc", what: What.Throw });
  host.env.shared.set("vm", new TextEncoder().encode("x-a"), new TextEncoder().encode("value"), 0);
  host.strike("realloc");
  assert.ok(host.failure !== null);
  assert.is(host.alive, 0);
});

async function unmetered(): ReturnType<typeof loadComponent> {
  return await loadComponent(await hostileComponent("http"), null);
}

// --- What a guest can have ---

const HEADERS = "http.[method]stream.on-request-headers";

test("memory and tables grow to their limits", async () => {
  const limits = { startBudget: 1_000_000, maxMemoryPages: 16, maxTableElements: 50_000 };
  const module = await loadComponent(await hostileComponent("http"), limits);
  const memory = new HostileHost(module, { where: HEADERS, what: What.GrowMemory });
  memory.strike(HEADERS);
  assert.is(memory.failure, null);
  assert.is(memory.plugin.status().memoryBytes, 16 * 65536);
  const table = new HostileHost(module, { where: HEADERS, what: What.GrowTable });
  table.strike(HEADERS);
  assert.is(table.failure, null);
  assert.is(table.alive, 1);
});

test("handles: too many, dropped twice, forged", async () => {
  const many = await strike({ where: HEADERS, what: What.MakeHandles });
  assert.match(many.failure!, "more than 65536 handles of a resource at once");
  // The constructor's own handle went to the host.
  for (const handle of [0, 1, 2, 77, -1, 0x7fffffff]) {
    const forged = await strike({ where: HEADERS, what: What.Drop, args: [handle] });
    assert.match(forged.failure!, `handle ${handle} of a resource that it does not have`);
    assert.is(forged.alive, 0);
  }
});

test("host functions, time and again, are paid for", async () => {
  for (const name of HOST_NAMES) {
    const host = new HostileHost(await hostileModule("http"), { where: HEADERS, what: What.CallOften, call: name }, {
      cpuBudget: 2_000_000,
    });
    argumentsOf(host, name);
    host.strike(HEADERS);
    assert.match(host.failure ?? "it went well", /cpu budget exhausted|out of bounds/, name);
    host.plugin.dispose();
    assert.is(host.plugin.root.vm.callouts.calls, 0);
  }
});

test("answers of callouts that come at once come after the guest has returned", async () => {
  const env = new HostileEnvironment();
  env.inlineAnswer = (callbacks) => callbacks.onFailure("reset");
  const where = "http.[method]stream.on-callout";
  const host = await strike({ where, what: What.Nothing }, {}, env);
  env.clock.advance(1);
  assert.is(host.failure, null);
});

test("traps and reloads leave nothing behind", async () => {
  const env = new HostileEnvironment();
  const parts = { failurePolicy: "FAIL_RELOAD", reloadIntervalMs: 1 } as const;
  const host = new HostileHost(await hostileModule("http"), { where: "", what: 0 }, parts, env);
  for (let i = 0; i < 300; i++) {
    const { plugin } = host;
    const { memory } = plugin.root.vm;
    memory.bytes.set([WHERES.indexOf(HEADERS), What.Trap], 0x40);
    const stream = new FakeHttpStream();
    happen("proxy_on_delete", env, plugin, stream);
    assert.equal(stream.replies.map((reply) => reply.status), [503]);
    env.clock.advance(5);
    const fine = new FakeHttpStream();
    happen("proxy_on_delete", env, plugin, fine);
    assert.equal(fine.replies, []);
  }
  assert.is(host.manager.liveVms, 1);
  assert.is(host.plugin.status().streams, 0);
  host.plugin.dispose();
  assert.is(host.manager.liveVms, 0);
  assert.is(env.clock.armedTimers, 0);
});

test.run();
