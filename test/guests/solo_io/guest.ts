// test/guests/solo_io/guest.ts: the guest that ../README.md describes, with @solo-io/proxy-runtime.
/**
 * The SDK of 2020 has no function that sets bytes of a buffer or a value of shared data, and its
 * `getConfiguration` gives the size of the last property: what it lacks is not here, and the configuration
 * is read with `get_buffer_bytes`.
 */
export * from "@solo-io/proxy-runtime/proxy";
import {
  BaseContext,
  Context,
  continue_request,
  Counter,
  FilterHeadersStatusValues,
  Gauge,
  HeaderPair,
  Headers,
  Histogram,
  log,
  LogLevelValues,
  registerRootContext,
  RootContext,
  send_local_response,
  stream_context,
} from "@solo-io/proxy-runtime";
import {
  BufferTypeValues,
  get_buffer_bytes,
  get_property,
  GrpcStatusValues,
  set_property,
  set_tick_period_milliseconds,
} from "@solo-io/proxy-runtime/runtime";

function pair(name: string, value: string): HeaderPair {
  return new HeaderPair(String.UTF8.encode(name), String.UTF8.encode(value));
}

class GuestRoot extends RootContext {
  part: string = "";
  ticks: u32 = 0;

  createContext(context_id: u32): Context {
    return new Guest(context_id, this);
  }

  onConfigure(size: u32): bool {
    this.part = String.UTF8.decode(get_buffer_bytes(BufferTypeValues.PluginConfiguration, 0, size));
    if (this.part == "tick") set_tick_period_milliseconds(100);
    return this.part != "refuse";
  }

  onTick(): void {
    this.ticks++;
  }
}

class Guest extends Context {
  root: GuestRoot;

  constructor(context_id: u32, root: GuestRoot) {
    super(context_id, root);
    this.root = root;
  }

  onRequestHeaders(_count: u32, _end: bool): FilterHeadersStatusValues {
    const part = this.root.part;
    const headers = stream_context.headers.request;
    if (part == "headers") this.headers();
    else if (part == "property") this.property();
    else if (part == "metric") this.metric();
    else if (part == "tick") headers.replace("x-ticks", this.root.ticks.toString());
    else if (part == "log") {
      log(LogLevelValues.info, "an information");
      log(LogLevelValues.warn, "a warning");
      log(LogLevelValues.error, "an error");
    } else if (part == "reply") {
      const more: Headers = [pair("x-why", "guest")];
      send_local_response(403, "guest_said_no", String.UTF8.encode("no\n"), more, -1 as GrpcStatusValues);
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
    // No conditional expression: the compiler of then releases its result twice.
    let got = "none";
    if (asked != "") got = asked;
    headers.replace("x-got", got);
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

  call(): void {
    const headers: Headers = [pair(":method", "GET"), pair(":path", "/check"), pair(":authority", "service")];
    this.root.httpCall(
      "service",
      headers,
      new ArrayBuffer(0),
      [],
      1000,
      this,
      (_origin: BaseContext, count: u32, size: usize, _trailers: u32): void => {
        if (count == 0 || stream_context.headers.http_callback.get(":status") != "200") {
          send_local_response(403, "", String.UTF8.encode("call failed\n"), [], -1 as GrpcStatusValues);
          return;
        }
        const body = get_buffer_bytes(BufferTypeValues.HttpCallResponseBody, 0, size as u32);
        stream_context.headers.request.replace("x-called", String.UTF8.decode(body));
        continue_request();
      },
    );
  }

  onResponseHeaders(_count: u32, _end: bool): FilterHeadersStatusValues {
    stream_context.headers.response.replace("x-guest", "solo_io");
    return FilterHeadersStatusValues.Continue;
  }

  onLog(): void {
    if (this.root.part == "log") log(LogLevelValues.info, "the end");
  }
}

registerRootContext((context_id: u32) => {
  return new GuestRoot(context_id);
}, "guest");
