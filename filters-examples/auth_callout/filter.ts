// filters-examples/auth_callout/filter.ts: asks another service whether a request may pass.
export * from "nuncio/sdk/entry/http";
import {
  Config,
  Counter,
  HeadersStatus,
  Histogram,
  HttpCall,
  HttpCallHandler,
  HttpCallResponse,
  HttpFilterOf,
  Json,
  LocalResponse,
  log,
  nowMillis,
  registerHttpFilterWithRoot,
  RequestHeaders,
  RootContext,
  TimerTask,
} from "nuncio/sdk";

/** The plugin: whom to ask, and what to make of the answer. */
class AuthRoot extends RootContext {
  cluster: string = "";
  path: string = "";
  timeoutMs: u32 = 0;
  failOpen: bool = false;
  copyHeaders: string[] = [];
  readonly allowed: Counter = new Counter("auth_callout.allowed");
  readonly denied: Counter = new Counter("auth_callout.denied");
  readonly failed: Counter = new Counter("auth_callout.failed");
  readonly latency: Histogram = new Histogram("auth_callout.latency_ms");

  onConfigure(config: Config): bool {
    const json = config.json();
    if (json === null) return this.refuse("auth_callout: " + Json.error);
    json.onlyKeys(["cluster", "path", "timeout_ms", "fail_open", "copy_headers", "report_every_ms"]);
    this.cluster = json.get("cluster").string("authz");
    this.path = json.get("path").string("/check");
    const timeoutMs = json.get("timeout_ms").i32(500);
    this.failOpen = json.get("fail_open").bool(false);
    this.copyHeaders = json.get("copy_headers").strings();
    const reportEveryMs = json.get("report_every_ms").i32(10_000);
    if (Json.error.length != 0) return this.refuse("auth_callout: " + Json.error);
    if (timeoutMs < 1) return this.refuse("auth_callout: timeout_ms: must be at least 1");
    this.timeoutMs = timeoutMs;
    if (reportEveryMs > 0) this.every(reportEveryMs, new Report(this));
    return true;
  }
}

/** Writes to the log now and then how many requests were denied. */
class Report extends TimerTask {
  private reported: u64 = 0;

  constructor(private readonly root: AuthRoot) {
    super();
  }

  run(): void {
    const denied = this.root.denied.value;
    if (denied == this.reported) return;
    this.reported = denied;
    log.info("auth_callout: denied " + denied.toString() + " requests so far");
  }
}

/** Waits for the answer of the authorization service: the class that other languages write as a closure. */
class Verdict extends HttpCallHandler {
  private readonly sentMs: u64 = nowMillis();

  constructor(private readonly filter: Auth) {
    super();
  }

  onResponse(response: HttpCallResponse): void {
    const root = this.filter.root;
    root.latency.record(nowMillis() - this.sentMs);
    const status = response.status;
    if (status >= 500) return this.onFailure();
    if (status != 200) return this.filter.deny(status == 403 ? 403 : 401, response.body.text(0, 1024));
    const headers = this.filter.requestHeaders;
    for (let i = 0; i < root.copyHeaders.length; ++i) {
      const value = response.headers.get(root.copyHeaders[i]);
      if (value !== null) headers.set(root.copyHeaders[i], value);
    }
    this.filter.allow();
  }

  onFailure(): void {
    this.filter.unanswered();
  }
}

/** One per request. Holds it until the verdict is there. */
class Auth extends HttpFilterOf<AuthRoot> {
  onRequestHeaders(headers: RequestHeaders, endOfStream: bool): HeadersStatus {
    const root = this.root;
    // What the service is to say must not come from the client.
    for (let i = 0; i < root.copyHeaders.length; ++i) headers.remove(root.copyHeaders[i]);
    const token = headers.get("authorization");
    if (token === null) {
      root.denied.add();
      return this.reply(
        new LocalResponse(401, "auth_callout_no_token").header("www-authenticate", "Bearer").text("a token, please\n"),
      );
    }
    const sent = new HttpCall(root.cluster, "GET", root.path)
      .header("authorization", token)
      .header("x-original-method", headers.method)
      .header("x-original-path", headers.path)
      .timeout(root.timeoutMs)
      .send(new Verdict(this));
    if (!sent) {
      log.error("auth_callout: the host refuses to call cluster \"" + root.cluster + "\"");
      if (root.failOpen) return HeadersStatus.Continue;
      return this.reply(new LocalResponse(503, "auth_callout_refused").text("no authorization service\n"));
    }
    return HeadersStatus.StopAllIterationAndWatermark;
  }

  /** The service said yes. */
  allow(): void {
    this.root.allowed.add();
    this.resumeRequest();
  }

  /** The service said no. */
  deny(code: u32, why: string): void {
    this.root.denied.add();
    this.reply(new LocalResponse(code, "auth_callout_denied").text(why.length != 0 ? why : "denied\n"));
  }

  /** The service said nothing that makes sense, or nothing at all. */
  unanswered(): void {
    this.root.failed.add();
    if (this.root.failOpen) this.resumeRequest();
    else this.reply(new LocalResponse(503, "auth_callout_failed").text("authorization is not available\n"));
  }
}

registerHttpFilterWithRoot<Auth, AuthRoot>("auth_callout");
