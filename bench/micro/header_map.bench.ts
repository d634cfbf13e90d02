// bench/micro/header_map.bench.ts: headers as the request path uses them.
/** `node bench/micro/header_map.bench.ts` · `deno run -A bench/micro/header_map.bench.ts` */
import { bench, do_not_optimize, run, summary } from "mitata";
import { HeaderMap } from "../../host/http/header_map.ts";

const FIELDS: readonly (readonly [string, string])[] = [
  [":method", "GET"],
  [":path", "/some/path?with=query"],
  [":authority", "example.com"],
  [":scheme", "http"],
  ["user-agent", "bench/1.0"],
  ["accept", "*/*"],
  ["accept-encoding", "gzip, deflate, br"],
  ["cookie", "session=0123456789abcdef"],
  ["x-request-id", "6c6f6e67-2d65-4e6f-a768-746f6265757569"],
];

function filled(): HeaderMap {
  const headers = new HeaderMap();
  for (const [name, value] of FIELDS) headers.add(name, value);
  return headers;
}

const headers = filled();

summary(() => {
  bench("build with nine fields", () => do_not_optimize(filled()));
  bench("get one that is there", () => do_not_optimize(headers.get("cookie")));
  bench("get one that is not there", () => do_not_optimize(headers.get("x-forwarded-for")));
  bench("get a pseudo-header", () => do_not_optimize(headers.get(":path")));
  bench("replace one", () => headers.set("x-request-id", "another"));
  bench("add and remove one", () => {
    headers.add("x-added", "1");
    headers.remove("x-added");
  });
  bench("look at all", () => headers.forEach((name, value) => do_not_optimize(name.length + value.length)));
  bench("copy", () => do_not_optimize(headers.clone()));
});

await run();
