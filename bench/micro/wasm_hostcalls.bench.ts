// bench/micro/wasm_hostcalls.bench.ts: what a callback and each common host function cost.
/**
 * `node bench/micro/wasm_hostcalls.bench.ts`, `deno run -A bench/micro/wasm_hostcalls.bench.ts`. The guests
 * are written in WebAssembly text and call the host a thousand times in one callback, so that a figure is
 * one host call (the rows "per call": divide by 1000) or one whole stream.
 *
 * @module
 */
import { bench, do_not_optimize, run, summary } from "mitata";
import { HeaderMap } from "../../host/http/header_map.ts";
import { FakeEnvironment, FakeHttpStream, GET, guest, Host, i32, OUT, out, s } from "../../test/host/wasm/guest.ts";

const TIMES = 1000;
const HEADERS = {
  ...GET,
  "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36",
  accept: "text/html,application/xhtml+xml",
  "accept-encoding": "gzip, deflate, br",
  "x-request-id": "9f1c2a34-5b6d-4e7f-8a9b-0c1d2e3f4a5b",
  cookie: "session=abcdef0123456789",
};

/** A guest that does `body` a thousand times in its header callback. */
async function repeated(body: string): Promise<Host> {
  const env = new FakeEnvironment();
  env.log.level = 6;
  env.attributes.set("request.path", { kind: "latin1", value: "/p" });
  return new Host(
    await guest({
      callbacks: {
        proxy_on_request_headers:
          `(local.set $x (i32.const ${TIMES})) (loop $again (global.set $heap (i32.const 0xa000)) ${body}
          (br_if $again (local.tee $x (i32.sub (local.get $x) (i32.const 1))))) (i32.const 0)`,
      },
    }),
    {},
    env,
  );
}

function stream(host: Host): FakeHttpStream {
  const stream = new FakeHttpStream();
  stream.requestHeaders = HeaderMap.of(HEADERS);
  const filter = host.plugin.createHttpFilter(stream)!;
  do_not_optimize(filter.onRequestHeaders!(stream.requestHeaders, true));
  filter.onDestroy!();
  return stream;
}

const CALLS: readonly (readonly [string, string])[] = [
  ["get 5-byte name, 2-byte value", `(drop (call $proxy_get_header_map_value ${i32(0)} ${s(":path")} ${out}))`],
  ["get 10-byte name, 100-byte value", `(drop (call $proxy_get_header_map_value ${i32(0)} ${s("user-agent")} ${out}))`],
  ["get absent", `(drop (call $proxy_get_header_map_value ${i32(0)} ${s("x-absent")} ${out}))`],
  [
    "replace 12-byte name, 20-byte value",
    `(drop (call $proxy_replace_header_map_value ${i32(0)} ${s("x-added-name")} ${s("twenty bytes of text")}))`,
  ],
  ["all pairs of 9 headers", `(drop (call $proxy_get_header_map_pairs ${i32(0)} ${out}))`],
  ["time", `(drop (call $proxy_get_current_time_nanoseconds ${i32(OUT)}))`],
  ["property request.path", `(drop (call $proxy_get_property ${s("request\0path")} ${out}))`],
  ["log below the level", `(drop (call $proxy_log ${i32(2)} ${s("a message of some length")}))`],
  ["shared data: get", `(drop (call $proxy_get_shared_data ${s("key")} ${out} ${i32(OUT + 8)}))`],
  ["shared data: set", `(drop (call $proxy_set_shared_data ${s("key")} ${s("value")} ${i32(0)}))`],
  [
    "counter",
    `(drop (call $proxy_define_metric ${i32(0)} ${s("c")} ${i32(OUT)})) (drop (call $proxy_increment_metric ${
      i32(4)
    } (i64.const 1)))`,
  ],
];

summary(() => {
  bench("per call ×1000: nothing", async function* () {
    const host = await repeated("(nop)");
    yield () => stream(host);
  });
  for (const [name, body] of CALLS) {
    bench(`per call ×1000: ${name}`, async function* () {
      const host = await repeated(body);
      yield () => stream(host);
    });
  }
});

bench("whole stream, no callback but create and delete", async function* () {
  const host = new Host(await guest({ callbacks: { proxy_on_context_create: "", proxy_on_delete: "" } }));
  yield () => stream(host);
});

bench("whole stream, ten header operations", async function* () {
  const operations = [
    ...[":path", ":method", "user-agent", "cookie", "x-absent"].map((name) =>
      `(drop (call $proxy_get_header_map_value ${i32(0)} ${s(name)} ${out}))`
    ),
    ...["x-one", "x-two", "x-three"].map((name) =>
      `(drop (call $proxy_add_header_map_value ${i32(0)} ${s(name)} ${s("some value")}))`
    ),
    `(drop (call $proxy_replace_header_map_value ${i32(0)} ${s("accept")} ${s("*/*")}))`,
    `(drop (call $proxy_remove_header_map_value ${i32(0)} ${s("cookie")}))`,
  ];
  const host = new Host(
    await guest({
      callbacks: {
        proxy_on_context_create: "",
        proxy_on_request_headers: `(global.set $heap (i32.const 0xa000)) ${operations.join("\n")} (i32.const 0)`,
        proxy_on_response_headers: "(i32.const 0)",
        proxy_on_done: "(i32.const 1)",
        proxy_on_log: "",
        proxy_on_delete: "",
      },
    }),
  );
  yield () => stream(host);
});

await run();
