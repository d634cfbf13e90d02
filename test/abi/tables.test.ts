// test/abi/tables.test.ts: the tables agree with themselves, and generated files with the tables.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readFileSync } from "node:fs";
import {
  ABANDONED_HOSTCALLS,
  ABI_MARKERS,
  CALLBACKS,
  detectAbiVersion,
  enumName,
  HOSTCALLS,
  PROPERTIES,
  SHIMS,
  Status,
  WASI_FUNCTIONS,
} from "../../abi/mod.ts";
import { generatedFiles } from "../../abi/generate.ts";

test("generated files are up to date", () => {
  for (const [path, text] of generatedFiles()) {
    assert.is(
      readFileSync(new URL(`../../${path}`, import.meta.url), "utf8"),
      text,
      `${path}: run node abi/generate.ts`,
    );
  }
});

test("no name comes twice in a table", () => {
  const unique = (names: string[]): void => assert.is(new Set(names).size, names.length);
  unique([...HOSTCALLS.map((row) => row.name), ...ABANDONED_HOSTCALLS]);
  unique(CALLBACKS.flatMap((row) => row.alias === undefined ? [row.name] : [row.name, row.alias]));
  unique(WASI_FUNCTIONS.map((row) => row.name));
  unique(SHIMS.map((row) => `${row.module}.${row.name}`));
  unique(PROPERTIES.map((row) => row.path));
});

test("every size follows its pointer", () => {
  for (const row of HOSTCALLS) {
    row.params.forEach((param, index) => {
      if (param.kind === "size") assert.is(row.params[index - 1]?.kind, "ptr", `${row.name} ${param.name}`);
      if (param.kind === "out_size") assert.is(row.params[index - 1]?.kind, "out_ptr", `${row.name} ${param.name}`);
    });
  }
});

test("0.2.1 has one function more than 0.2.0", () => {
  const added = HOSTCALLS.filter((row) => row.versions.includes("0.2.1") && !row.versions.includes("0.2.0"));
  assert.equal(added.map((row) => row.name), ["proxy_get_log_level"]);
});

test("known wasm types", () => {
  const arity = (name: string): number => HOSTCALLS.find((row) => row.name === name)!.params.length;
  assert.is(arity("proxy_send_local_response"), 8);
  assert.is(arity("proxy_http_call"), 10);
  assert.is(arity("proxy_grpc_call"), 12);
  assert.is(arity("proxy_grpc_stream"), 9);
  assert.is(arity("proxy_set_buffer_bytes"), 5);
});

test("the version is detected by its marker, the newest wins", () => {
  assert.is(detectAbiVersion(["memory", ABI_MARKERS["0.2.0"]]), "0.2.0");
  assert.is(detectAbiVersion([ABI_MARKERS["0.1.0"], ABI_MARKERS["0.2.1"]]), "0.2.1");
  assert.is(detectAbiVersion(["proxy_abi_version_0_3_0"]), null);
});

test("names of numbers", () => {
  assert.is(enumName(Status, 2), "BadArgument");
  assert.is(enumName(Status, 99), "99");
});

test.run();
