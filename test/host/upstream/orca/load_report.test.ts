// test/host/upstream/orca/load_report.test.ts: load reports in headers, and the weights that they give.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { WireType } from "../../../../host/api/wire_reader.ts";
import { WireWriter } from "../../../../host/api/wire_writer.ts";
import { encodeBase64 } from "../../../../host/base/base64.ts";
import { latin1Slice } from "../../../../host/base/bytes.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { readLoadReport } from "../../../../host/upstream/orca/load_report.ts";
import { weightOf } from "../../../../host/upstream/orca/utilization.ts";

function read(value: string, name = "endpoint-load-metrics"): Record<string, number> | null {
  const report = readLoadReport(HeaderMap.of({ [name]: value }));
  return report === null ? null : Object.fromEntries(report);
}

function binary(fields: readonly (readonly [number, number])[], maps: readonly (readonly [number, string, number])[]) {
  const writer = new WireWriter();
  for (const [field, value] of fields) {
    writer.tag(field, WireType.Fixed64);
    writer.double(value);
  }
  for (const [field, key, value] of maps) {
    writer.tag(field, WireType.Length);
    const mark = writer.startLength();
    writer.tag(1, WireType.Length);
    writer.string(key);
    writer.tag(2, WireType.Fixed64);
    writer.double(value);
    writer.endLength(mark);
  }
  const bytes = writer.finish();
  return latin1Slice(bytes, 0, bytes.length);
}

const ALL = {
  cpu_utilization: 0.5,
  mem_utilization: 0.25,
  application_utilization: 2,
  eps: 1,
  rps_fractional: 100,
  "named_metrics.a": 3,
  "utilization.b": 0.125,
};

test("texts", () => {
  assert.equal(
    read(
      "TEXT cpu_utilization:0.5, mem_utilization:.25,application_utilization:2., eps:1,rps_fractional:1e2," +
        ",named_metrics.a:+3,utilization.b:1.25E-1,",
    ),
    ALL,
  );
  assert.equal(read("TEXT "), {});
  for (
    const wrong of [
      "x",
      "eps:",
      ":1",
      "eps :1",
      "eps:x",
      "eps:-1",
      "eps:inf",
      "eps:nan",
      "eps:1,eps:1",
      "rps:1",
      "named_metrics.:1",
      "request_cost.a:1",
      "eps:1e999",
    ]
  ) assert.is(read(`TEXT ${wrong}`), null, wrong);
});

test("JSON", () => {
  assert.equal(
    read(
      'JSON {"cpu_utilization":0.5,"memUtilization":"0.25","application_utilization":2,"eps":1,"rpsFractional":100,' +
        '"named_metrics":{"a":3},"utilization":{"b":0.125},"request_cost":null,"rps":7}',
    ),
    ALL,
  );
  assert.equal(read('JSON {"named_metrics":{"\xc3\xbc":1}}'), { "named_metrics.ü": 1 });
  for (const wrong of ["", "[]", "null", "1", "{", '{"eps":true}', '{"eps":"x"}', '{"x":1}', '{"utilization":[1]}']) {
    assert.is(read(`JSON ${wrong}`), null, wrong);
  }
});

test("messages", () => {
  const message = binary([[1, 0.5], [2, 0.25], [9, 2], [7, 1], [6, 100]], [[8, "a", 3], [5, "b", 0.125]]);
  const encoded = encodeBase64(message);
  assert.equal(read(`BIN ${encoded}`), ALL);
  assert.equal(read(encoded, "endpoint-load-metrics-bin"), ALL);
  assert.equal(read(encodeBase64(`${message}\x18\x07\x7a\x01x`), "endpoint-load-metrics-bin"), ALL, "other fields");
  const ends = [9, 18, 27, 36, 45, 59];
  for (let length = 1; length < message.length; length++) {
    const cut = read(encodeBase64(message.slice(0, length)), "endpoint-load-metrics-bin");
    assert.is(cut !== null, ends.includes(length), `cut at ${length}`);
  }
  for (const wrong of ["", "*", "AA", encodeBase64("\0\0")]) assert.is(read(`BIN ${wrong}`), null, wrong);
});

test("other headers and other formats hold no report; a message comes before a text", () => {
  assert.is(readLoadReport(HeaderMap.of({ "x-load": "TEXT eps:1" })), null);
  for (const value of ["eps:1", "text eps:1", "TEXT", "XML eps:1"]) assert.is(read(value), null);
  const both = { "endpoint-load-metrics-bin": "*", "endpoint-load-metrics": "TEXT eps:1" };
  assert.is(readLoadReport(HeaderMap.of(both)), null);
});

test("weights: requests by utilization", () => {
  const of = (report: Record<string, number>, metricNames: string[] = [], errorPenalty = 0) =>
    weightOf(new Map(Object.entries(report)), { metricNames, errorPenalty });
  const rps_fractional = 100;
  assert.is(of({ rps_fractional, cpu_utilization: 0.5 }), 200);
  assert.is(of({ rps_fractional, cpu_utilization: 0.5, application_utilization: 0.8 }), 125);
  assert.is(of({ rps_fractional, cpu_utilization: 0.3 }), 333);
  const named = { rps_fractional, application_utilization: 0.8, "named_metrics.a": 0.1, "named_metrics.b": 0.2 };
  assert.is(of(named, ["named_metrics.a"]), 1000);
  assert.is(of(named, ["named_metrics.*"]), 500);
  assert.is(of(named, ["named_metrics.c", "cpu_utilization"]), 125);
  assert.is(of({ rps_fractional, cpu_utilization: 0.5, eps: 50 }, [], 1), 100);
  assert.is(of({ rps_fractional: 1, cpu_utilization: 4 }), 0);
  assert.is(of({ rps_fractional: 1e9, cpu_utilization: 1e-9 }), 0xffff_ffff);
  assert.is(of({ cpu_utilization: 0.5 }), null);
  assert.is(of({ rps_fractional }), null);
  assert.is(of({ rps_fractional, cpu_utilization: -1 }), null);
});

test.run();
