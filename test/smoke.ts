// test/smoke.ts: one request through a proxy with a wasm filter; for runtimes that the tests do not cover.
import process from "node:process";
import { fileURLToPath } from "node:url";
import { createProxy, ProxyBuilder } from "../host/mod.ts";
import { buildFilter } from "../host/testing/filter_build/build_filter.ts";

const built = await buildFilter({ path: fileURLToPath(new URL("../filters-examples/hello", import.meta.url)) });
const proxy = await createProxy(
  new ProxyBuilder().listener(
    "web",
    "127.0.0.1:0",
    (web) => web.http((http) => http.wasm("hello", { path: built.outFile }).route("/", (route) => route.reply(200))),
  ),
);
await proxy.start();
const response = await fetch(`http://${proxy.addresses("web")[0]}/`);
await proxy.stop();
const good = response.status === 200 && response.headers.get("x-hello") !== null;
console.log(good ? "1 passed, 0 failed" : `0 passed, 1 failed: status ${response.status}`);
process.exit(good ? 0 : 1);
