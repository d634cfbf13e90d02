// sdk/src/registry.ts: which filters a module has, and which contexts are alive.
import { Config } from "./config";
import { Context, RootContext, StreamContext, StreamKind } from "./context";
import { HttpFilter } from "./http_filter";
import { NetworkFilter } from "./network_filter";
import { Property } from "./property";

/**
 * Makes the contexts of one registered filter. AssemblyScript cannot keep constructors in a table, so each
 * registration compiles a factory class of its own.
 */
abstract class Factory {
  abstract createRoot(): RootContext;

  /** Null for services, which have no streams. */
  abstract createStream(): StreamContext | null;
}

class StreamFactory<F extends StreamContext, R extends RootContext> extends Factory {
  createRoot(): RootContext {
    return instantiate<R>();
  }

  createStream(): StreamContext | null {
    return instantiate<F>();
  }
}

class ServiceFactory<R extends RootContext> extends Factory {
  createRoot(): RootContext {
    return instantiate<R>();
  }

  createStream(): StreamContext | null {
    return null;
  }
}

const rootIds: string[] = [];
const factories: Factory[] = [];

function register(rootId: string, factory: Factory): void {
  rootIds.push(rootId);
  factories.push(factory);
}

/**
 * Registers an HTTP filter, at the top level of a module. A module may hold several: `root_id` in the proxy's
 * configuration picks one. One that is alone in its module is picked whatever `root_id` is; otherwise the one
 * registered as `""` stands in for names that are not registered.
 */
export function registerHttpFilter<F extends HttpFilter>(rootId: string = ""): void {
  register(rootId, new StreamFactory<F, RootContext>());
}

/** Registers an HTTP filter with the root context that holds its configuration. */
export function registerHttpFilterWithRoot<F extends HttpFilter, R extends RootContext>(rootId: string = ""): void {
  register(rootId, new StreamFactory<F, R>());
}

/** Registers a network filter; see `registerHttpFilter`. */
export function registerNetworkFilter<F extends NetworkFilter>(rootId: string = ""): void {
  register(rootId, new StreamFactory<F, RootContext>());
}

/** Registers a network filter with the root context that holds its configuration. */
export function registerNetworkFilterWithRoot<F extends NetworkFilter, R extends RootContext>(
  rootId: string = "",
): void {
  register(rootId, new StreamFactory<F, R>());
}

/** Registers a plugin without streams: timers, queues and calls only (`envoy.bootstrap.wasm`). */
export function registerService<R extends RootContext>(rootId: string = ""): void {
  register(rootId, new ServiceFactory<R>());
}

class RootEntry {
  constructor(readonly root: RootContext, readonly factory: Factory) {}
}

/** Stands in for a filter that the module does not have, to refuse the configuration with a clear message. */
class UnknownRoot extends RootContext {
  constructor(private readonly rootId: string) {
    super();
  }

  onConfigure(config: Config): bool {
    return this.refuse("root_id \"" + this.rootId + "\" is not registered in this module, which has " + known());
  }
}

function known(): string {
  return rootIds.length == 0 ? "no filter at all" : "\"" + rootIds.join("\", \"") + "\"";
}

const roots: Map<u32, RootEntry> = new Map<u32, RootEntry>();
const streams: Map<u32, StreamContext> = new Map<u32, StreamContext>();

/** For the SDK: the host makes a context; `parent` is 0 for a plugin. */
export function createContext(id: u32, parent: u32): void {
  if (parent == 0) createRoot(id);
  else createStream(id, parent);
}

function createRoot(id: u32): void {
  if (roots.has(id)) return;
  const property = Property.text(["plugin_root_id"]);
  const rootId = property !== null ? property : "";
  let index = rootIds.indexOf(rootId);
  if (index < 0) index = factories.length == 1 ? 0 : rootIds.indexOf("");
  const factory = index >= 0 ? factories[index] : new ServiceFactory<RootContext>();
  const root = index >= 0 ? factory.createRoot() : new UnknownRoot(rootId);
  root.id = id;
  roots.set(id, new RootEntry(root, factory));
}

function createStream(id: u32, parent: u32): void {
  const entry = roots.get(parent);
  const stream = entry.factory.createStream();
  if (stream === null) throw new Error("this plugin is a service: it has no streams and belongs under bootstrap");
  stream.id = id;
  stream.rootContext = entry.root;
  streams.set(id, stream);
}

/** For the SDK: a plugin. */
export function rootOf(id: u32): RootContext {
  return roots.get(id).root;
}

/** For the SDK: an HTTP stream. */
export function httpFilterOf(id: u32): HttpFilter {
  const stream = streams.get(id);
  if (stream.kind != StreamKind.Http) throw new Error("this is a network filter, configured as an HTTP filter");
  return changetype<HttpFilter>(stream);
}

/** For the SDK: a connection. */
export function networkFilterOf(id: u32): NetworkFilter {
  const stream = streams.get(id);
  if (stream.kind != StreamKind.Network) throw new Error("this is an HTTP filter, configured as a network filter");
  return changetype<NetworkFilter>(stream);
}

/** For the SDK: any context, or null when it is not alive. */
export function contextOf(id: u32): Context | null {
  if (streams.has(id)) return streams.get(id);
  return roots.has(id) ? roots.get(id).root : null;
}

/** For the SDK: whether a context is alive. */
export function isLive(id: u32): bool {
  return streams.has(id) || roots.has(id);
}

/** For the SDK: whether a context is a plugin. */
export function isRoot(id: u32): bool {
  return roots.has(id);
}

/** For the SDK: the plugin that a context belongs to; 0 when there is none. */
export function rootIdOf(id: u32): u32 {
  if (!streams.has(id)) return id;
  const root = streams.get(id).rootContext;
  return root !== null ? root.id : 0;
}

/** For the SDK: the host deletes a context. */
export function deleteContext(id: u32): void {
  const context = contextOf(id);
  if (context === null) return;
  context.alive = false;
  if (!streams.delete(id)) roots.delete(id);
  context.onDelete();
}
