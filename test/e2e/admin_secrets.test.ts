// test/e2e/admin_secrets.test.ts: what the admin port, traces and the log must not give away.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { freePorts, startProxy } from "../support/proxy_process.ts";
import { watFilter } from "../support/wat_filter.ts";
import { get, wasmFilter, webConfig } from "./support.ts";

const folder = mkdtempSync(join(tmpdir(), "nuncio-secrets-"));
test.after(() => rmSync(folder, { recursive: true }));

const SECRETS: Readonly<Record<string, string>> = {
  environment: "hidden-value-of-the-environment",
  keyValue: "hidden-value-of-the-configuration",
  header: "hidden-value-of-a-header",
  other: "hidden-value-of-another-variable",
};

/** Commands that only show something. */
function pagesOf(help: string): string[] {
  const pages = Array.from(help.matchAll(/^ {2}(\/[\w/]*)(?:: |$)(.*)/gm))
    .filter(([, , text]) => !/POST|profil/i.test(text!))
    .map(([, path]) => path!);
  return [...pages, "/config_dump?include_eds", "/stats?format=json", "/filters?format=json", "/none"];
}

test("no page, no trace and no error has a secret, a value of the environment or a header in it", async () => {
  const file = join(folder, "filter.wasm");
  writeFileSync(file, watFilter({ onRequestHeaders: "(unreachable)" }));
  const [port, adminPort] = await freePorts(2) as [number, number];
  const filter = wasmFilter("guard", file) as { typed_config: { config: { vm_config: Record<string, unknown> } } };
  filter.typed_config.config.vm_config["environment_variables"] = {
    host_env_keys: ["NUNCIO_TEST_HIDDEN"],
    key_values: { KEY: SECRETS["keyValue"] },
  };
  const config = webConfig({ port, adminPort, filters: [filter] });
  const proxy = await startProxy(config, {
    args: ["--concurrency", "1", "--wasm-trace", "-l", "debug"],
    env: { NUNCIO_TEST_HIDDEN: SECRETS["environment"]!, NUNCIO_TEST_OTHER: SECRETS["other"]! },
  });
  try {
    const headers = { authorization: SECRETS["header"]!, cookie: SECRETS["header"]!, "x-token": SECRETS["header"]! };
    const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
    assert.is((await get(port, "/", head)).status, 503);
    const base = `http://127.0.0.1:${adminPort}`;
    const pages = pagesOf(await (await fetch(`${base}/help`)).text());
    assert.ok(pages.includes("/filters") && pages.includes("/config_dump"), pages.join());
    for (const page of pages) {
      const text = await (await fetch(base + page, { headers })).text();
      for (const [name, secret] of Object.entries(SECRETS)) assert.not(text.includes(secret), `${page}: ${name}`);
    }
  } finally {
    await proxy.stop();
  }
  assert.match(proxy.output(), "unreachable");
  for (const [name, secret] of Object.entries(SECRETS)) assert.not(proxy.output().includes(secret), `the log: ${name}`);
});

test.run();
