// bench/micro/component.bench.ts: what a component costs per callback, beside a module that does the same.
/**
 * `node bench/micro/component.bench.ts`, `deno run -A bench/micro/component.bench.ts`. A whole stream is its
 * object made, the callbacks named, and the object dropped. Requests have nine headers.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { bench, do_not_optimize, run } from "mitata";
import { ByteQueue } from "../../host/base/byte_queue.ts";
import { HeaderMap } from "../../host/http/header_map.ts";
import { compileModule, meterOptions, pluginConfig } from "../../host/wasm/mod.ts";
import { componentFile } from "../../test/guests/component/build.ts";
import { FakeEnvironment, FakeHttpStream, GET, guest, Host, i32, out, s } from "../../test/host/wasm/guest.ts";

const HEADERS = {
  ...GET,
  "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36",
  accept: "text/html,application/xhtml+xml",
  "accept-encoding": "gzip, deflate, br",
  "x-request-id": "9f1c2a34-5b6d-4e7f-8a9b-0c1d2e3f4a5b",
  cookie: "session=abcdef0123456789",
};
const TRUSTED = { validate: () => Promise.resolve(null) };

async function component(name: string, configuration: string, isMetered: boolean): Promise<Host> {
  const env = new FakeEnvironment();
  env.log.level = 6;
  const parts = {
    pluginConfiguration: new TextEncoder().encode(configuration),
    ...(isMetered ? {} : { cpuBudget: 0 }),
  };
  const limits = meterOptions(pluginConfig(parts));
  const result = await compileModule(readFileSync(componentFile(name)), limits, undefined, TRUSTED);
  if ("diagnostics" in result) throw new Error(result.diagnostics[0]!.message);
  return new Host(result.module, parts, env);
}

function stream(host: Host): void {
  const stream = new FakeHttpStream();
  stream.requestHeaders = HeaderMap.of(HEADERS);
  const filter = host.plugin.createHttpFilter(stream)!;
  do_not_optimize(filter.onRequestHeaders!(stream.requestHeaders, true));
  filter.onDestroy!();
}

/** A body callback of its own, on a stream that is there. */
function body(host: Host, size: number): () => void {
  const stream = new FakeHttpStream();
  stream.requestHeaders = HeaderMap.of({ ...HEADERS, "x-test": "upper" });
  const filter = host.plugin.createHttpFilter(stream)!;
  filter.onRequestHeaders!(stream.requestHeaders, false);
  const bytes = new Uint8Array(size).fill(0x61);
  return () => {
    const queue = new ByteQueue();
    queue.push(bytes);
    do_not_optimize(filter.onRequestBody!(queue, false));
  };
}

for (const isMetered of [true, false]) {
  const meter = isMetered ? "metered" : "not metered";
  bench(`Rust component: object, request headers, one edit, drop (${meter})`, async function* () {
    const host = await component("rust_http", "headers only", isMetered);
    yield () => stream(host);
  });
}

bench("JavaScript component: object, request headers, two edits, drop (metered)", async function* () {
  const host = await component("js_http", "", true);
  yield () => stream(host);
});

bench("module: object, all pairs read, one header added, drop (not metered)", async function* () {
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_context_create: "",
        proxy_on_request_headers: `(global.set $heap (i32.const 0xa000))
          (drop (call $proxy_get_header_map_pairs ${i32(0)} ${out}))
          (drop (call $proxy_add_header_map_value ${i32(0)} ${s("x-request")} ${s("seen")})) (i32.const 0)`,
        proxy_on_delete: "",
      },
    }),
  );
  yield () => stream(host);
});

for (const size of [1024, 16 * 1024]) {
  bench(`Rust component: body of ${size / 1024} KiB replaced (metered)`, async function* () {
    yield body(await component("rust_http", "", true), size);
  });
}

bench("JavaScript component: body of 1 KiB replaced (metered)", async function* () {
  yield body(await component("js_http", "", true), 1024);
});

await run();
