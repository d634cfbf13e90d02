// test/host/http/local_reply_over_reply.test.ts: a reply that is asked for while another one passes the filters.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ByteQueue } from "../../../host/base/byte_queue.ts";
import { ManualClock } from "../../../host/base/clock.ts";
import { DataStatus, HeadersStatus, type HttpFilter, type TerminalFilterStream } from "../../../host/http/filter.ts";
import { FilterManager } from "../../../host/http/filter_manager/filter_manager.ts";
import type { FilterManagerCallbacks } from "../../../host/http/filter_manager/filter_manager_callbacks.ts";
import { HeaderMap } from "../../../host/http/header_map.ts";
import type { ConnectionInfo } from "../../../host/observe/stream_info.ts";
import { StreamInfo } from "../../../host/observe/stream_info.ts";

/** What a stream's owner saw. */
class Owner implements FilterManagerCallbacks {
  readonly clock = new ManualClock();
  readonly info = new StreamInfo({} as ConnectionInfo, 0, 0);
  readonly random = 0;
  readonly bufferLimitBytes = 1000;
  readonly seen: string[] = [];

  route(): null {
    return null;
  }

  clearRouteCache(): void {}
  encode1xxHeaders(): void {}

  encodeHeaders(headers: HeaderMap, end: boolean): void {
    this.seen.push(`headers ${headers.status}${end ? " end" : ""}`);
  }

  encodeData(data: ByteQueue, end: boolean): void {
    this.seen.push(`body ${data.length}${end ? " end" : ""}`);
    data.clear();
  }

  encodeTrailers(): void {}

  resetStream(details: string): void {
    this.seen.push(`reset ${details}`);
  }

  readDisable(): void {}
}

/** A stream whose last filter answers 200 with a body; `filter` stands before it. */
function answered(filter: (stream: TerminalFilterStream) => HttpFilter): Owner {
  const owner = new Owner();
  const router = (stream: TerminalFilterStream): HttpFilter => ({
    onRequestHeaders() {
      stream.sendLocalReply({ status: 200, body: "hello", details: "direct_response" });
      return HeadersStatus.StopIteration;
    },
  });
  const manager = new FilterManager(owner, [{ create: filter }, { create: router }]);
  manager.decodeHeaders(HeaderMap.of({ ":method": "GET", ":path": "/", ":authority": "a" }), true);
  return owner;
}

test("a filter that fails on the headers of a reply replaces the reply", () => {
  const owner = answered((stream) => ({
    onResponseHeaders() {
      stream.sendLocalReply({ status: 503, details: "wasm_fail_stream" });
      return HeadersStatus.StopAllIterationAndWatermark;
    },
  }));
  assert.equal(owner.seen, ["headers 503 end"]);
  assert.is(owner.info.responseCodeDetails, "wasm_fail_stream");
});

test("a filter that fails on the body of a reply cuts the stream", () => {
  const owner = answered((stream) => ({
    onResponseBody() {
      stream.sendLocalReply({ status: 503, details: "wasm_fail_stream" });
      return DataStatus.StopIterationNoBuffer;
    },
  }));
  assert.equal(owner.seen, ["headers 200", "reset wasm_fail_stream"]);
});

test("a filter that asks twice in one callback is answered once", () => {
  const owner = answered((stream) => ({
    onRequestHeaders() {
      stream.sendLocalReply({ status: 401, details: "first" });
      stream.sendLocalReply({ status: 403, details: "second" });
      return HeadersStatus.StopIteration;
    },
  }));
  assert.equal(owner.seen, ["headers 401 end"]);
});

test.run();
