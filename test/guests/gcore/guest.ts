// test/guests/gcore/guest.ts: the guest that ../README.md describes, with @gcoredev/proxy-wasm-sdk-as.
/** The SDK's function that reads a metric calls the one that records; metrics are not read here. */
export * from "@gcoredev/proxy-wasm-sdk-as/assembly/proxy";
import {
  BaseContext,
  BufferTypeValues,
  Context,
  continue_request,
  Counter,
  FilterDataStatusValues,
  FilterHeadersStatusValues,
  Gauge,
  get_buffer_bytes,
  get_property,
  get_shared_data,
  Headers,
  Histogram,
  log,
  LogLevelValues,
  makeHeaderPair,
  registerRootContext,
  RootContext,
  send_http_response,
  set_buffer_bytes,
  set_property,
  set_shared_data,
  set_tick_period_milliseconds,
  stream_context,
  WasmResultValues,
} from "@gcoredev/proxy-wasm-sdk-as/assembly";

class GuestRoot extends RootContext {
  ticks: u32 = 0;

  createContext(context_id: u32): Context {
    return new Guest(context_id, this);
  }

  onConfigure(size: u32): bool {
    if (!super.onConfigure(size)) return false;
    if (this.getConfiguration() == "tick") set_tick_period_milliseconds(100);
    return this.getConfiguration() != "refuse";
  }

  onTick(): void {
    this.ticks++;
  }
}

class Guest extends Context {
  constructor(context_id: u32, root: GuestRoot) {
    super(context_id, root);
  }

  onRequestHeaders(_count: u32, _end: bool): FilterHeadersStatusValues {
    const part = this.root_context.getConfiguration();
    const headers = stream_context.headers.request;
    if (part == "headers") this.headers();
    else if (part == "body") headers.remove("content-length");
    else if (part == "property") this.property();
    else if (part == "metric") this.metric();
    else if (part == "shared_data") this.sharedData();
    else if (part == "tick") headers.replace("x-ticks", changetype<GuestRoot>(this.root_context).ticks.toString());
    else if (part == "log") {
      log(LogLevelValues.info, "an information");
      log(LogLevelValues.warn, "a warning");
      log(LogLevelValues.error, "an error");
    } else if (part == "reply") {
      const more: Headers = [makeHeaderPair("x-why", "guest")];
      send_http_response(403, "guest_said_no", String.UTF8.encode("no\n"), more);
      return FilterHeadersStatusValues.StopIteration;
    } else if (part == "callout") {
      this.call();
      return FilterHeadersStatusValues.StopIteration;
    }
    return FilterHeadersStatusValues.Continue;
  }

  headers(): void {
    const headers = stream_context.headers.request;
    const asked = headers.get("x-asked");
    headers.replace("x-got", asked == "" ? "none" : asked);
    headers.add("x-added", "one");
    headers.add("x-added", "two");
    headers.replace("x-replaced", "new");
    headers.remove("x-removed");
  }

  property(): void {
    const headers = stream_context.headers.request;
    headers.replace("x-path", String.UTF8.decode(get_property("request\0path")));
    set_property("guest_note", String.UTF8.encode("kept"));
    headers.replace("x-kept", String.UTF8.decode(get_property("guest_note")));
    headers.replace("x-absent", get_property("no\0such").byteLength == 0 ? "yes" : "no");
  }

  metric(): void {
    const counter = new Counter("guest_requests");
    const gauge = new Gauge("guest_level");
    const histogram = new Histogram("guest_sizes");
    counter.increment(2);
    gauge.record(gauge.metric_id, 7);
    gauge.increment(-3);
    histogram.record(histogram.metric_id, 5);
  }

  sharedData(): void {
    const known = get_shared_data("guest_count");
    const value = known.value;
    const count = value === null ? 0 : u32.parse(String.UTF8.decode(value));
    const next = (count + 1).toString();
    set_shared_data("guest_count", String.UTF8.encode(next), known.cas);
    // A number that is not the one of now is refused.
    const result = set_shared_data("guest_count", String.UTF8.encode("0"), u32.MAX_VALUE);
    const refused = result == WasmResultValues.CasMismatch ? "refused" : "taken";
    stream_context.headers.request.replace("x-shared", next + " " + refused);
  }

  call(): void {
    const headers: Headers = [
      makeHeaderPair(":method", "GET"),
      makeHeaderPair(":path", "/check"),
      makeHeaderPair(":authority", "service"),
    ];
    this.root_context.httpCall(
      "service",
      headers,
      new ArrayBuffer(0),
      [],
      1000,
      this,
      (_origin: BaseContext, count: u32, size: usize, _trailers: u32): void => {
        if (count == 0 || stream_context.headers.http_callback.get(":status") != "200") {
          send_http_response(403, "", String.UTF8.encode("call failed\n"), []);
          return;
        }
        const body = get_buffer_bytes(BufferTypeValues.HttpCallResponseBody, 0, <u32> size);
        stream_context.headers.request.replace("x-called", String.UTF8.decode(body));
        continue_request();
      },
    );
  }

  onRequestBody(size: usize, end: bool): FilterDataStatusValues {
    if (this.root_context.getConfiguration() != "body") return FilterDataStatusValues.Continue;
    if (!end) return FilterDataStatusValues.StopIterationAndBuffer;
    const body = String.UTF8.decode(get_buffer_bytes(BufferTypeValues.HttpRequestBody, 0, <u32> size));
    set_buffer_bytes(BufferTypeValues.HttpRequestBody, 0, <u32> size, String.UTF8.encode(body + " and more"));
    return FilterDataStatusValues.Continue;
  }

  onResponseHeaders(_count: u32, _end: bool): FilterHeadersStatusValues {
    stream_context.headers.response.replace("x-guest", "gcore");
    if (this.root_context.getConfiguration() == "body") stream_context.headers.response.remove("content-length");
    return FilterHeadersStatusValues.Continue;
  }

  onResponseBody(size: usize, end: bool): FilterDataStatusValues {
    if (this.root_context.getConfiguration() == "body" && end) {
      set_buffer_bytes(BufferTypeValues.HttpResponseBody, <u32> size, 0, String.UTF8.encode("!"));
    }
    return FilterDataStatusValues.Continue;
  }

  onLog(): void {
    if (this.root_context.getConfiguration() == "log") log(LogLevelValues.info, "the end");
  }
}

registerRootContext((context_id: u32) => new GuestRoot(context_id), "guest");
