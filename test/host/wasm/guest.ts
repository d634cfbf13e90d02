// test/host/wasm/guest.ts: guests in WebAssembly text, and a fake proxy around them.
/**
 * A guest is written as the bodies of its callbacks. Host functions are called by `$name`; their imports
 * are declared from the ABI's tables. `s("text")` gives pointer and size of a string in the guest's memory.
 * `(call $note (…))` writes a number down, for the test to read.
 *
 * @module
 */
import wabtFactory from "wabt";
import { CALLBACKS, HOSTCALLS, SHIMS, valueTypeOf, WASI_FUNCTIONS } from "../../../abi/mod.ts";
import { ByteQueue } from "../../../host/base/byte_queue.ts";
import { fromUtf8, latin1Slice } from "../../../host/base/bytes.ts";
import { ManualClock } from "../../../host/base/clock.ts";
import { SeededRandom } from "../../../host/base/random.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import {
  compileModule,
  type ForeignFunction,
  type GrpcClientPort,
  type HttpCallCallbacks,
  type HttpCallFailure,
  type HttpCallRequest,
  type HttpStreamPort,
  type NetworkStreamPort,
  type Plugin,
  type PluginConfig,
  pluginConfig,
  PluginManager,
  type PropertyValue,
  SharedStore,
  type StreamPort,
  type WasmEnvironment,
  type WasmHttpFilter,
  type WasmLocalReply,
  type WasmModule,
} from "../../../host/wasm/mod.ts";

const wabt = await wabtFactory();

/** Where guests have hostcalls write results: OUT the pointer, OUT + 4 the size, OUT + 8 more. */
export const OUT = 0x100;
const NOTES = 0x8000;
const STRINGS = 0x1000;
/** An address outside of every guest's memory. */
export const BAD = 0x7fff0000;

/** All strings of a test file; every guest has them all. */
const strings: { offset: number; bytes: Uint8Array }[] = [];
let nextString = STRINGS;

/** Pointer and size of a string as two constants. */
export function s(text: string): string {
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
  let known = strings.find((row) => latin1Slice(row.bytes, 0, row.bytes.length) === text);
  if (known === undefined) {
    known = { offset: nextString, bytes };
    strings.push(known);
    nextString += bytes.length + 1;
  }
  return `(i32.const ${known.offset}) (i32.const ${bytes.length})`;
}

export function i32(...values: number[]): string {
  return values.map((value) => `(i32.const ${value})`).join(" ");
}

/** The two places for a result. */
export const out: string = i32(OUT, OUT + 4);

export interface GuestText {
  /** Bodies of callbacks by export name; the context id is `$id`, other parameters `$a` to `$d`. */
  readonly callbacks: Readonly<Record<string, string>>;
  readonly marker?: string | null;
  /** More fields of the module. */
  readonly fields?: string;
  readonly memory?: string;
  readonly allocator?: string;
}

const LETTERS = ["$id", "$a", "$b", "$c", "$d"];

function importsOf(text: string): string {
  const names = new Set(Array.from(text.matchAll(/\(call \$([\w.]+)/g), (match) => match[1]!));
  const lines: string[] = [];
  const declare = (module: string, name: string, params: readonly string[], results: readonly string[]): void => {
    const list = (keyword: string, types: readonly string[]): string =>
      types.length === 0 ? "" : `(${keyword} ${types.join(" ")})`;
    lines.push(`(import "${module}" "${name}" (func $${name} ${list("param", params)} ${list("result", results)}))`);
  };
  for (const row of HOSTCALLS) {
    if (names.has(row.name)) declare("env", row.name, row.params.map((p) => valueTypeOf(p.kind)), ["i32"]);
  }
  for (const row of WASI_FUNCTIONS) {
    if (names.has(row.name)) declare("wasi_snapshot_preview1", row.name, row.params, row.results);
  }
  for (const row of SHIMS) if (names.has(row.name)) declare(row.module, row.name, row.params, row.results);
  return lines.join("\n");
}

/** A guest's text; `s` may be used in its bodies. */
export function guestText(guest: GuestText): string {
  const bodies = Object.entries(guest.callbacks).map(([name, body]) => {
    const row = CALLBACKS.find((row) => row.name === name || row.alias === name);
    const params = (row?.params ?? []).map((_, index) => `(param ${LETTERS[index]} i32)`).join(" ");
    const result = row === undefined || row.result === "none" ? "" : "(result i32)";
    return `(func (export "${name}") ${params} ${result} (local $x i32) (local $y i32) ${body})`;
  });
  const marker = guest.marker === undefined ? "proxy_abi_version_0_2_1" : guest.marker;
  const fields = guest.fields ?? "";
  const allocator = guest.allocator ?? `
    (func (export "proxy_on_memory_allocate") (param $size i32) (result i32) (local $ptr i32)
      (local.set $ptr (global.get $heap))
      (global.set $heap (i32.add (global.get $heap) (i32.and (i32.add (local.get $size) (i32.const 15)) (i32.const -8))))
      (block $done (loop $more
        (br_if $done (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
        (drop (memory.grow (i32.const 1)))
        (br $more)))
      (local.get $ptr))`;
  const text = [...bodies, fields, allocator].join("\n");
  const data = strings.map((row) =>
    `(data (i32.const ${row.offset}) "${
      Array.from(row.bytes, (byte) => "\\" + byte.toString(16).padStart(2, "0")).join("")
    }")`
  );
  return `(module
    ${importsOf(text)}
    ${guest.memory ?? '(memory (export "memory") 1)'}
    (global $heap (mut i32) (i32.const 0xa000))
    (global $notes (mut i32) (i32.const ${NOTES + 4}))
    ${marker === null ? "" : `(func (export "${marker}"))`}
    (func $note (param i32)
      (i32.store (global.get $notes) (local.get 0))
      (global.set $notes (i32.add (global.get $notes) (i32.const 4)))
      (i32.store (i32.const ${NOTES}) (i32.add (i32.load (i32.const ${NOTES})) (i32.const 1))))
    ${text}
    ${data.join("\n")}
  )`;
}

/** Text as a module. */
export function assemble(text: string): Uint8Array {
  const features = {
    exceptions: true,
    multi_value: true,
    bulk_memory: true,
    mutable_globals: true,
    tail_call: true,
    reference_types: true,
    simd: true,
  };
  const parsed = wabt.parseWat("guest.wat", text, features);
  try {
    return parsed.toBinary({ write_debug_names: true }).buffer;
  } finally {
    parsed.destroy();
  }
}

export async function compile(text: string): Promise<WasmModule> {
  const result = await compileModule(assemble(text));
  if ("diagnostics" in result) throw new Error(result.diagnostics.map((row) => row.message).join("\n"));
  return result.module;
}

export function guest(guest: GuestText): Promise<WasmModule> {
  return compile(guestText(guest));
}

// --- The fake proxy ---

export class FakeMetric {
  value = 0;
  readonly samples: number[] = [];
  add(amount: number): void {
    this.value += amount;
  }
  set(value: number): void {
    this.value = value;
  }
  record(value: number): void {
    this.samples.push(value);
  }
}

export interface SentCall {
  readonly request: HttpCallRequest;
  readonly callbacks: HttpCallCallbacks;
  cancelled: boolean;
}

/** An environment that writes down what the engine does. */
export class FakeEnvironment implements WasmEnvironment {
  readonly clock: ManualClock = new ManualClock();
  readonly random: SeededRandom = new SeededRandom(1);
  readonly logs: { level: number; plugin: string; text: string }[] = [];
  readonly log = {
    level: 0,
    log: (level: number, source: { pluginName: string }, text: string): void => {
      this.logs.push({ level, plugin: source.pluginName, text });
    },
  };
  readonly stats: Map<string, FakeMetric> = new Map();
  readonly metrics = {
    counter: (name: string): FakeMetric => this.#stat(`counter ${name}`),
    gauge: (name: string): FakeMetric => this.#stat(`gauge ${name}`),
    histogram: (name: string): FakeMetric => this.#stat(`histogram ${name}`),
  };
  readonly attributes: Map<string, PropertyValue> = new Map();
  readonly states: Map<StreamPort, Map<string, Uint8Array>> = new Map();
  readonly readOnlyStates: Set<string> = new Set();
  readonly properties = {
    get: (_stream: StreamPort | null, path: readonly string[]): PropertyValue | null =>
      this.attributes.get(path.join(".")) ?? null,
    getState: (stream: StreamPort, key: string, path: readonly string[]): PropertyValue | null => {
      const value = path.length === 0 ? this.states.get(stream)?.get(key) : undefined;
      return value === undefined ? null : { kind: "bytes", value };
    },
    setState: (stream: StreamPort, key: string, value: Uint8Array): boolean => {
      if (this.readOnlyStates.has(key)) return false;
      const states = this.states.get(stream) ?? new Map<string, Uint8Array>();
      this.states.set(stream, states.set(key, value));
      return true;
    },
  };
  shared: SharedStore = SharedStore.create(this.clock);
  readonly calls: SentCall[] = [];
  /** What the next call answers at once; undefined sends it. */
  callFailure: HttpCallFailure | undefined;
  inlineAnswer: ((callbacks: HttpCallCallbacks) => void) | undefined;
  readonly httpCalls = {
    send: (request: HttpCallRequest, callbacks: HttpCallCallbacks): { cancel(): void } | HttpCallFailure => {
      this.inlineAnswer?.(callbacks);
      if (this.callFailure !== undefined) return this.callFailure;
      const call: SentCall = { request, callbacks, cancelled: false };
      this.calls.push(call);
      return { cancel: () => call.cancelled = true };
    },
  };
  grpc: GrpcClientPort | null = null;
  readonly foreignFunctions: Map<string, ForeignFunction> = new Map();
  readonly happened: string[] = [];
  readonly events = {
    onVmCreated: (): void => void this.happened.push("created"),
    onVmDestroyed: (): void => void this.happened.push("destroyed"),
    onVmFailed: (): void => void this.happened.push("failed"),
    onReload: (_source: unknown, outcome: string): void => void this.happened.push(outcome),
  };

  #stat(name: string): FakeMetric {
    let metric = this.stats.get(name);
    if (metric === undefined) this.stats.set(name, metric = new FakeMetric());
    return metric;
  }

  texts(level: number): string[] {
    return this.logs.filter((row) => row.level === level).map((row) => row.text);
  }
}

/** A stream that writes down what is done to it. */
export class FakeHttpStream implements HttpStreamPort {
  requestHeaders: HeaderMap | null = null;
  requestTrailers: HeaderMap | null = null;
  responseHeaders: HeaderMap | null = null;
  responseTrailers: HeaderMap | null = null;
  bufferedRequestBody: ByteQueue | null = null;
  bufferedResponseBody: ByteQueue | null = null;
  readonly events: string[] = [];
  readonly replies: WasmLocalReply[] = [];
  /** Called when the stream is told to do something. */
  onEvent: ((event: string) => void) | null = null;

  #event(event: string): void {
    this.events.push(event);
    this.onEvent?.(event);
  }
  clearRouteCache(): void {
    this.#event("clearRouteCache");
  }
  continueRequest(): void {
    this.#event("continueRequest");
  }
  continueResponse(): void {
    this.#event("continueResponse");
  }
  sendLocalReply(reply: WasmLocalReply): void {
    this.replies.push(reply);
    this.#event("sendLocalReply");
  }
  resetStream(details: string): void {
    this.#event(`reset ${details}`);
  }
  addRequestTrailers(): HeaderMap {
    return this.requestTrailers = new HeaderMap();
  }
  addResponseTrailers(): HeaderMap {
    return this.responseTrailers = new HeaderMap();
  }
}

export class FakeConnection implements NetworkStreamPort {
  readonly events: string[] = [];
  continueReading(): void {
    this.events.push("continueReading");
  }
  continueWriting(): void {
    this.events.push("continueWriting");
  }
  close(type: string, details: string): void {
    this.events.push(`close ${type} ${details}`);
  }
}

/** A loaded guest with everything around it. */
export class Host {
  readonly env: FakeEnvironment;
  readonly manager: PluginManager;
  readonly plugin: Plugin;
  #notesRead = 0;

  constructor(module: WasmModule, parts: Partial<PluginConfig> = {}, env: FakeEnvironment = new FakeEnvironment()) {
    this.env = env;
    this.manager = new PluginManager(env);
    const plugin = this.manager.load(pluginConfig({ name: "test", rootId: "root", vmId: "vm", ...parts }), module);
    if (!("createHttpFilter" in plugin)) throw new Error(plugin.map((row) => row.message).join("\n"));
    this.plugin = plugin;
  }

  /** What the guest has noted since the last look. */
  notes(): number[] {
    const { memory } = this.plugin.root.vm;
    const count = memory.getU32(NOTES);
    const notes: number[] = [];
    for (; this.#notesRead < count; this.#notesRead++) notes.push(memory.getU32(NOTES + 4 + this.#notesRead * 4));
    return notes;
  }

  u32(offset: number): number {
    return this.plugin.root.vm.memory.getU32(offset);
  }

  u64(offset: number): bigint {
    return BigInt(this.u32(offset)) + (BigInt(this.u32(offset + 4)) << 32n);
  }

  /** The bytes at the result place, as latin1. */
  result(at: number = OUT): string {
    const { memory } = this.plugin.root.vm;
    return memory.latin1(memory.getU32(at), memory.getU32(at + 4));
  }

  resultBytes(at: number = OUT): Uint8Array {
    const { memory } = this.plugin.root.vm;
    return memory.copy(memory.getU32(at), memory.getU32(at + 4));
  }

  /** A stream whose filter has not been called yet. */
  stream(): { stream: FakeHttpStream; filter: WasmHttpFilter } {
    const stream = new FakeHttpStream();
    const filter = this.plugin.createHttpFilter(stream);
    if (filter === null) throw new Error("no filter for this stream");
    return { stream, filter };
  }

  /** A stream whose request headers the filter has seen; `status` is its answer. */
  request(headers: Readonly<Record<string, string>> = GET, end = true): {
    stream: FakeHttpStream;
    filter: WasmHttpFilter;
    status: number;
  } {
    const { stream, filter } = this.stream();
    stream.requestHeaders = HeaderMap.of(headers);
    const status = filter.onRequestHeaders!(stream.requestHeaders, end);
    return { stream, filter, status };
  }
}

export const GET: Readonly<Record<string, string>> = {
  ":authority": "a.test",
  ":path": "/p",
  ":method": "GET",
  "x-a": "1",
};

/** Runs `body` in `proxy_on_request_headers` and gives what it noted. */
export async function run(body: string, parts: Partial<PluginConfig> = {}, env?: FakeEnvironment): Promise<
  { host: Host; notes: number[]; stream: FakeHttpStream; status: number; filter: WasmHttpFilter }
> {
  const host = new Host(await guest({ callbacks: { proxy_on_request_headers: `${body} (i32.const 0)` } }), parts, env);
  const { stream, status, filter } = host.request();
  return { host, notes: host.notes(), stream, status, filter };
}

/** `(call $note (call $name …))`. */
export function note(name: string, ...args: string[]): string {
  return `(call $note (call $${name} ${args.join(" ")}))`;
}

export function queueOf(text: string): ByteQueue {
  const queue = new ByteQueue();
  queue.push(fromUtf8(text));
  return queue;
}

export function textOf(queue: ByteQueue): string {
  const bytes = queue.toBytes();
  return latin1Slice(bytes, 0, bytes.length);
}
