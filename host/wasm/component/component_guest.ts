// host/wasm/component/component_guest.ts: a running component: its functions, its objects, its calls.
// pure: no I/O, no clock, no runtime globals
// hot: runs per callback; see bench/micro/component.bench.ts
/**
 * @module
 */
import { MapType, StreamType } from "../../../abi/mod.ts";
import type { Context } from "../context.ts";
import { mayAdd } from "../hostcalls/header_map.ts";
import { HttpContext } from "../http_context.ts";
import type { HeaderMapPort } from "../ports.ts";
import type { Vm } from "../vm.ts";
import { type ComponentValues, Edit } from "./component_values.ts";

/** A host function; 64-bit parameters and results are bigints, all others numbers. */
export type ComponentImport = (...args: never[]) => number | bigint | void;

/** A core function that is called with numbers. */
export type CoreCall = (...args: (number | bigint)[]) => number | bigint | undefined;

/** A function of the guest, with the one that frees its result. */
export interface GuestExport {
  readonly call: CoreCall;
  /** The resource of the handle that it answers with. */
  readonly resource: number | null;
  readonly postReturn: CoreCall | null;
}

/** A guest hands over the handles that it makes; who keeps so many has lost them. */
export const MAX_HANDLES = 65_536;

/** Objects that a guest has made, by the number that it knows them by. */
export class HandleTable {
  readonly #reps: (number | null)[] = [null];
  readonly #free: number[] = [];

  /** Null when there are too many. */
  add(rep: number): number | null {
    if (this.#reps.length - this.#free.length > MAX_HANDLES) return null;
    const handle = this.#free.pop() ?? this.#reps.length;
    this.#reps[handle] = rep;
    return handle;
  }

  get(handle: number): number | null {
    return this.#reps[handle] ?? null;
  }

  /** Takes it out; null when there is none. */
  take(handle: number): number | null {
    const rep = this.#reps[handle] ?? null;
    if (rep === null) return null;
    this.#reps[handle] = null;
    this.#free.push(handle);
    return rep;
  }
}

export class ComponentGuest {
  readonly vm: Vm;
  readonly values: ComponentValues;
  /** By `interface.name`. */
  readonly exports: ReadonlyMap<string, GuestExport>;
  /** For each resource of the guest its objects, and what ends one. */
  readonly handles: readonly HandleTable[];
  readonly destructors: readonly (CoreCall | null)[];
  /** Who has sent a callout that is under way. */
  readonly callouts: Map<number, Context>;

  constructor(
    vm: Vm,
    values: ComponentValues,
    exports: ReadonlyMap<string, GuestExport>,
    handles: readonly HandleTable[],
    destructors: readonly (CoreCall | null)[],
    callouts: Map<number, Context> = new Map(),
  ) {
    this.vm = vm;
    this.values = values;
    this.exports = exports;
    this.handles = handles;
    this.destructors = destructors;
    this.callouts = callouts;
  }

  /** The same guest for functions that have an allocator of their own. */
  withValues(values: ComponentValues): ComponentGuest {
    return new ComponentGuest(this.vm, values, this.exports, this.handles, this.destructors, this.callouts);
  }

  /** The context of a stream or connection by the id that the guest knows; null when it is gone. */
  stream(id: number): Context | null {
    const context = this.vm.contexts.get(id >>> 0);
    return context === null || context.stream === null ? null : context;
  }

  /** Lets the guest free the result of a call; it may call nothing of the host meanwhile. */
  release(fn: GuestExport, result: number): void {
    if (fn.postReturn === null) return;
    const { vm } = this;
    const { context } = vm;
    vm.context = null;
    fn.postReturn(result);
    vm.context = context;
  }

  /** Carries out edits of a header map. */
  apply(context: Context, type: MapType, map: HeaderMapPort, edits: readonly (number | string)[]): void {
    if (edits.length === 0) return;
    const { vm } = this;
    for (let i = 0; i < edits.length; i += 3) {
      const name = edits[i + 1] as string;
      const value = edits[i + 2] as string;
      switch (edits[i]) {
        case Edit.Add:
          if (mayAdd(vm, context, map, map.size, name.length + value.length)) map.add(name, value);
          break;
        case Edit.Remove:
          map.remove(name);
          break;
        default:
          if (!mayAdd(vm, context, map, map.size, name.length + value.length)) break;
          // As for modules the field that comes is the last one.
          if (name.charCodeAt(0) !== COLON) map.remove(name);
          map.set(name, value);
      }
    }
    context.onMapChanged(type);
  }

  /** Lets a direction of a stream go on that a callback has paused. */
  resume(id: number, isRequest: boolean, edits: readonly (number | string)[]): void {
    const context = this.stream(id);
    if (context === null) return;
    if (!(context instanceof HttpContext)) {
      context.continueStream(isRequest ? StreamType.Downstream : StreamType.Upstream);
      return;
    }
    if (edits.length !== 0) {
      const type = this.#openMap(context, isRequest);
      const map = type === null ? null : context.streamMapToChange(type);
      if (type === null || map === null) {
        this.vm.log.explain("control.resume: edits of headers that have gone on already");
      } else this.apply(context, type, map, edits);
    }
    context.continueStream(isRequest ? StreamType.HttpRequest : StreamType.HttpResponse);
  }

  /** The map that waits together with the stream: headers, or trailers once they are gone. */
  #openMap(context: HttpContext, isRequest: boolean): MapType | null {
    const headers = isRequest ? MapType.HttpRequestHeaders : MapType.HttpResponseHeaders;
    if (context.streamMapToChange(headers) !== null) return headers;
    const trailers = isRequest ? context.stream.requestTrailers : context.stream.responseTrailers;
    if (trailers === null) return null;
    return isRequest ? MapType.HttpRequestTrailers : MapType.HttpResponseTrailers;
  }
}

/** What names of pseudo-headers begin with. */
const COLON = 58;
