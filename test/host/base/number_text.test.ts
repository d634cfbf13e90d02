// test/host/base/number_text.test.ts: numbers as C prints them.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { generalText } from "../../../host/base/number_text.ts";

test("%g", () => {
  assert.equal([0, 0.5, 1, 0.1, 300_000, 600_000, 1_800_000, 123456.7, 1e-5, NaN].map(generalText), [
    "0",
    "0.5",
    "1",
    "0.1",
    "300000",
    "600000",
    "1.8e+06",
    "123457",
    "1e-05",
    "nan",
  ]);
});

test("%g: the form is that of the number with six digits", () => {
  assert.equal([999_999.4, 999_999.6, -999_999.6, 0.000_099_999_96].map(generalText), [
    "999999",
    "1e+06",
    "-1e+06",
    "0.0001",
  ]);
});

test.run();
