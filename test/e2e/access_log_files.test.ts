// test/e2e/access_log_files.test.ts: files of access logs are open for as long as connections log to them.
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createProxy } from "../../host/mod.ts";
import { get, RawClient, webConfig } from "./support.ts";

const DESCRIPTORS = "/proc/self/fd";

/** How often this process has a file open. */
function timesOpen(path: string): number {
  return readdirSync(DESCRIPTORS).filter((descriptor) => {
    try {
      return readlinkSync(join(DESCRIPTORS, descriptor)) === path;
    } catch {
      // The one that the folder was read with.
      return false;
    }
  }).length;
}

test("a file that another configuration drops is closed after the last line of the old connections", async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "nuncio-access-log-files-")));
  const path = join(folder, "access.log");
  const accessLog = [{
    name: "file",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
      path,
      log_format: { text_format_source: { inline_string: "%REQ(:PATH)%\n" } },
    },
  }];
  const config = (text: string, logged: boolean) => ({
    yaml: webConfig({
      port: 0,
      routes: [{ match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: text } } }],
      http: logged ? { access_log: accessLog } : {},
    }),
  });
  const proxy = await createProxy(config("first", true), { logLevel: "off" });
  try {
    await proxy.start();
    const port = Number(proxy.addresses("web")[0]!.split(":")[1]);
    const first = await RawClient.connect(port);
    assert.is((await first.get("/1")).body, "first");

    await proxy.reload(config("second", true));
    const second = await RawClient.connect(port);
    assert.is((await second.get("/2")).body, "second");
    assert.is(timesOpen(path), 1, "both generations share it");
    assert.is((await first.get("/3")).body, "first");
    await first.closed();
    assert.is(timesOpen(path), 1);

    await proxy.reload(config("third", false));
    assert.is((await get(port, "/not-logged")).body, "third");
    assert.is(timesOpen(path), 1);
    assert.is((await second.get("/4")).body, "second");
    await second.closed();
    while (timesOpen(path) > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.is(readFileSync(path, "latin1"), "/1\n/2\n/3\n/4\n");
  } finally {
    await proxy.stop();
    rmSync(folder, { recursive: true });
  }
});

test.run();
