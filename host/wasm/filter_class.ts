// host/wasm/filter_class.ts: filter classes without the methods that a guest has no callbacks for.
// pure: no I/O, no clock, no runtime globals
/**
 * Filter managers skip a filter that lacks a method, so a callback that is not exported costs nothing.
 * There is one class for each set of callbacks, however many VMs have it: call sites stay monomorphic.
 *
 * @module
 */
import type { Callbacks } from "./callbacks.ts";
import { HttpContext } from "./http_context.ts";
import { NetworkContext } from "./network_context.ts";

/** A method is there where one of its callbacks is. */
type Optional<T> = readonly (readonly [method: keyof T, ...callbacks: (keyof Callbacks)[]])[];

const HTTP_METHODS: Optional<HttpContext> = [
  ["onRequestBody", "proxy_on_request_body"],
  ["onRequestTrailers", "proxy_on_request_trailers"],
  ["onResponseHeaders", "proxy_on_response_headers"],
  ["onResponseBody", "proxy_on_response_body"],
  ["onResponseTrailers", "proxy_on_response_trailers"],
  ["onDone", "proxy_on_done"],
  ["onLog", "proxy_on_log"],
];

const NETWORK_METHODS: Optional<NetworkContext> = [
  ["onDownstreamData", "proxy_on_downstream_data"],
  ["onUpstreamData", "proxy_on_upstream_data", "proxy_on_upstream_connection_close"],
  ["onDownstreamClose", "proxy_on_downstream_connection_close"],
  ["onUpstreamClose", "proxy_on_upstream_connection_close"],
  ["onDone", "proxy_on_done"],
  ["onLog", "proxy_on_log"],
];

const httpClasses = new Map<number, typeof HttpContext>();
const networkClasses = new Map<number, typeof NetworkContext>();

/** The class of a guest's HTTP filters; `onRequestHeaders` and `onDestroy` are always there. */
export function httpFilterClass(callbacks: Callbacks): typeof HttpContext {
  return classFor(httpClasses, HTTP_METHODS, callbacks, () => class extends HttpContext {});
}

/** The class of a guest's network filters; `onNewConnection` and `onDestroy` are always there. */
export function networkFilterClass(callbacks: Callbacks): typeof NetworkContext {
  return classFor(networkClasses, NETWORK_METHODS, callbacks, () => class extends NetworkContext {});
}

function classFor<C extends { readonly prototype: T }, T extends object>(
  classes: Map<number, C>,
  methods: Optional<T>,
  callbacks: Callbacks,
  make: () => C,
): C {
  let mask = 0;
  methods.forEach(([, ...any], index) => {
    if (any.some((callback) => callbacks[callback] !== null)) mask |= 1 << index;
  });
  let known = classes.get(mask);
  if (known === undefined) {
    known = make();
    for (const [index, [method]] of methods.entries()) {
      if ((mask & (1 << index)) === 0) Object.defineProperty(known.prototype, method, { value: undefined });
    }
    classes.set(mask, known);
  }
  return known;
}
