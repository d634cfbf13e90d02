// test/host/http/status.test.ts: reason phrases.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { reasonPhrase } from "../../../host/http/status.ts";

test("phrases are Envoy's", () => {
  assert.is(reasonPhrase(200), "OK");
  assert.is(reasonPhrase(302), "Found");
  assert.is(reasonPhrase(413), "Payload Too Large");
  assert.is(reasonPhrase(431), "Request Header Fields Too Large");
  assert.is(reasonPhrase(599), "Last Unassigned Server Error Code");
});

test("statuses without a phrase are Unknown, as in Envoy", () => {
  for (const status of [102, 103, 299, 306, 418, 451, 499, 509, 600, 999]) assert.is(reasonPhrase(status), "Unknown");
});

test.run();
