// test/smoke.ts: one request through a proxy with a wasm filter; for runtimes that the tests do not cover.
import process from "node:process";
import { fileURLToPath } from "node:url";
import { createProxy } from "../host/mod.ts";
import { buildFilter } from "../host/testing/filter_build/build_filter.ts";

const built = await buildFilter({ path: fileURLToPath(new URL("../filters-examples/hello", import.meta.url)) });
const http = "type.googleapis.com/envoy.extensions.filters";
const proxy = await createProxy({
  yaml: JSON.stringify({
    static_resources: {
      listeners: [{
        name: "web",
        address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
        filter_chains: [{
          filters: [{
            name: "http",
            typed_config: {
              "@type": `${http}.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: "web",
              route_config: {
                virtual_hosts: [{
                  name: "all",
                  domains: ["*"],
                  routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }],
                }],
              },
              http_filters: [
                {
                  name: "hello",
                  typed_config: {
                    "@type": `${http}.http.wasm.v3.Wasm`,
                    config: {
                      name: "hello",
                      root_id: "hello",
                      vm_config: { code: { local: { filename: built.outFile } } },
                    },
                  },
                },
                { name: "router", typed_config: { "@type": `${http}.http.router.v3.Router` } },
              ],
            },
          }],
        }],
      }],
    },
  }),
});
const response = await fetch(`http://${proxy.addresses("web")[0]}/`);
await proxy.stop();
const good = response.status === 200 && response.headers.get("x-hello") !== null;
console.log(good ? "1 passed, 0 failed" : `0 passed, 1 failed: status ${response.status}`);
process.exit(good ? 0 : 1);
