// test/guests/nuncio/guest.ts: the guest that ../README.md describes, with nuncio's own SDK.
export * from "nuncio/sdk/entry/http";
import {
  Body,
  Config,
  Counter,
  DataStatus,
  Gauge,
  HeadersStatus,
  Histogram,
  HttpCall,
  HttpCallHandler,
  HttpCallResponse,
  HttpFilterOf,
  LocalResponse,
  log,
  Property,
  registerHttpFilterWithRoot,
  RequestHeaders,
  ResponseHeaders,
  RootContext,
  SharedData,
  Status,
} from "nuncio/sdk";

class GuestRoot extends RootContext {
  part: string = "";
  ticks: u32 = 0;

  onConfigure(config: Config): bool {
    this.part = config.text();
    if (this.part == "tick") this.setTickPeriod(100);
    return this.part != "refuse";
  }

  onTick(): void {
    this.ticks++;
  }
}

class Answer extends HttpCallHandler {
  constructor(private readonly guest: Guest) {
    super();
  }

  onResponse(response: HttpCallResponse): void {
    if (response.status != 200) return this.onFailure();
    this.guest.requestHeaders.set("x-called", response.body.text());
    this.guest.resumeRequest();
  }

  onFailure(): void {
    this.guest.reply(new LocalResponse(403).text("call failed\n"));
  }
}

class Guest extends HttpFilterOf<GuestRoot> {
  onRequestHeaders(headers: RequestHeaders, _end: bool): HeadersStatus {
    const part = this.root.part;
    if (part == "headers") this.changeHeaders(headers);
    else if (part == "body") headers.remove("content-length");
    else if (part == "property") this.readProperties(headers);
    else if (part == "metric") this.countMetrics(headers);
    else if (part == "shared_data") this.shareData(headers);
    else if (part == "tick") headers.set("x-ticks", this.root.ticks.toString());
    else if (part == "log") {
      log.info("an information");
      log.warn("a warning");
      log.error("an error");
    } else if (part == "reply") {
      return this.reply(new LocalResponse(403, "guest_said_no").header("x-why", "guest").text("no\n"));
    } else if (part == "callout") {
      new HttpCall("service", "GET", "/check", "service").timeout(1000).send(new Answer(this));
      return HeadersStatus.StopAllIterationAndWatermark;
    }
    return HeadersStatus.Continue;
  }

  private changeHeaders(headers: RequestHeaders): void {
    const asked = headers.get("x-asked");
    headers.set("x-got", asked === null ? "none" : asked);
    headers.add("x-added", "one");
    headers.add("x-added", "two");
    headers.set("x-replaced", "new");
    headers.remove("x-removed");
  }

  private readProperties(headers: RequestHeaders): void {
    const path = Property.text(["request", "path"]);
    headers.set("x-path", path === null ? "" : path);
    Property.setText(["guest_note"], "kept");
    const note = Property.text(["guest_note"]);
    headers.set("x-kept", note === null ? "" : note);
    headers.set("x-absent", Property.bytes(["no", "such"]) === null ? "yes" : "no");
  }

  private countMetrics(headers: RequestHeaders): void {
    const counter = new Counter("guest_requests");
    const gauge = new Gauge("guest_level");
    counter.add(2);
    gauge.set(7);
    gauge.add(-3);
    new Histogram("guest_sizes").record(5);
    headers.set("x-metrics", counter.value.toString() + " " + gauge.value.toString());
  }

  private shareData(headers: RequestHeaders): void {
    const known = SharedData.get("guest_count");
    const count = known === null ? 0 : u32.parse(known.text());
    const next = (count + 1).toString();
    SharedData.setText("guest_count", next, known === null ? 0 : known.cas);
    // A number that is not the one of now is refused.
    const status = SharedData.setText("guest_count", "0", u32.MAX_VALUE);
    headers.set("x-shared", next + (status == Status.CasMismatch ? " refused" : " taken"));
  }

  onRequestBody(body: Body, end: bool): DataStatus {
    if (this.root.part != "body") return DataStatus.Continue;
    if (!end) return DataStatus.StopIterationAndBuffer;
    body.append(String.UTF8.encode(" and more"));
    return DataStatus.Continue;
  }

  onResponseHeaders(headers: ResponseHeaders, _end: bool): HeadersStatus {
    headers.set("x-guest", "nuncio");
    if (this.root.part == "body") headers.remove("content-length");
    return HeadersStatus.Continue;
  }

  onResponseBody(body: Body, end: bool): DataStatus {
    if (this.root.part == "body" && end) body.append(String.UTF8.encode("!"));
    return DataStatus.Continue;
  }

  onLog(): void {
    if (this.root.part == "log") log.info("the end");
  }
}

registerHttpFilterWithRoot<Guest, GuestRoot>("guest");
