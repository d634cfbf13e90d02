// test/host/extensions/filters/network/http_connection_manager/origins.test.ts: requests as their origin makes them.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Downstream } from "../../../../http/conn_manager/downstream.ts";
import { downstream, planned } from "./fixture.ts";

const XFF = "type.googleapis.com/envoy.extensions.http.original_ip_detection.xff.v3.XffConfig";
const HEADER = "type.googleapis.com/envoy.extensions.http.original_ip_detection.custom_header.v3.CustomHeaderConfig";
const EARLY = "type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation";
const UUID = "type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig";

const extension = (type: string, fields = ""): string => `{ name: e, typed_config: { "@type": ${type}${fields} } }`;

/** The fields of a request as filters see them. */
function seen(
  yaml: string,
  fields = "",
  down: Downstream = downstream(`generate_request_id: false\n${yaml}`),
): string[] {
  down.feed(`GET /p HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
  return down.last.headers!.entries().filter(([name]) => name !== ":method" && name !== ":authority")
    .map(([name, value]) => `${name}=${value}`);
}

test("a client that a header names", () => {
  const down = downstream(
    `original_ip_detection_extensions: [ ${
      extension(HEADER, ", header_name: X-IP, reject_with_status: { code: Unauthorized }")
    } ]`,
  );
  seen("", "X-IP: 1.2.3.4\r\n", down);
  assert.is(down.last.stream.info.remoteAddress.address, "1.2.3.4");
  down.last.respond();
  down.take();
  down.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.match(down.take(), /^HTTP\/1.1 401 /);
  assert.is(down.logged[1]!.details, "rejecting_because_detection_failed");
  assert.is(down.stat("rq_rejected_via_ip_detection"), 1);
});

test("what only errors are for becomes 403", () => {
  const { plan } = planned(
    `original_ip_detection_extensions: [ ${extension(HEADER, ", header_name: x, reject_with_status: { code: OK }")} ]`,
  );
  assert.equal(plan!.manager.originalIpDetection, [
    { kind: "custom_header", name: "x", trusted: false, rejectStatus: 403 },
  ]);
});

test("detection that cannot be", () => {
  const xff = extension(XFF, ", xff_num_trusted_hops: 1, xff_trusted_cidrs: {}");
  assert.match(planned(`original_ip_detection_extensions: [ ${xff} ]`).problems.join(), "are both set");
  for (const field of ["use_remote_address: true", "xff_num_trusted_hops: 1"]) {
    const { problems } = planned(`original_ip_detection_extensions: [ ${extension(XFF)} ]\n${field}`);
    assert.match(problems.join(), "original_ip_detection_extensions are both set");
  }
  for (const field of ["original_ip_detection_extensions", "early_header_mutation_extensions"]) {
    assert.match(planned(`${field}: [ ${extension(UUID)} ]`).problems.join(), "is not known");
  }
  assert.match(
    planned(`request_id_extension: ${extension(XFF).replace("name: e, ", "")}`).problems.join(),
    "not known",
  );
});

test("requests are changed before anything looks at them", () => {
  const mutations = `[
    { append: { header: { key: x-path, value: "%REQ(:path)%" } } },
    { append: { header: { key: x-twice, value: "%REQ(x-path)%!" } } },
    { append: { header: { key: x-there, value: new }, append_action: ADD_IF_ABSENT } },
    { append: { header: { key: x-forwarded-for, value: 5.5.5.5 } } },
    { remove: X-Gone },
    { remove_on_match: { key_matcher: { prefix: x-old- } } },
    { remove_on_match: { key_matcher: { prefix: ":" } } } ]`;
  const down = downstream(
    `generate_request_id: false\nearly_header_mutation_extensions: [ ${
      extension(EARLY, `, mutations: ${mutations}`)
    } ]`,
  );
  const fields = seen("", "x-there: old\r\nx-gone: 1\r\nx-old-a: 1\r\nX-Old-B: 2\r\n", down);
  assert.equal(fields, [
    ":path=/p",
    ":scheme=http",
    "x-there=old",
    "x-path=/p",
    "x-twice=/p!",
    "x-forwarded-for=5.5.5.5",
    "x-forwarded-proto=http",
  ]);
  assert.is(down.last.stream.info.remoteAddress.address, "5.5.5.5");
  const { problems } = planned(
    `early_header_mutation_extensions: [ ${extension(EARLY, ', mutations: [ { remove: ":path" } ]')} ]`,
  );
  assert.match(problems.join(), "may not be removed");
});

test("the scheme that requests are said to have", () => {
  const overwritten = "scheme_header_transformation: { scheme_to_overwrite: https, match_upstream: true }";
  assert.ok(seen(overwritten, "x-forwarded-proto: http\r\n").includes(":scheme=https"));
  assert.ok(seen(overwritten, "x-forwarded-proto: http\r\n").includes("x-forwarded-proto=https"));
  const down = downstream(overwritten);
  seen("", "", down);
  assert.is(down.last.stream.info.schemeMatchesUpstream, false);
  const matching = downstream("scheme_header_transformation: { match_upstream: true }");
  seen("", "", matching);
  assert.is(matching.last.stream.info.schemeMatchesUpstream, true);
});

test("an id from outside keeps what it says of tracing only where it may", () => {
  const id = "12345678-1234-9234-8234-123456789abc";
  const kept = (extensions: string, fields = `x-request-id: ${id}\r\n`): string =>
    seen(
      "",
      fields,
      downstream(`use_remote_address: true\npreserve_external_request_id: true\n${extensions}`),
    ).find((field) => field.startsWith("x-request-id="))!;
  assert.is(kept(""), "x-request-id=12345678-1234-4234-8234-123456789abc");
  assert.is(kept("", "x-request-id: odd\r\n"), "x-request-id=odd");
  const uuid = extension(UUID, ", pack_trace_reason: false").replace("name: e, ", "");
  assert.is(kept(`request_id_extension: ${uuid}`), `x-request-id=${id}`);
});

test.run();
