// bench/micro/formatter.bench.ts: what an access-log line costs.
import { bench, do_not_optimize, run, summary } from "mitata";
import { compileFormat, DEFAULT_FORMAT } from "../../host/observe/formatter.ts";
import { compileJsonFormat } from "../../host/observe/formatter_json.ts";
import { formatWorld, proxiedStream } from "../../test/host/observe/formatter_fixture.ts";

const input = proxiedStream();
const headers = input.requestHeaders;
for (const name of ["user-agent", "x-request-id", "accept", "x-forwarded-proto"]) headers.add(name, "value of " + name);
const world = formatWorld();
const text = compileFormat(DEFAULT_FORMAT, world).format;
const header = compileFormat("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", world).format;
const json = compileJsonFormat({
  start: "%START_TIME%",
  method: "%REQ(:METHOD)%",
  path: "%PATH%",
  code: "%RESPONSE_CODE%",
  flags: "%RESPONSE_FLAGS%",
  duration: "%DURATION%",
  host: "%UPSTREAM_HOST%",
}, world).format;

summary(() => {
  bench("default access log line", () => do_not_optimize(text(input).length));
  bench("JSON line of seven fields", () => do_not_optimize(json(input).length));
  bench("one address as a header value", () => do_not_optimize(header(input)));
});

await run();
