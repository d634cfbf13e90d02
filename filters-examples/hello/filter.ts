// filters-examples/hello/filter.ts: the smallest filter that does something.
export * from "nuncio/sdk/entry/http";
import { HeadersStatus, HttpFilter, registerHttpFilter, ResponseHeaders } from "nuncio/sdk";

/** Puts a greeting on every response. One object per request. */
class Hello extends HttpFilter {
  onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): HeadersStatus {
    headers.set("x-hello", "from a WebAssembly filter");
    return HeadersStatus.Continue;
  }
}

registerHttpFilter<Hello>("hello");
