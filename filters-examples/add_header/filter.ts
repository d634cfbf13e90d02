// filters-examples/add_header/filter.ts: adds and removes headers, as configured.
export * from "nuncio/sdk/entry/http";
import {
  Config,
  HeaderMap,
  Headers,
  HeadersStatus,
  HttpFilterOf,
  Json,
  registerHttpFilterWithRoot,
  RequestHeaders,
  ResponseHeaders,
  RootContext,
} from "nuncio/sdk";

/** What is to be done to the headers of one direction. */
class Changes {
  readonly set: Headers = new Headers();
  readonly add: Headers = new Headers();
  remove: string[] = [];

  /** Reads `{ "set": {…}, "add": {…}, "remove": […] }`. */
  read(json: Json): void {
    json.onlyKeys(["set", "add", "remove"]);
    readPairs(json.get("set"), this.set);
    readPairs(json.get("add"), this.add);
    this.remove = json.get("remove").strings();
  }

  apply(headers: HeaderMap): void {
    for (let i = 0; i < this.remove.length; ++i) headers.remove(this.remove[i]);
    for (let i = 0; i < this.set.length; ++i) headers.set(this.set.names[i], this.set.values[i]);
    for (let i = 0; i < this.add.length; ++i) headers.add(this.add.names[i], this.add.values[i]);
  }
}

/** Reads `{ "name": "value", … }`. */
function readPairs(json: Json, headers: Headers): void {
  for (let i = 0; i < json.length; ++i) headers.add(json.keyAt(i), json.at(i).string());
}

/** The plugin: one per configuration and worker thread. */
class AddHeaderRoot extends RootContext {
  readonly request: Changes = new Changes();
  readonly response: Changes = new Changes();

  onConfigure(config: Config): bool {
    const json = config.json();
    if (json === null) return this.refuse("add_header: " + Json.error);
    json.onlyKeys(["request", "response"]);
    this.request.read(json.get("request"));
    this.response.read(json.get("response"));
    return Json.error.length == 0 || this.refuse("add_header: " + Json.error);
  }
}

/** One per request. */
class AddHeader extends HttpFilterOf<AddHeaderRoot> {
  onRequestHeaders(headers: RequestHeaders, endOfStream: bool): HeadersStatus {
    this.root.request.apply(headers);
    return HeadersStatus.Continue;
  }

  onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): HeadersStatus {
    this.root.response.apply(headers);
    return HeadersStatus.Continue;
  }
}

registerHttpFilterWithRoot<AddHeader, AddHeaderRoot>("add_header");
