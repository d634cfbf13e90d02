// bench/micro/bytes.bench.ts: text to bytes and back, and chunks through a queue.
/** `node bench/micro/bytes.bench.ts` · `deno run -A bench/micro/bytes.bench.ts` */
import { bench, do_not_optimize, run, summary } from "mitata";
import { allocUnsafe, concatBytes, fromLatin1, latin1Slice, latin1Write } from "../../host/base/bytes.ts";
import { ByteQueue } from "../../host/base/byte_queue.ts";
import { takeReadBuffer } from "../../host/base/read_buffer.ts";

const head = "GET /some/path?with=query HTTP/1.1\r\nhost: example.com\r\nuser-agent: bench\r\naccept: */*\r\n\r\n";
const headBytes = fromLatin1(head);
const target = allocUnsafe(4096);
const chunk = new Uint8Array(16 * 1024);
const parts = [headBytes, chunk.subarray(0, 100), chunk.subarray(0, 1000)];
const partsLength = parts.reduce((sum, part) => sum + part.length, 0);

summary(() => {
  bench("read a head as text", () => do_not_optimize(latin1Slice(headBytes, 0, headBytes.length)));
  bench("read a header name as text", () => do_not_optimize(latin1Slice(headBytes, 36, 40)));
  bench("write a head", () => latin1Write(target, head, 0));
  bench("a head as bytes of its own", () => do_not_optimize(fromLatin1(head)));
  bench("join three parts", () => do_not_optimize(concatBytes(parts, partsLength)));
});

summary(() => {
  const queue = new ByteQueue();
  bench("push and drain 16 KiB", () => {
    queue.push(chunk);
    queue.drain(chunk.length);
  });
  const other = new ByteQueue();
  bench("move 64 KiB in four chunks", () => {
    for (let i = 0; i < 4; i++) queue.push(chunk);
    queue.moveTo(other);
    other.clear();
  });
  bench("take, lend and give back a read buffer", () => {
    const buffer = takeReadBuffer();
    buffer.lend();
    buffer.endLend();
  });
});

await run();
