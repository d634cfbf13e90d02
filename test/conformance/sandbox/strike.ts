// test/conformance/sandbox/strike.ts: runs hostile code in any callback of a guest, and looks at what is left.
/** @module */
import { CALLBACKS } from "../../../abi/mod.ts";
import type { Diagnostic } from "../../../host/base/diagnostic.ts";
import { fromUtf8 } from "../../../host/base/bytes.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import {
  type GrpcCallCallbacks,
  type GrpcStreamCallbacks,
  type LimitName,
  type Plugin,
  type PluginConfig,
  pluginConfig,
  PluginManager,
  type VmFailure,
  type WasmHttpFilter,
  type WasmModule,
} from "../../../host/wasm/mod.ts";
import {
  FakeConnection,
  FakeEnvironment,
  FakeHttpStream,
  GET,
  guest,
  type GuestText,
  i32,
  OUT,
  queueOf,
  s,
} from "../../host/wasm/guest.ts";

/** An environment in which every kind of callback can be made to happen. */
export class HostileEnvironment extends FakeEnvironment {
  readonly limits: Map<LimitName, number> = new Map();
  readonly grpcCalls: { callbacks: GrpcCallCallbacks; cancelled: boolean }[] = [];
  readonly grpcStreams: { callbacks: GrpcStreamCallbacks; sent: string[] }[] = [];
  readonly names: string[] = [];
  readonly dns = {
    resolve: (name: string, onAnswer: (addresses: { address: string; ttlSeconds: number }[]) => void): void => {
      this.names.push(name);
      this.answerName = onAnswer;
    },
  };
  answerName: ((addresses: { address: string; ttlSeconds: number }[]) => void) | null = null;

  constructor() {
    super();
    Object.assign(this.events, {
      onLimit: (_source: unknown, limit: LimitName, count: number) =>
        void this.limits.set(limit, (this.limits.get(limit) ?? 0) + count),
    });
    this.grpc = {
      call: (_request, _message, _timeout, callbacks) => {
        const call = { callbacks, cancelled: false };
        this.grpcCalls.push(call);
        return { cancel: () => void (call.cancelled = true) };
      },
      openStream: (_request, callbacks) => {
        const sent: string[] = [];
        this.grpcStreams.push({ callbacks, sent });
        return {
          send: (message, end) => void sent.push(`${message.length} ${end}`),
          close: () => void sent.push("close"),
          reset: () => void sent.push("reset"),
        };
      },
    };
  }
}

/** Callbacks that some driver below makes happen. */
export const STRUCK: readonly string[] = CALLBACKS.map((row) => row.name).filter((name) =>
  // Nothing calls these.
  !/_metadata$|stats_update|validate_configuration/.test(name) || /grpc/.test(name)
);

const CALL_HEADERS = String.raw`:path`;
const REQUEST = (() => {
  const pairs = [[":method", "GET"], [CALL_HEADERS, "/"], [":authority", "a"]];
  const u32 = (value: number) =>
    String.fromCharCode(value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24);
  return u32(pairs.length) + pairs.map(([name, value]) => u32(name!.length) + u32(value!.length)).join("") +
    pairs.map(([name, value]) => `${name}\0${value}\0`).join("");
})();

/** A request that `proxy_http_call` takes, as pairs. */
export const CALL_REQUEST: string = REQUEST;

/** Host calls that lead to a callback later on. */
const PREPARATION: Readonly<Record<string, string>> = {
  proxy_on_tick: `(drop (call $proxy_set_tick_period_milliseconds (i32.const 5)))`,
  proxy_on_queue_ready: `(drop (call $proxy_register_shared_queue ${s("q")} ${i32(OUT)}))`,
  proxy_on_http_call_response: `(drop (call $proxy_http_call ${s("cluster")} ${s(REQUEST)} ${i32(0, 0, 0, 0, 100)} ${
    i32(OUT)
  }))`,
  proxy_on_grpc_receive: grpc("call"),
  proxy_on_grpc_close: grpc("call"),
  proxy_on_grpc_receive_initial_metadata: grpc("stream"),
  proxy_on_grpc_receive_trailing_metadata: grpc("stream"),
  envoy_on_resolve_dns: `(drop (call $envoy_resolve_dns ${s("a.test")} ${i32(OUT)}))`,
};

function grpc(kind: "call" | "stream"): string {
  const names = `${s("cluster")} ${s("svc")} ${s("M")} ${i32(0, 0)}`;
  return kind === "call"
    ? `(drop (call $proxy_grpc_call ${names} ${i32(0, 0, 100)} ${i32(OUT)}))`
    : `(drop (call $proxy_grpc_stream ${names} ${i32(OUT)}))`;
}

/** A guest whose callback `name` is `body`; everything before it, and all others, do no harm. */
export function striker(name: string, body: string, more: Partial<GuestText> = {}): Promise<WasmModule> {
  const preparation = PREPARATION[name];
  return guest({
    ...more,
    callbacks: {
      ...(preparation === undefined ? {} : { proxy_on_configure: `${preparation} (i32.const 1)` }),
      proxy_on_response_headers: "(i32.const 0)",
      [name]: body,
    },
  });
}

export interface Outcome {
  readonly env: HostileEnvironment;
  readonly manager: PluginManager;
  /** Null when it did not load. */
  readonly plugin: Plugin | null;
  readonly diagnostics: readonly Diagnostic[];
  readonly failure: VmFailure | null;
  readonly stream: FakeHttpStream;
  readonly connection: FakeConnection;
}

/** Loads a module and makes one of its callbacks happen. */
export function strike(
  module: WasmModule,
  name: string,
  parts: Partial<PluginConfig> = {},
  env: HostileEnvironment = new HostileEnvironment(),
): Outcome {
  const manager = new PluginManager(env);
  const loaded = manager.load(pluginConfig({ name: "hostile", rootId: "root", vmId: "vm", ...parts }), module);
  const stream = new FakeHttpStream();
  const connection = new FakeConnection();
  if (!("config" in loaded)) {
    return { env, manager, plugin: null, diagnostics: loaded, failure: null, stream, connection };
  }
  const { root } = loaded;
  happen(name, env, loaded, stream, connection);
  return { env, manager, plugin: loaded, diagnostics: [], failure: root.vm.failure, stream, connection };
}

/** Makes a callback happen, with what has to come before it. */
export function happen(
  name: string,
  env: HostileEnvironment,
  plugin: Plugin,
  stream: FakeHttpStream = new FakeHttpStream(),
  connection: FakeConnection = new FakeConnection(),
): void {
  if (/connection|downstream|upstream/.test(name)) return happenToConnection(name, plugin, connection);
  if (/request|response_|_done$|_log$|_delete$|context_create/.test(name) && !/http_call/.test(name)) {
    return happenToStream(name, plugin, stream);
  }
  const { root } = plugin;
  switch (name) {
    case "proxy_on_tick":
      env.clock.advance(5);
      break;
    case "proxy_on_queue_ready":
      env.shared.enqueue(root.vm.memory.getU32(OUT), fromUtf8("message"));
      env.clock.advance(1);
      break;
    case "proxy_on_foreign_function":
      root.callForeign(1, fromUtf8("arguments"));
      break;
    case "proxy_on_http_call_response":
      env.calls[0]!.callbacks.onResponse(HeaderMap.of({ ":status": "200" }), fromUtf8("body"), null);
      break;
    case "proxy_on_grpc_receive":
      env.grpcCalls[0]!.callbacks.onMessage(fromUtf8("message"));
      break;
    case "proxy_on_grpc_close":
      env.grpcCalls[0]!.callbacks.onFailure(14, "gone");
      break;
    case "proxy_on_grpc_receive_initial_metadata":
      env.grpcStreams[0]!.callbacks.onInitialMetadata(HeaderMap.of({ a: "1" }));
      break;
    case "proxy_on_grpc_receive_trailing_metadata":
      env.grpcStreams[0]!.callbacks.onTrailingMetadata(HeaderMap.of({ a: "1" }));
      break;
    case "envoy_on_resolve_dns":
      env.answerName!([{ address: "10.0.0.1", ttlSeconds: 1 }]);
      break;
  }
}

function happenToConnection(name: string, plugin: Plugin, connection: FakeConnection): void {
  const filter = plugin.createNetworkFilter(connection)!;
  filter.onNewConnection?.();
  if (name === "proxy_on_new_connection") return;
  filter.onDownstreamData?.(queueOf("down"), false);
  filter.onUpstreamData?.(queueOf("up"), false);
  filter.onUpstreamClose?.(2);
  filter.onDownstreamClose?.(2);
}

function happenToStream(name: string, plugin: Plugin, stream: FakeHttpStream): void {
  const filter = plugin.createHttpFilter(stream);
  if (filter !== null) runStream(filter, stream, name);
}

/** A whole exchange through a filter, up to the callback `until`. */
export function runStream(filter: WasmHttpFilter, stream: FakeHttpStream, until = "proxy_on_delete"): void {
  const steps: [string, () => void][] = [
    ["proxy_on_request_headers", () => {
      stream.requestHeaders = HeaderMap.of(GET);
      filter.onRequestHeaders?.(stream.requestHeaders, false);
    }],
    ["proxy_on_request_body", () => filter.onRequestBody?.(queueOf("request"), false)],
    ["proxy_on_request_trailers", () => {
      stream.requestTrailers = HeaderMap.of({ t: "1" });
      filter.onRequestTrailers?.(stream.requestTrailers);
    }],
    ["proxy_on_response_headers", () => {
      stream.responseHeaders = HeaderMap.of({ ":status": "200" });
      filter.onResponseHeaders?.(stream.responseHeaders, false);
    }],
    ["proxy_on_response_body", () => filter.onResponseBody?.(queueOf("response"), false)],
    ["proxy_on_response_trailers", () => {
      stream.responseTrailers = HeaderMap.of({ t: "1" });
      filter.onResponseTrailers?.(stream.responseTrailers);
    }],
    ["proxy_on_done", () => filter.onDone?.()],
    ["proxy_on_log", () => filter.onLog?.()],
    ["proxy_on_delete", () => filter.onDestroy?.()],
  ];
  for (const [name, step] of steps) {
    step();
    if (name === until) return;
  }
}
