// test/host/base/suggest.test.ts: the nearest name.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { editDistance, nearestName } from "../../../host/base/suggest.ts";

const FIELDS = ["connect_timeout", "name", "type", "lb_policy", "load_assignment"];

test("a mistyped name finds its neighbour", () => {
  assert.is(nearestName("conect_timeout", FIELDS), "connect_timeout");
  assert.is(nearestName("connectTimeout", FIELDS), "connect_timeout");
  assert.is(nearestName("lb-policy", FIELDS), "lb_policy");
  assert.is(nearestName("tpye", FIELDS), "type");
  assert.is(nearestName("STRICT_DSN", ["STATIC", "STRICT_DNS"]), "STRICT_DNS");
});

test("a beginning stands for the one name that has it", () => {
  assert.is(nearestName("load", FIELDS), "load_assignment");
  assert.is(nearestName("LEAST", ["ROUND_ROBIN", "LEAST_REQUEST"]), "LEAST_REQUEST");
  assert.is(nearestName("path", ["path_one", "path_two"]), null);
});

test("a far name finds nothing", () => {
  assert.is(nearestName("hosts", FIELDS), null);
  assert.is(nearestName("x", FIELDS), null);
  assert.is(nearestName("x".repeat(300), ["y".repeat(300)]), null);
  assert.is(nearestName("anything", []), null);
});

test("a swap of neighbours costs one", () => {
  assert.is(editDistance("ab", "ba"), 1);
  assert.is(editDistance("kitten", "sitting"), 3);
  assert.is(editDistance("aaaa", "bbbb", 2), 2);
});

test.run();
