// test/conformance/component/hostile_guest.ts: one guest that does whatever a test asks for, wherever that is.
/**
 * A component takes long to make, so there is one for each world, and tests tell it what to do by writing into
 * its memory: at `WHERE` the number of the export that is to misbehave, at `WHAT` how, at `CALL` which host
 * function it is to call with the arguments at `ARGS`. What has to happen before anybody can write there is told
 * by the plugin's configuration, whose bytes go to `WHERE`. Every export counts at `ENTERED` that it was entered.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { componentEmbed, componentNew } from "@bytecodealliance/jco-transpile/wasm-tools";
import { fromUtf8 } from "../../../host/base/bytes.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { compileModule, type Plugin, type PluginConfig, type WasmModule } from "../../../host/wasm/mod.ts";
import { assemble, FakeConnection, FakeHttpStream, Host, queueOf } from "../../host/wasm/guest.ts";
import { happen, HostileEnvironment } from "../sandbox/strike.ts";
import { TRUSTED } from "./component.ts";

export const WHERE = 0x40;
export const WHAT = 0x41;
export const CALL = 0x42;
/** Not 0: request headers send a callout and pause. */
const SENDS = 0x43;
export const ENTERED = 0x48;
/** Counts what came after the misbehaviour, where nothing should. */
export const ALIVE = 0x4c;
/** Eight bytes for each argument, and the last one's result. */
export const ARGS = 0x80;
const QUEUE = 0x100;
export const METRIC = 0x104;
/** What callbacks answer with; zeros are `continue`. */
export const ANSWER = 0x400;
/** Results of host functions. */
export const OUT = 0x600;
/** `nuncio:filter` text for arguments, and lists of it. */
export const TEXT = 0x700;
export const LIST = 0x740;
export const EDITS = 0x780;
const REQUEST = 0x7c0;
const STRINGS = 0x900;
/** Two pages. */
export const END = 0x20000;

/** How an export misbehaves. */
export const What = {
  Nothing: 0,
  Trap: 1,
  Loop: 2,
  Recurse: 3,
  Throw: 4,
  Call: 5,
  /** The same, and whatever comes out of it is caught. */
  CatchCall: 6,
  GrowMemory: 7,
  GrowTable: 8,
  /** The host function, 100,000 times. */
  CallOften: 9,
  /** Handles, until there are no more. */
  MakeHandles: 10,
  /** Drops the handle that is the first argument. */
  Drop: 11,
  /** Every function that other modules have put into its table. */
  CallSlots: 12,
} as const;

/** Exports by number; what frees an answer is `post …`. */
export const WHERES: readonly string[] = [
  "",
  "start",
  "realloc",
  "plugin.configure",
  "plugin.on-tick",
  "plugin.on-queue",
  "http.interests",
  "http.[constructor]stream",
  "http.[method]stream.on-request-headers",
  "http.[method]stream.on-request-body",
  "http.[method]stream.on-request-trailers",
  "http.[method]stream.on-response-headers",
  "http.[method]stream.on-response-body",
  "http.[method]stream.on-response-trailers",
  "http.[method]stream.on-callout",
  "http.[method]stream.on-log",
  "http.[dtor]stream",
  "tcp.[constructor]connection",
  "tcp.[method]connection.on-open",
  "tcp.[method]connection.on-downstream",
  "tcp.[method]connection.on-upstream",
  "tcp.[method]connection.on-close",
  "tcp.[dtor]connection",
  "post http.[method]stream.on-request-headers",
  "post http.[method]stream.on-request-body",
  "post http.[method]stream.on-request-trailers",
  "post http.[method]stream.on-response-headers",
  "post http.[method]stream.on-response-body",
  "post http.[method]stream.on-response-trailers",
  "post plugin.configure",
  "post tcp.[method]connection.on-downstream",
  "post tcp.[method]connection.on-upstream",
];

/** What runs before a test can write into the memory. */
export const AT_START: readonly string[] = ["start", "plugin.configure", "post plugin.configure", "http.interests"];
/** Where a guest may call nothing but the log. */
export const ALONE = (where: string): boolean => where === "realloc" || where.startsWith("post ");

export type World = "http" | "tcp";

/** The worlds that have an export. */
export function worldOf(where: string): World {
  return where.includes("tcp.") ? "tcp" : "http";
}

interface HostFunction {
  readonly params: readonly ("i32" | "i64")[];
  readonly result?: "i32" | "i64";
  /** Arguments that it takes. */
  readonly valid: readonly number[];
  /** Where pointers and lengths are, with the size of an element and its alignment. */
  readonly ranges: readonly (readonly [index: number, size: number, align: number])[];
  /** Where the address for the result is, its size and alignment. */
  readonly place?: readonly [index: number, size: number, align: number];
}

const I = "i32", L = "i64";
/** `x-a` at TEXT, a list of it at LIST, `set x-a` at EDITS. */
export const HOST_FUNCTIONS: Readonly<Record<string, HostFunction>> = {
  "logging.log": { params: [I, I, I], valid: [2, TEXT, 3], ranges: [[1, 1, 1]] },
  "logging.enabled": { params: [I], result: I, valid: [2], ranges: [] },
  "clock.now-nanos": { params: [], result: L, valid: [], ranges: [] },
  "clock.set-tick": { params: [I], valid: [5], ranges: [] },
  "properties.get": { params: [I, I, I], valid: [LIST, 1, OUT], ranges: [[0, 8, 4]], place: [2, 12, 4] },
  "properties.set": {
    params: [I, I, I, I],
    result: I,
    valid: [LIST, 1, TEXT, 3],
    ranges: [[0, 8, 4], [2, 1, 1]],
  },
  "metrics.define": { params: [I, I, I], result: I, valid: [0, TEXT, 3], ranges: [[1, 1, 1]] },
  "metrics.add": { params: [I, L], valid: [5, 1], ranges: [] },
  "metrics.record-value": { params: [I, L], valid: [5, 1], ranges: [] },
  "metrics.get": { params: [I], result: L, valid: [5], ranges: [] },
  "shared.get": { params: [I, I, I], valid: [TEXT, 3, OUT], ranges: [[0, 1, 1]], place: [2, 16, 4] },
  "shared.set": {
    params: [I, I, I, I, I, I, I],
    valid: [TEXT, 3, TEXT, 3, 0, 0, OUT],
    ranges: [[0, 1, 1], [2, 1, 1]],
    place: [6, 2, 1],
  },
  "shared.register-queue": { params: [I, I], result: I, valid: [TEXT, 3], ranges: [[0, 1, 1]] },
  "shared.resolve-queue": {
    params: [I, I, I, I, I],
    valid: [TEXT, 3, TEXT, 3, OUT],
    ranges: [[0, 1, 1], [2, 1, 1]],
    place: [4, 8, 4],
  },
  "shared.push": { params: [I, I, I], result: I, valid: [1, TEXT, 3], ranges: [[1, 1, 1]] },
  "shared.pop": { params: [I, I], valid: [1, OUT], ranges: [], place: [1, 12, 4] },
  "callout.send": {
    params: [I, I, I, I, I, I, I, I],
    valid: [TEXT, 3, REQUEST, 3, TEXT, 3, 100, OUT],
    ranges: [[0, 1, 1], [2, 16, 4], [4, 1, 1]],
    place: [7, 16, 4],
  },
  "control.resume-request": { params: [I, I, I], valid: [9, EDITS, 1], ranges: [[1, 20, 4]] },
  "control.resume-response": { params: [I, I, I], valid: [9, EDITS, 1], ranges: [[1, 20, 4]] },
  "control.respond": {
    params: [I, I, I, I, I, I, I, I, I, I],
    result: I,
    valid: [9, 403, LIST, 1, TEXT, 3, TEXT, 3, 0, 0],
    ranges: [[2, 16, 4], [4, 1, 1], [6, 1, 1]],
  },
  "control.reset": { params: [I], valid: [9], ranges: [] },
};

export const HOST_NAMES: readonly string[] = Object.keys(HOST_FUNCTIONS);

/** A call of the host with what is at ARGS. */
function callText(name: string): string {
  const { params, result } = HOST_FUNCTIONS[name]!;
  const args = params.map((type, index) => `(${type}.load (i32.const ${ARGS + index * 8}))`);
  const call = `(call $${name} ${args.join(" ")})`;
  return result === undefined ? call : `(${result}.store (i32.const ${ARGS + 0x58}) ${call})`;
}

/** Texts of the guest, from STRINGS on. */
const texts = new Map<string, number>();
let nextText = STRINGS;

function textAt(text: string): number {
  let at = texts.get(text);
  if (at === undefined) {
    texts.set(text, at = nextText);
    nextText += text.length;
  }
  return at;
}

function words(...values: number[]): string {
  return values.flatMap((value) => [0, 8, 16, 24].map((shift) => value >>> shift & 255))
    .map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
}

const REQUEST_HEADERS = [[":method", "GET"], [":path", "/"], [":authority", "a"]].flatMap((pair) =>
  pair.flatMap((text) => [textAt(text), text.length])
);

function guestText(world: World): string {
  const filter = "nuncio:filter";
  const http = `${filter}/http@0.1.0`, tcp = `${filter}/tcp@0.1.0`, plugin = `${filter}/plugin@0.1.0`;
  const [own, resource] = world === "http" ? [http, "stream"] : [tcp, "connection"];
  const enter = (where: string): string => `(call $act (i32.const ${WHERES.indexOf(where)}))`;
  const imports = Object.entries(HOST_FUNCTIONS).map(([name, { params, result }]) => {
    const [of, fn] = name.split(".");
    const type = `${params.length === 0 ? "" : `(param ${params.join(" ")})`} ${
      result === undefined ? "" : `(result ${result})`
    }`;
    return `(import "${filter}/${of}@0.1.0" "${fn}" (func $${name} ${type}))`;
  });
  const method = (name: string, params: number, hasAnswer: boolean): string => {
    const where = `${world}.[method]${resource}.${name}`;
    const post = `cabi_post_${own}#[method]${resource}.${name}`;
    const sends = `(if (i32.load8_u (i32.const ${SENDS})) (then
      (call $callout.send ${
      HOST_FUNCTIONS["callout.send"]!.valid.map((value) => `(i32.const ${value})`).join(" ")
    }) (i32.store8 (i32.const ${ANSWER}) (i32.const 1))))`;
    return `(func (export "${own}#[method]${resource}.${name}") (param ${"i32 ".repeat(params)})
      ${hasAnswer ? "(result i32)" : ""} ${enter(where)} ${name === "on-request-headers" ? sends : ""}
      ${hasAnswer ? `(i32.const ${name === "on-open" ? 0 : ANSWER})` : ""})
      ${hasAnswer && name !== "on-open" ? `(func (export "${post}") (param i32) ${enter(`post ${where}`)})` : ""}`;
  };
  const methods = world === "http"
    ? [
      method("on-request-headers", 4, true),
      method("on-request-body", 4, true),
      method("on-request-trailers", 3, true),
      method("on-response-headers", 4, true),
      method("on-response-body", 4, true),
      method("on-response-trailers", 3, true),
      method("on-callout", 9, false),
      method("on-log", 1, false),
      `(func (export "${http}#interests") (result i32) ${enter("http.interests")} (i32.const 127))`,
    ]
    : [
      method("on-open", 1, true),
      method("on-downstream", 4, true),
      method("on-upstream", 4, true),
      method("on-close", 2, false),
    ];
  const calls = HOST_NAMES.map((name, index) =>
    `(if (i32.eq (local.get 0) (i32.const ${index})) (then ${callText(name)}))`
  );
  return `(module
    ${imports.join("\n")}
    (import "[export]${own}" "[resource-new]${resource}" (func $new (param i32) (result i32)))
    (import "[export]${own}" "[resource-drop]${resource}" (func $drop (param i32)))
    (memory (export "memory") 2)
    (type $none (func))
    (table 1 funcref)
    (table $slots (export "slots") 32 funcref)
    (tag $tag)
    (global $top (mut i32) (i32.const 0x4000))
    (func $recurse (call $recurse) (call $recurse))
    (func $call (param i32) ${calls.join("\n")})
    (func $alive (i32.store (i32.const ${ALIVE}) (i32.add (i32.load (i32.const ${ALIVE})) (i32.const 1))))
    (func $act (param $where i32) (local $what i32) (local $fn i32) (local $i i32)
      (i32.store (i32.const ${ENTERED}) (i32.add (i32.load (i32.const ${ENTERED})) (i32.const 1)))
      (if (i32.ne (local.get $where) (i32.load8_u (i32.const ${WHERE}))) (then (return)))
      (local.set $what (i32.load8_u (i32.const ${WHAT})))
      (local.set $fn (i32.load8_u (i32.const ${CALL})))
      (if (i32.eq (local.get $what) (i32.const ${What.Trap})) (then (unreachable)))
      (if (i32.eq (local.get $what) (i32.const ${What.Loop})) (then (loop $more (br $more))))
      (if (i32.eq (local.get $what) (i32.const ${What.Recurse})) (then (call $recurse)))
      (if (i32.eq (local.get $what) (i32.const ${What.Throw})) (then (throw $tag)))
      (if (i32.eq (local.get $what) (i32.const ${What.Call})) (then (call $call (local.get $fn))))
      (if (i32.eq (local.get $what) (i32.const ${What.CatchCall})) (then
        (block $caught (try_table (catch_all $caught) (call $call (local.get $fn))))))
      (if (i32.eq (local.get $what) (i32.const ${What.GrowMemory})) (then
        (loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))))
      (if (i32.eq (local.get $what) (i32.const ${What.GrowTable})) (then
        (loop $more (br_if $more (i32.ne (table.grow (ref.null func) (i32.const 10000)) (i32.const -1))))))
      (if (i32.eq (local.get $what) (i32.const ${What.CallOften})) (then
        (loop $more (call $call (local.get $fn)) (br_if $more
          (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100000))))))
      (if (i32.eq (local.get $what) (i32.const ${What.MakeHandles})) (then
        (loop $more (drop (call $new (i32.const 1))) (br $more))))
      (if (i32.eq (local.get $what) (i32.const ${What.Drop})) (then (call $drop (i32.load (i32.const ${ARGS})))))
      (if (i32.eq (local.get $what) (i32.const ${What.CallSlots})) (then
        (loop $more
          (if (i32.eqz (ref.is_null (table.get $slots (local.get $i)))) (then
            (call_indirect $slots (type $none) (local.get $i))))
          (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 32))))))
      (call $alive))
    (func (export "cabi_realloc") (param $old i32) (param $oldSize i32) (param $align i32) (param $size i32) (result i32)
      ${enter("realloc")}
      (global.set $top (i32.and (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.get $top) (global.set $top (i32.add (global.get $top) (local.get $size))))
    (func (export "${plugin}#configure") (param $ptr i32) (param $size i32) (result i32)
      (memory.copy (i32.const ${WHERE}) (local.get $ptr) (local.get $size))
      ${enter("plugin.configure")}
      (call $clock.set-tick (i32.const 5))
      (i32.store (i32.const ${QUEUE}) (call $shared.register-queue (i32.const ${textAt("q")}) (i32.const 1)))
      (i32.store (i32.const ${METRIC}) (call $metrics.define (i32.const 0) (i32.const ${textAt("m")}) (i32.const 1)))
      (i32.const 0x500))
    (func (export "cabi_post_${plugin}#configure") (param i32) ${enter("post plugin.configure")})
    (func (export "${plugin}#on-tick") ${enter("plugin.on-tick")})
    (func (export "${plugin}#on-queue") (param i32) ${enter("plugin.on-queue")})
    (func (export "${own}#[constructor]${resource}") (param $id i32) (result i32)
      ${enter(`${world}.[constructor]${resource}`)} (call $new (local.get $id)))
    (func (export "${own}#[dtor]${resource}") (param i32) ${enter(`${world}.[dtor]${resource}`)})
    ${methods.join("\n")}
    (data (i32.const ${TEXT}) "x-a")
    (data (i32.const ${LIST}) "${words(TEXT, 3, TEXT, 3)}")
    (data (i32.const ${EDITS}) "${words(0, TEXT, 3, TEXT, 3)}")
    (data (i32.const ${REQUEST}) "${words(...REQUEST_HEADERS)}")
    ${[...texts].map(([text, at]) => `(data (i32.const ${at}) "${text}")`).join("\n")}
  )`;
}

const WIT = readFileSync(new URL("../../../abi/wit/filter.wit", import.meta.url), "utf8");
const components = new Map<World, Promise<Uint8Array>>();
const modules = new Map<World, Promise<WasmModule>>();

/** The guest as a component. */
export function hostileComponent(world: World): Promise<Uint8Array> {
  const known = components.get(world);
  if (known !== undefined) return known;
  const made = componentEmbed({
    binary: assemble(guestText(world)),
    witSource: WIT,
    world: world === "http" ? "http-filter" : "network-filter",
    stringEncoding: "utf8",
  }).then((binary) => componentNew(binary, []));
  components.set(world, made);
  return made;
}

export function hostileModule(world: World): Promise<WasmModule> {
  const known = modules.get(world);
  if (known !== undefined) return known;
  const made = hostileComponent(world).then(loadComponent);
  modules.set(world, made);
  return made;
}

/** Compiled, with the default limits. */
export async function loadComponent(
  bytes: Uint8Array,
  limits?: Parameters<typeof compileModule>[1],
): Promise<WasmModule> {
  const result = await compileModule(bytes, limits, undefined, TRUSTED);
  if ("diagnostics" in result) throw new Error(result.diagnostics.map((row) => row.message).join("\n"));
  return result.module;
}

/** What a test asks for. */
export interface Order {
  readonly where: string;
  readonly what: number;
  readonly call?: string;
  readonly args?: readonly number[];
}

/** The guest, loaded, with its order given. Throws when what it does while it starts keeps it from that. */
export class HostileHost extends Host {
  override readonly env: HostileEnvironment;
  readonly struck: FakeHttpStream = new FakeHttpStream();
  readonly connection: FakeConnection = new FakeConnection();

  constructor(
    module: WasmModule,
    order: Order,
    parts: Partial<PluginConfig> = {},
    env: HostileEnvironment = new HostileEnvironment(),
  ) {
    const config = AT_START.includes(order.where) ? configOf(order) : "";
    super(module, { pluginConfiguration: fromUtf8(config), ...parts }, env);
    this.env = env;
    const { bytes } = this.plugin.root.vm.memory;
    if (config === "") bytes.set(fromUtf8(configOf(order)), WHERE);
    const { memory } = this.plugin.root.vm;
    for (const [index, value] of (order.args ?? []).entries()) {
      memory.setU64(ARGS + index * 8, value >>> 0, value < 0 ? 0xffffffff : 0);
    }
    if (order.where === "http.[method]stream.on-callout") bytes[SENDS] = 1;
  }

  get entered(): number {
    return this.u32(ENTERED);
  }

  get alive(): number {
    return this.u32(ALIVE);
  }

  get failure(): string | null {
    return this.plugin.root.vm.failure?.diagnostic.message ?? null;
  }

  /** Makes the export run that the order names, with all that has to come before. */
  strike(where: string): void {
    cause(where, this.env, this.plugin, this.struck, this.connection);
  }
}

function configOf({ where, what, call }: Order): string {
  return String.fromCharCode(WHERES.indexOf(where), what, call === undefined ? 0 : HOST_NAMES.indexOf(call));
}

/** The proxy-wasm callbacks at whose time exports run. */
const CALLBACKS: readonly (readonly [end: string, callback: string])[] = [
  ["on-request-body", "proxy_on_request_body"],
  ["on-request-trailers", "proxy_on_request_trailers"],
  ["on-response-headers", "proxy_on_response_headers"],
  ["on-response-body", "proxy_on_response_body"],
  ["on-response-trailers", "proxy_on_response_trailers"],
  ["on-log", "proxy_on_log"],
  ["[dtor]stream", "proxy_on_delete"],
  ["on-tick", "proxy_on_tick"],
];

function cause(
  where: string,
  env: HostileEnvironment,
  plugin: Plugin,
  stream: FakeHttpStream,
  connection: FakeConnection,
): void {
  if (worldOf(where) === "tcp") return happenToConnection(where, plugin, connection);
  if (where === "plugin.on-queue") {
    env.shared.enqueue(plugin.root.vm.memory.getU32(QUEUE), fromUtf8("message"));
    env.clock.advance(1);
    return;
  }
  const callback = CALLBACKS.find(([end]) => where.endsWith(end))?.[1] ?? "proxy_on_request_headers";
  happen(callback, env, plugin, stream, connection);
  if (!where.endsWith("on-callout")) return;
  const headers = HeaderMap.of({ ":status": "200" });
  env.calls[0]?.callbacks.onResponse(headers, fromUtf8("body"), HeaderMap.of({ t: "1" }));
}

/** A whole connection. */
function happenToConnection(where: string, plugin: Plugin, connection: FakeConnection): void {
  const filter = plugin.createNetworkFilter(connection)!;
  filter.onNewConnection?.();
  if (where.endsWith("on-open") || where.endsWith("connection") && !where.includes("dtor")) return;
  filter.onDownstreamData?.(queueOf("down"), false);
  filter.onUpstreamData?.(queueOf("up"), false);
  filter.onUpstreamClose?.(2);
  filter.onDownstreamClose?.(2);
  filter.onDestroy?.();
}
