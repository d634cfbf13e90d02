// filters-examples/rate_limit/filter.ts: so many requests per client and time window, over all workers.
export * from "nuncio/sdk/entry/http";
import {
  clientAddress,
  Config,
  Counter,
  HeadersStatus,
  HttpFilterOf,
  Json,
  LocalResponse,
  nowMillis,
  registerHttpFilterWithRoot,
  RequestHeaders,
  ResponseHeaders,
  RootContext,
  SharedData,
  Status,
} from "nuncio/sdk";

/** How often a count is tried again when another worker changed it in between. */
const ATTEMPTS: i32 = 16;

/** The plugin: the limit, and the counts that all workers share. */
class RateLimitRoot extends RootContext {
  limit: i64 = 0;
  windowMs: u64 = 0;
  keyHeader: string = "";
  readonly limited: Counter = new Counter("rate_limit.limited");
  readonly contended: Counter = new Counter("rate_limit.contended");

  onConfigure(config: Config): bool {
    const json = config.json();
    if (json === null) return this.refuse("rate_limit: " + Json.error);
    json.onlyKeys(["limit", "window_ms", "key_header"]);
    this.limit = json.get("limit").i64(100);
    this.windowMs = json.get("window_ms").i64(60_000);
    this.keyHeader = json.get("key_header").string();
    if (Json.error.length != 0) return this.refuse("rate_limit: " + Json.error);
    if (this.limit < 1) return this.refuse("rate_limit: limit: must be at least 1");
    if (<i64>this.windowMs < 1) return this.refuse("rate_limit: window_ms: must be at least 1");
    return true;
  }

  /**
   * Counts a request and returns how many this client made in this window, or -1 when other workers were always
   * faster. One key per client holds both the window and the count, so old windows take no room.
   */
  count(client: string, window: u64): i64 {
    const key = "rate_limit/" + client;
    for (let i = 0; i < ATTEMPTS; ++i) {
      const stored = SharedData.get(key);
      let used: i64 = 1;
      let cas: u32 = 0;
      if (stored !== null) {
        const bytes = changetype<usize>(stored.bytes);
        cas = stored.cas;
        if (stored.bytes.byteLength == 16 && load<u64>(bytes) == window) used += load<i64>(bytes, 8);
      }
      const fresh = new ArrayBuffer(16);
      store<u64>(changetype<usize>(fresh), window);
      store<i64>(changetype<usize>(fresh), used, 8);
      if (SharedData.set(key, fresh, cas) == Status.Ok) return used;
    }
    this.contended.add();
    return -1;
  }
}

/** One per request. */
class RateLimit extends HttpFilterOf<RateLimitRoot> {
  private remaining: i64 = -1;

  onRequestHeaders(headers: RequestHeaders, endOfStream: bool): HeadersStatus {
    const root = this.root;
    const nowMs = nowMillis();
    const window = nowMs / root.windowMs;
    const used = root.count(this.client(headers), window);
    if (used < 0) return HeadersStatus.Continue; // Better one request too many than one refused by mistake.
    this.remaining = max<i64>(0, root.limit - used);
    if (used <= root.limit) return HeadersStatus.Continue;
    root.limited.add();
    const retryAfterSeconds = ((window + 1) * root.windowMs - nowMs + 999) / 1000;
    return this.reply(
      new LocalResponse(429, "rate_limited")
        .header("retry-after", retryAfterSeconds.toString())
        .json('{"error":"too many requests"}\n'),
    );
  }

  onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): HeadersStatus {
    if (this.remaining >= 0) headers.set("x-ratelimit-remaining", this.remaining.toString());
    return HeadersStatus.Continue;
  }

  /** What is counted: the configured header, or the client's address. */
  private client(headers: RequestHeaders): string {
    const name = this.root.keyHeader;
    if (name.length != 0) {
      const value = headers.get(name);
      if (value !== null) return value;
    }
    return clientAddress();
  }
}

registerHttpFilterWithRoot<RateLimit, RateLimitRoot>("rate_limit");
