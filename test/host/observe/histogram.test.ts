// test/host/observe/histogram.test.ts: the numbers that the real Envoy printed for the same samples.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { binLower, binWidth, HistogramSamples, NO_SAMPLES, QUANTILES } from "../../../host/observe/histogram.ts";

/** Ten requests: four took 0 ms, five 1 ms, one 28 ms. */
const TEN = new HistogramSamples([0, 1, 28], [4, 5, 1]);

test("quantiles interpolate inside a bin", () => {
  assert.equal(
    QUANTILES.map((q) => TEN.quantile(q)),
    [0, 0, 1.0166666666666666, 1.0666666666666667, 1.0833333333333333, 28.5, 28.5, 28.5, 28.5, 28.5],
  );
  const same = new HistogramSamples([1], [10]);
  assert.is(same.quantile(0), 1.009090909090909);
  assert.is(same.quantile(1), 1.0909090909090908);
});

test("no samples have no quantile", () => assert.ok(Number.isNaN(NO_SAMPLES.quantile(0.5))));

test("the sum takes the harmonic mean of a bin's ends", () => assert.is(TEN.sum.toFixed(12), "33.729323308271"));

test("bins: lower ends and widths", () => {
  assert.equal([0, 1, 9, 10, 99, 100, 189, 190].map(binLower), [0, 1, 9, 10, 99, 100, 990, 1000]);
  assert.equal([0, 1, 9, 10, 99, 100, 189, 190].map(binWidth), [0, 0.1, 0.1, 1, 1, 10, 10, 100]);
});

test("buckets count whole bins, the one at the bound included", () => {
  assert.equal([0.5, 1, 5, 25, 50].map((bound) => TEN.countUpTo(bound)), [4, 9, 9, 9, 10]);
});

test("since() takes away what was there before", () => {
  const later = new HistogramSamples([0, 1, 5, 28], [4, 6, 2, 1]);
  const gained = later.since(TEN);
  assert.equal([...gained.bins], [1, 5]);
  assert.equal([...gained.counts], [1, 2]);
  assert.is(later.since(later).count, 0);
});

test.run();
