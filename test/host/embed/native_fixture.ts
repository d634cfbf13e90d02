// test/host/embed/native_fixture.ts: a native filter as worker threads import it.
import { defineHttpFilter, HeadersStatus, type NativeHttpFilter } from "../../../host/mod.ts";

export const filter: NativeHttpFilter = defineHttpFilter("stamp", (_stream, config) => ({
  onResponseHeaders(headers) {
    headers.set("x-stamp", String(config["text"]));
    return HeadersStatus.Continue;
  },
}));

export const notAFilter = 1;
