// test/conformance/differential/cases/runtime.ts: values that change while requests come, and what is shown of them.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

const HOST = "Host: a.example\r\n";
const BAD = "HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n";

function get(name: string, target: string): Exchange {
  return { name, client: `GET ${target} HTTP/1.1\r\n${HOST}\r\n` };
}

function admin(name: string, request: string): Exchange {
  return {
    name,
    listener: "admin",
    wholeBodies: true,
    withoutHeaders: true,
    sortedJson: true,
    client: `${request} HTTP/1.1\r\nHost: localhost\r\ncontent-length: 0\r\n\r\n`,
  };
}

function modify(name: string, query: string): Exchange {
  return admin(name, `POST /runtime_modify${query}`);
}

function statistics(name: string): Exchange {
  return admin(name, "GET /stats?filter=^runtime");
}

export const runtime: Group = {
  name: "runtime",
  listeners: ["main", "admin"],
  upstreams: ["u"],
  files: {
    "disk/values/numbers/a": "# how much\n30\n",
    "disk/values/numbers/b": "7",
    "disk/values/text": "one\ntwo\n\n",
    "disk/values/empty": "",
    "disk/values/fraction": "numerator: 3\ndenominator: TEN_THOUSAND\n",
    "disk/override/web/numbers/b": "8 ",
  },
  yaml: `node: { id: one, cluster: web }
layered_runtime:
  layers:
  - name: static
    static_layer:
      numbers: { a: 1, b: 2, c: 1.5, large: 10000000, negative: -3 }
      switch: true
      text: "zero"
      quoted: "12"
  - { name: disk, disk_layer: { symlink_root: FOLDER/disk, subdirectory: values } }
  - { name: override, disk_layer: { symlink_root: FOLDER/disk, subdirectory: override, append_service_cluster: true } }
  - { name: none, disk_layer: { symlink_root: FOLDER/disk, subdirectory: none } }
  - { name: admin, admin_layer: {} }
` + bootstrap([
    httpListener("main", {
      virtualHost: "include_request_attempt_count: true",
      routes: `- match: { prefix: /share, runtime_fraction: { runtime_key: share, default_value: { numerator: 0 } } }
  direct_response: { status: 200, body: { inline_string: "new" } }
- { match: { prefix: /share }, direct_response: { status: 200, body: { inline_string: "old" } } }
- match: { prefix: /weights }
  route:
    weighted_clusters: { runtime_key_prefix: weights, clusters: [ { name: u, weight: 1 }, { name: dead, weight: 0 } ] }
- { match: { prefix: /retries }, route: { cluster: u, retry_policy: { retry_on: 5xx } } }
- { match: { prefix: "/" }, route: { cluster: u } }`,
    }),
  ], [cluster("u"), cluster("dead")]),
  exchanges: [
    admin("all layers", "GET /runtime"),
    statistics("what is counted of them"),
    get("a fraction of none", "/share"),
    modify("more than everything", "?share=1000"),
    get("a fraction of all", "/share"),
    modify("a fraction as JSON", "?share=%7B%22numerator%22%3A%200%7D"),
    get("of none again", "/share"),
    modify("a fraction as YAML", "?share=numerator:%20100"),
    get("of all again", "/share"),
    modify("a text", "?share=many"),
    get("no fraction, so the configured one", "/share"),
    modify("nothing", "?share="),
    get("the configured fraction", "/share"),
    get("the cluster with all the weight", "/weights"),
    modify("all weight to another cluster", "?weights.u=0&weights.dead=5"),
    get("the cluster that has it now", "/weights"),
    modify("the weights as they were", "?weights.u=&weights.dead="),
    modify("maintenance", "?upstream.maintenance_mode.u=100"),
    get("a cluster in maintenance", "/maintenance"),
    modify("no maintenance", "?upstream.maintenance_mode.u=0"),
    get("a cluster after maintenance", "/maintenance"),
    modify("no retries", "?upstream.use_retry=0"),
    { ...get("a failure that is not retried", "/retries"), upstreams: { u: { http: [BAD] } } },
    modify("retries", "?upstream.use_retry="),
    {
      ...get("a failure that is retried", "/retries"),
      upstreams: { u: { http: [BAD, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"] } },
    },
    modify("no request at once", "?circuit_breakers.u.default.max_requests=0"),
    get("a request above the limit", "/limit"),
    modify("as many as are configured", "?circuit_breakers.u.default.max_requests="),
    get("a request within it", "/limit"),
    modify("several values over others", "?numbers.a=5&numbers.b=6&other=x%20y&list=%5B1%5D"),
    admin("what the administrator set", "GET /runtime"),
    statistics("what is counted of it"),
    modify("no value at all", ""),
    admin("another method", "GET /runtime_modify?a=1"),
    modify("all that was set, away", "?numbers.a=&numbers.b=&other=&list=&upstream.maintenance_mode.u="),
    statistics("what is counted in the end"),
  ],
};
