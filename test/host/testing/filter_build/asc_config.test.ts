// test/host/testing/filter_build/asc_config.test.ts: the author's compiler options over the SDK's.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { mergeAscConfig } from "../../../../host/testing/filter_build/asc_config.ts";

const SDK = {
  targets: { release: { optimizeLevel: 3, converge: true } },
  options: { runtime: "incremental", use: ["abort=nuncio_abort"] },
};

test("without a configuration of its own a filter is built with the SDK's", () => {
  assert.equal(mergeAscConfig(SDK, null, "/t.mjs"), SDK);
});

test("the author's options win, and lists add up", () => {
  const own = {
    extends: "nuncio/sdk/asconfig.json",
    entries: ["filter.ts"],
    targets: { release: { optimizeLevel: 1 }, tiny: { shrinkLevel: 2 } },
    options: { runtime: "minimal", use: ["a=b"] },
  };
  assert.equal(mergeAscConfig(SDK, own, "/t.mjs"), {
    entries: ["filter.ts"],
    targets: { release: { optimizeLevel: 1, converge: true }, tiny: { shrinkLevel: 2 } },
    options: { runtime: "minimal", use: ["abort=nuncio_abort", "a=b"] },
  });
});

test("a configuration that extends another one still does", () => {
  assert.is(mergeAscConfig(SDK, { extends: "./base.json" }, "/t.mjs").extends, "./base.json");
});

test("the SDK's transform is found without an installed nuncio", () => {
  const own = { options: { transform: ["nuncio/sdk/transform.mjs", "./mine.mjs"] } };
  assert.equal(mergeAscConfig(SDK, own, "/t.mjs").options?.["transform"], ["/t.mjs", "./mine.mjs"]);
});

test.run();
