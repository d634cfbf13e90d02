// test/host/server/plugin_registry.test.ts: versions of plugins: reloads, refusals, rollbacks.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../host/base/clock.ts";
import type { ConfigNode } from "../../../host/config/node.ts";
import type { WasmPluginPlan } from "../../../host/extensions/common/wasm/plugin_plan.ts";
import type { WasmPluginSnapshot } from "../../../host/extensions/common/wasm/plugins.ts";
import { LogRegistry } from "../../../host/observe/log.ts";
import { PluginRegistry } from "../../../host/server/plugin_registry.ts";
import type { TrialReply } from "../../../host/server/wasm_trial.ts";
import type { WasmModule } from "../../../host/wasm/mod.ts";

const NODE = { id: "", cluster: "", region: "", zone: "", subZone: "", metadata: {} };

/** A file system, a trial and workers, in which the text of a file says what becomes of it. */
class World {
  readonly files = new Map<string, string>();
  /** What was given to workers, as `digest@version`. */
  readonly published: string[] = [];
  readonly errors: string[] = [];
  refusal: string | null = null;
  log = "";
  closed = false;
  /** Modules whose trial was asked for. */
  readonly tried: string[] = [];
  /** Trials are answered after this. */
  answers: Promise<void> = Promise.resolve();
  readonly registry: PluginRegistry;
  /** Brings back what was before the last `load`. */
  undo: () => void = () => {};

  constructor() {
    const logs = new LogRegistry({
      clock: new ManualClock(),
      format: "json",
      destination: { write: (line) => this.log += line },
    });
    this.registry = new PluginRegistry({
      logger: logs.logger("wasm"),
      code: {
        countIn() {},
        close: () => void (this.closed = true),
        load: (plan) => {
          if (plan.kind !== "file") throw new Error(plan.kind);
          const text = this.files.get(plan.path);
          if (text === undefined) return Promise.resolve({ ok: false, message: `${plan.path} is not there` });
          const bytes = new TextEncoder().encode(text);
          return Promise.resolve({ ok: true, code: { bytes, imageDigest: `image of ${text}`, signedBy: null } });
        },
      },
      trial: {
        close() {},
        try: async ({ bytes }) => {
          const digest = new TextDecoder().decode(bytes);
          this.tried.push(digest);
          await this.answers;
          const result: TrialReply["result"] = digest.startsWith("bad")
            ? { ok: false, diagnostics: [{ code: "wasm/start-failed", severity: "error", message: digest }] }
            : { ok: true, module: { digest, info: { abiVersion: "0.2.1" } } as unknown as WasmModule };
          return { id: 1, result, log: digest === "bad talker" ? ["oh no"] : [] };
        },
      },
      publish: (next: WasmPluginSnapshot) => {
        this.published.push(`${next.module.digest}@${next.version}`);
        return Promise.resolve(this.refusal);
      },
    });
  }

  async load(...names: string[]): Promise<void> {
    const error = (code: string, message: string) => this.errors.push(`${code}: ${message}`);
    const code = { error: (name: string, message: string) => error(`code ${name}`, message) };
    const node = { error, message: () => ({ message: () => code }) };
    await this.registry.load(
      names.map((name, index) => ({
        key: `${name}#${index}`,
        plan: planOf(name),
        node: node as unknown as ConfigNode,
      })),
      NODE,
      [],
    );
    if (this.errors.length === 0) this.undo = this.registry.commit();
  }

  get current(): string[] {
    return this.registry.snapshots.map((each) => `${each.module.digest}@${each.version}`);
  }
}

function planOf(name: string): WasmPluginPlan {
  return { name, rootId: "", vmId: "", code: { kind: "file", path: `/${name}.wasm` } } as unknown as WasmPluginPlan;
}

async function loaded(): Promise<World> {
  const world = new World();
  world.files.set("/a.wasm", "one");
  await world.load("a");
  assert.equal(world.errors, []);
  assert.equal(world.current, ["one@1"]);
  return world;
}

test("what cannot be read or run is reported where the configuration names it", async () => {
  const world = new World();
  world.files.set("/b.wasm", "bad talker");
  await world.load("a", "b");
  assert.equal(world.errors, [
    "code config/wasm-code: /a.wasm is not there",
    "config/wasm-plugin: wasm plugin 'b' from /b.wasm cannot run: bad talker (the guest said: oh no)",
  ]);
  assert.equal(world.current, []);
});

test("no trial waits for the answer to another: all can have one thread", async () => {
  const world = new World();
  for (const name of ["a", "b", "c"]) world.files.set(`/${name}.wasm`, name);
  const { promise, resolve } = Promise.withResolvers<void>();
  world.answers = promise;
  const loading = world.load("a", "b", "c");
  await new Promise((next) => setTimeout(next, 0));
  assert.equal(world.tried, ["a", "b", "c"]);
  resolve();
  await loading;
  assert.equal(world.current, ["a@1", "b@1", "c@1"]);
});

test("a reload, one without a change, a rollback and the way back", async () => {
  const world = await loaded();
  world.files.set("/a.wasm", "two");
  assert.equal(await world.registry.reload("a"), [
    { ok: true, name: "a", oldSha256: "one", newSha256: "two", changed: true },
  ]);
  assert.equal(await world.registry.reload("a"), [
    { ok: true, name: "a", oldSha256: "two", newSha256: "two", changed: false },
  ]);
  assert.equal(world.current, ["two@2"]);
  assert.is(world.registry.plugins[0]!.previousSha256, "one");
  await world.registry.rollBack("a");
  assert.equal(world.current, ["one@3"]);
  await world.registry.rollBack("a");
  assert.equal(world.current, ["two@4"]);
  assert.equal(world.published, ["two@2", "one@3", "two@4"]);
});

test("a rollback stays when the watch tells late of the file that was loaded already", async () => {
  const world = await loaded();
  world.files.set("/a.wasm", "two");
  await world.registry.reload("a");
  await world.registry.rollBack("a");
  assert.equal(await world.registry.reloadFile("/a.wasm"), [
    { ok: true, name: "a", oldSha256: "one", newSha256: "one", changed: false },
  ]);
  assert.equal(world.current, ["one@3"]);
  assert.is(world.registry.plugins[0]!.imageDigest, "image of one");
  assert.match(world.log, "rolled back");
  // The file was another one meanwhile.
  world.files.set("/a.wasm", "one");
  await world.registry.reloadFile("/a.wasm");
  world.files.set("/a.wasm", "two");
  await world.registry.reloadFile("/a.wasm");
  assert.equal(world.current, ["two@4"]);
  // Who asks for it gets it.
  await world.registry.rollBack("a");
  await world.registry.reload("a");
  assert.equal(world.current, ["two@6"]);
});

test("a version keeps what is known of its code", async () => {
  const world = await loaded();
  const facts = () => {
    const { source, file, imageDigest, signedBy } = world.registry.plugins[0]!;
    return [source, file, imageDigest, signedBy];
  };
  assert.equal(facts(), ["/a.wasm", "/a.wasm", "image of one", null]);
  world.files.set("/a.wasm", "two");
  await world.registry.reload("a");
  assert.is(facts()[2], "image of two");
  await world.registry.rollBack("a");
  assert.is(facts()[2], "image of one");
  world.files.set("/a.wasm", "bad");
  await world.registry.reload("a");
  assert.is(facts()[2], "image of one");
  world.registry.close();
  assert.ok(world.closed);
});

test("tracing is switched by a version of the same code; reloads keep it", async () => {
  const world = await loaded();
  const trace = () => world.registry.snapshots.map((each) => each.callTrace).join();
  assert.is(trace(), "off");
  assert.equal(await world.registry.trace("a", "values"), [
    { ok: true, name: "a", oldSha256: "one", newSha256: "one", changed: true },
  ]);
  assert.is((await world.registry.trace("a", "values"))![0]!.ok, true);
  assert.is(world.registry.plugins[0]!.callTrace, "values");
  assert.equal(world.published, ["one@2"]);
  world.files.set("/a.wasm", "two");
  await world.registry.reload("a");
  assert.is(trace(), "values");
  world.refusal = "worker 1: no";
  assert.equal(await world.registry.trace("a", "off"), [{ ok: false, name: "a", error: "worker 1: no" }]);
  assert.is(trace(), "values");
  assert.equal(world.current, ["two@5"]);
  assert.is(world.registry.plugins[0]!.lastError, null);
});

test("names that nobody has", async () => {
  const world = await loaded();
  assert.is(world.registry.trace("b", "values"), null);
  assert.is(world.registry.reload("b"), null);
  assert.is(world.registry.rollBack("b"), null);
  assert.is(world.registry.reloadFile("/b.wasm"), null);
  assert.equal(world.registry.names, ["a"]);
});

test("a rollback with nothing to go back to, a bad module and a missing file change nothing", async () => {
  const world = await loaded();
  const [report] = (await world.registry.rollBack("a"))!;
  assert.equal(report, { ok: false, name: "a", error: "wasm plugin 'a' has no earlier version" });
  world.files.set("/a.wasm", "bad module");
  await world.registry.reload("a");
  assert.match(world.registry.plugins[0]!.lastError!, "bad module");
  world.files.delete("/a.wasm");
  await world.registry.reload("a");
  assert.match(world.registry.plugins[0]!.lastError!, "is not there");
  assert.equal(world.current, ["one@1"]);
  assert.equal(world.published, []);
  world.files.set("/a.wasm", "one");
  await world.registry.reload("a");
  assert.is(world.registry.plugins[0]!.lastError, null);
});

test("another configuration keeps the code of what stays; it can be taken back", async () => {
  const world = await loaded();
  world.files.set("/a.wasm", "two");
  world.files.set("/b.wasm", "b");
  await world.registry.reload("a");
  world.tried.length = 0;
  await world.load("a", "b");
  assert.equal(world.tried, ["b"]);
  assert.equal(world.current, ["two@2", "b@1"]);
  world.undo();
  assert.equal(world.current, ["two@2"]);

  await world.load("a", "c");
  assert.equal(world.current, ["two@2"], "a configuration with errors changes nothing");
  assert.is(world.errors.length, 1);
});

test("a plugin that goes while it is reloaded is not brought back", async () => {
  const world = await loaded();
  world.files.set("/a.wasm", "two");
  const { promise, resolve } = Promise.withResolvers<void>();
  world.answers = promise;
  const reload = world.registry.reload("a");
  await world.load();
  resolve();
  assert.equal(await reload, [{ ok: false, name: "a", error: "the configuration does not name it any more" }]);
  assert.equal(world.published, []);
});

test("when a worker refuses, all have the old code as a version that none has seen", async () => {
  const world = await loaded();
  world.files.set("/a.wasm", "two");
  world.refusal = "worker 1: on_configure returned false";
  const [report] = (await world.registry.reload("a"))!;
  assert.equal(report, { ok: false, name: "a", error: world.refusal });
  assert.equal(world.current, ["one@3"]);
  world.refusal = null;
  await world.registry.reload("a");
  assert.equal(world.current, ["two@4"]);
});

test("plugins of one name or one file are all meant, and reloads of one plugin wait for each other", async () => {
  const world = new World();
  world.files.set("/a.wasm", "one");
  await world.load("a", "a");
  world.files.set("/a.wasm", "two");
  const [first, second] = await Promise.all([world.registry.reloadFile("/a.wasm"), world.registry.reload("a")]);
  assert.equal(first!.map((each) => each.ok && each.changed), [true, true]);
  assert.equal(second!.map((each) => each.ok && each.changed), [false, false]);
  assert.equal(world.current, ["two@2", "two@2"]);
});

test.run();
