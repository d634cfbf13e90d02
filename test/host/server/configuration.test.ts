// test/host/server/configuration.test.ts: configurations on their way to a plan.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loaded } from "../../support/loaded_configuration.ts";

const HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/** A listener whose access log has this for its format. */
function logging(format: string): string {
  return JSON.stringify({
    static_resources: {
      listeners: [{
        name: "web",
        address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
        filter_chains: [{
          filters: [{
            name: "hcm",
            typed_config: {
              "@type": HCM,
              stat_prefix: "web",
              route_config: {},
              http_filters: [{
                name: "router",
                typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
              }],
              access_log: [{
                name: "log",
                typed_config: {
                  "@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
                  log_format: { text_format_source: { inline_string: format } },
                },
              }],
            },
          }],
        }],
      }],
    },
  });
}

test("expressions are compiled, whatever else is loaded meanwhile", async () => {
  const messages = async (format: string) =>
    (await loaded({ yaml: logging(format) })).diagnostics.all.map(({ message }) => message);
  await messages("%CEL(request.path)%");
  // So many turns later the modules of planners are being imported, on the one runtime or the other.
  for (const turns of [0, 1, 2, 8, 12]) {
    const withExpression = messages("%CEL(request.path)%");
    for (let turn = 0; turn < turns; turn++) await null;
    const without = messages("%PROTOCOL%");
    assert.equal(await withExpression, [], `${turns} turns`);
    assert.equal(await without, []);
  }
});

test.run();
