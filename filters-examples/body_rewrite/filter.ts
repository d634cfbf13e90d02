// filters-examples/body_rewrite/filter.ts: replaces text in response bodies.
export * from "nuncio/sdk/entry/http";
import {
  Body,
  Config,
  Counter,
  DataStatus,
  HeadersStatus,
  HttpFilterOf,
  Json,
  registerHttpFilterWithRoot,
  RequestHeaders,
  ResponseHeaders,
  RootContext,
  startsWithIgnoreCase,
} from "nuncio/sdk";

/** The plugin: what is replaced by what, and where. */
class RewriteRoot extends RootContext {
  readonly from: string[] = [];
  readonly to: string[] = [];
  contentTypes: string[] = [];
  readonly rewritten: Counter = new Counter("body_rewrite.rewritten");

  onConfigure(config: Config): bool {
    const json = config.json();
    if (json === null) return this.refuse("body_rewrite: " + Json.error);
    json.onlyKeys(["rules", "content_types"]);
    const rules = json.get("rules");
    for (let i = 0; i < rules.length; ++i) {
      rules.at(i).onlyKeys(["from", "to"]);
      this.from.push(rules.at(i).get("from").string());
      this.to.push(rules.at(i).get("to").string());
    }
    this.contentTypes = json.get("content_types").strings();
    if (this.contentTypes.length == 0) this.contentTypes.push("text/");
    if (Json.error.length != 0) return this.refuse("body_rewrite: " + Json.error);
    if (this.from.length == 0) return this.refuse("body_rewrite: rules: at least one rule is needed");
    if (this.from.includes("")) return this.refuse("body_rewrite: rules: from: must not be empty");
    return true;
  }

  /** Whether bodies of this type are rewritten: those that begin with one of `content_types`. */
  covers(contentType: string): bool {
    for (let i = 0; i < this.contentTypes.length; ++i) {
      if (startsWithIgnoreCase(contentType, this.contentTypes[i])) return true;
    }
    return false;
  }

  rewrite(text: string): string {
    for (let i = 0; i < this.from.length; ++i) text = text.replaceAll(this.from[i], this.to[i]);
    return text;
  }
}

/** One per request. */
class Rewrite extends HttpFilterOf<RewriteRoot> {
  private active: bool = false;

  onRequestHeaders(headers: RequestHeaders, endOfStream: bool): HeadersStatus {
    headers.remove("accept-encoding"); // A compressed body cannot be searched.
    headers.remove("range"); // Nor does a part of a body show all that is to be replaced.
    return HeadersStatus.Continue;
  }

  onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): HeadersStatus {
    this.active = !endOfStream && !headers.has("content-encoding") &&
      this.root.covers(headers.getOr("content-type", ""));
    if (!this.active) return HeadersStatus.Continue;
    headers.remove("content-length"); // It is going to be wrong,
    headers.remove("etag"); // and so is what caches know the old body by.
    return HeadersStatus.Continue;
  }

  onResponseBody(body: Body, endOfStream: bool): DataStatus {
    if (!this.active) return DataStatus.Continue;
    // What is to be replaced may lie across two pieces: wait for the whole body.
    if (!endOfStream) return DataStatus.StopIterationAndBuffer;
    const text = body.text();
    const rewritten = this.root.rewrite(text);
    if (rewritten != text) {
      body.setText(rewritten);
      this.root.rewritten.add();
    }
    return DataStatus.Continue;
  }
}

registerHttpFilterWithRoot<Rewrite, RewriteRoot>("body_rewrite");
