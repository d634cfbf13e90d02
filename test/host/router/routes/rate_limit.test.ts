// test/host/router/routes/rate_limit.test.ts: the descriptors that requests have.
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  type RateLimitDescriptor,
  rateLimitDescriptors,
  type RateLimitQuestion,
} from "../../../../host/router/routes/rate_limit.ts";
import { type Asked, infoOf, planned, requestOf, tableOf } from "../support.ts";

type Ask = Asked & {
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly question?: Partial<RateLimitQuestion> & { readonly virtualHost?: "override" | "include" | "ignore" };
};

const address = (text: string) => ({ address: text, port: 1, text });

/** The descriptors of a route with these limits; `more` is for the route's action, `host` for its virtual host. */
function descriptors(
  limits: readonly object[],
  asked: Ask = {},
  more: object = {},
  host: object = {},
): RateLimitDescriptor[] {
  const action = { cluster: "c", rate_limits: limits, ...more };
  const route = {
    match: { prefix: "/" },
    route: action,
    metadata: { filter_metadata: { app: { tier: "gold" } } },
  };
  const table = tableOf({ virtual_hosts: [{ name: "v", domains: ["*"], routes: [route], ...host }] });
  const headers = requestOf(asked);
  const info = infoOf(asked);
  if (asked.metadata !== undefined) info.mergeDynamicMetadata("meta", asked.metadata);
  const entry = table.route(headers, info, 0);
  const question = { stage: 0, onStreamDone: false, ...asked.question };
  return rateLimitDescriptors({ headers, info, route: entry, serviceCluster: "me" }, question);
}

/** `key=value` of the only descriptor, or null when there is none. */
function entries(actions: readonly object[], asked: Ask = {}): string[] | null {
  const [first] = descriptors([{ actions }], asked);
  return first === undefined ? null : first.entries.map(({ key, value }) => `${key}=${value}`);
}

const GENERIC = { generic_key: { descriptor_value: "g" } };

test("clusters", () => {
  assert.equal(entries([{ source_cluster: {} }, { destination_cluster: {} }]), [
    "source_cluster=me",
    "destination_cluster=c",
  ]);
});

test("addresses", () => {
  const client = address("10.1.2.3");
  assert.equal(entries([{ remote_address: {} }], { client }), ["remote_address=10.1.2.3"]);
  const masked = [{ masked_remote_address: { v4_prefix_mask_len: 16, v6_prefix_mask_len: 64 } }];
  assert.equal(entries(masked, { client }), ["masked_remote_address=10.1.0.0/16"]);
  assert.equal(entries(masked, { client: address("2001:db8::1:2:3") }), ["masked_remote_address=2001:db8::/64"]);
  assert.equal(entries([{ masked_remote_address: {} }], { client }), ["masked_remote_address=10.1.2.3/32"]);
  assert.is(entries([{ remote_address: {} }], { client: { address: "/sock", port: 0, text: "/sock" } }), null);
  const inside = {
    remote_address_match: {
      descriptor_value: "inside",
      address_matcher: { ranges: [{ address_prefix: "10.0.0.0", prefix_len: 8 }] },
    },
  };
  assert.equal(entries([inside], { client }), ["remote_address_match=inside"]);
  assert.is(entries([inside], { client: address("11.0.0.1") }), null);
});

test("a header that is absent drops the descriptor, or is left out", () => {
  const header = (more: object = {}) => ({ request_headers: { header_name: "X-A", descriptor_key: "a", ...more } });
  assert.equal(entries([header()], { headers: [["x-a", "1"], ["x-a", "2"]] }), ["a=1"]);
  assert.is(entries([header(), GENERIC]), null);
  assert.equal(entries([header({ skip_if_absent: true }), GENERIC]), ["generic_key=g"]);
});

test("query parameters are decoded", () => {
  const query = (more: object = {}) => ({
    query_parameters: { query_parameter_name: "q", descriptor_key: "query", ...more },
  });
  assert.equal(entries([query()], { path: "/x?q=a%20b&q=c" }), ["query=a b"]);
  assert.is(entries([query()], { path: "/x" }), null);
  assert.equal(entries([query({ skip_if_absent: true }), GENERIC], { path: "/x" }), ["generic_key=g"]);
});

test("values that are formats", () => {
  const value = (descriptor_value: string, more: object = {}) => [{ generic_key: { descriptor_value, ...more } }];
  assert.equal(entries(value("v", { descriptor_key: "k" })), ["k=v"]);
  assert.equal(entries(value("<%REQ(X-A)%>"), { headers: [["x-a", "1"]] }), ["generic_key=<1>"]);
  assert.is(entries(value("%REQ(X-A)%")), null);
  assert.equal(entries(value("%REQ(X-A)%", { default_value: "d" })), ["generic_key=d"]);
});

test("headers that match, or must not", () => {
  const match = (expect_match: boolean) => [{
    header_value_match: {
      descriptor_value: "post",
      expect_match,
      headers: [{ name: ":method", string_match: { exact: "POST" } }],
    },
  }];
  assert.equal(entries(match(true), { method: "POST" }), ["header_match=post"]);
  assert.is(entries(match(true)), null);
  assert.equal(entries(match(false)), ["header_match=post"]);
});

test("query parameters that match", () => {
  const match = [{
    query_parameter_value_match: {
      descriptor_key: "k",
      descriptor_value: "v",
      query_parameters: [{ name: "q", string_match: { exact: "a b" } }],
    },
  }];
  assert.equal(entries(match, { path: "/?q=a%20b" }), ["k=v"]);
  assert.is(entries(match, { path: "/?q=b" }), null);
  assert.is(entries(match, { path: "/" }), null);
});

test("metadata of the stream and of the route", () => {
  const metadata = (more: object, key = "meta", path: object[] = [{ key: "user" }, { key: "id" }]) => [{
    metadata: { descriptor_key: "m", metadata_key: { key, path }, ...more },
  }];
  assert.equal(entries(metadata({}), { metadata: { user: { id: "7" } } }), ["m=7"]);
  assert.is(entries(metadata({}), { metadata: { user: { id: 7 } } }), null);
  assert.equal(entries(metadata({ default_value: "d" })), ["m=d"]);
  assert.equal(entries([...metadata({ skip_if_absent: true }), GENERIC]), ["generic_key=g"]);
  assert.equal(entries(metadata({}, "meta", [{ key: "list" }, { index: 1 }]), { metadata: { list: ["a", "b"] } }), [
    "m=b",
  ]);
  assert.equal(entries(metadata({ source: "ROUTE_ENTRY" }, "app", [{ key: "tier" }])), ["m=gold"]);
});

test("inputs of match trees", () => {
  const extension = [{
    extension: {
      name: "agent",
      typed_config: {
        "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
        header_name: "user-agent",
      },
    },
  }];
  assert.equal(entries([...extension, GENERIC], { headers: [["user-agent", "x"]] }), ["agent=x", "generic_key=g"]);
  assert.equal(entries([...extension, GENERIC], { headers: [["user-agent", ""]] }), ["generic_key=g"]);
  assert.is(entries([...extension, GENERIC]), null);
});

test("stages, limits at the end of streams, limits that are switched off", () => {
  const named = (name: string, more: object = {}) => ({
    actions: [{ generic_key: { descriptor_value: name } }],
    ...more,
  });
  const limits = [
    named("a"),
    named("b", { stage: 1 }),
    named("c", { apply_on_stream_done: true }),
    named("d", { disable_key: "k" }),
  ];
  const of = (question: Partial<RateLimitQuestion>) =>
    descriptors(limits, { question }).map((descriptor) => descriptor.entries[0]!.value);
  assert.equal(of({}), ["a", "d"]);
  assert.equal(of({ stage: 1 }), ["b"]);
  assert.equal(of({ onStreamDone: true }), ["c"]);
  assert.equal(of({ isEnabled: () => false }), ["a"]);
});

test("those of the virtual host", () => {
  const host = { rate_limits: [{ actions: [{ generic_key: { descriptor_value: "host" } }] }] };
  const own = [{ actions: [GENERIC] }];
  const of = (limits: object[], more: object = {}, question: Ask["question"] = {}) =>
    descriptors(limits, { question }, more, host).map((descriptor) => descriptor.entries[0]!.value);
  assert.equal(of([]), ["host"]);
  assert.equal(of(own), ["g"]);
  assert.equal(of(own, { include_vh_rate_limits: true }), ["g", "host"]);
  assert.equal(of(own, {}, { virtualHost: "include" }), ["g", "host"]);
  assert.equal(of(own, { include_vh_rate_limits: true }, { virtualHost: "ignore" }), ["g"]);
});

test("overrides of the limit", () => {
  const metadata_key = { key: "meta", path: [{ key: "limit" }] };
  const limit = { dynamic_metadata: { metadata_key } };
  const of = (value: unknown) => descriptors([{ actions: [GENERIC], limit }], { metadata: { limit: value } })[0]!.limit;
  assert.equal(of({ requests_per_unit: 5, unit: "MINUTE" }), { requestsPerUnit: 5, unit: "MINUTE" });
  assert.is(of({ requests_per_unit: 5, unit: "FORTNIGHT" }), null);
  assert.is(of({ requests_per_unit: "5", unit: "MINUTE" }), null);
  assert.is(of(5), null);
  const fixed = { rate_limit: { requests_per_unit: 3, unit: "DAY" } };
  assert.equal(descriptors([{ actions: [GENERIC], limit: fixed }])[0]!.limit, { requestsPerUnit: 3, unit: "DAY" });
});

test("hits", () => {
  const of = (hits_addend: object, asked: Ask = {}) => descriptors([{ actions: [GENERIC], hits_addend }], asked)[0];
  assert.is(descriptors([{ actions: [GENERIC] }])[0]!.hitsAddend, null);
  assert.is(of({ number: 4 })!.hitsAddend, 4);
  const format = { format: "%REQ(X-Hits)%", is_negative_hits: true };
  assert.equal([
    of(format, { headers: [["x-hits", "12.7"]] })!.hitsAddend,
    of(format, { headers: [["x-hits", "1"]] })!.isNegativeHits,
  ], [12, true]);
  for (const text of ["-1", "many", "1000000001"]) assert.is(of(format, { headers: [["x-hits", text]] }), undefined);
});

test("what cannot be used", () => {
  const problemsOf = (limit: object): string[] => {
    const route = { match: { prefix: "/" }, route: { cluster: "c", rate_limits: [limit] } };
    const { problems } = planned({ virtual_hosts: [{ name: "v", domains: ["*"], routes: [route] }] });
    return problems.map(({ message }) => message);
  };
  assert.match(
    problemsOf({ actions: [GENERIC], hits_addend: { number: 1, format: "%PROTOCOL%" } })[0]!,
    "either a format or a number",
  );
  assert.match(problemsOf({ actions: [{ generic_key: { descriptor_value: "%NONE%" } }] })[0]!, "NONE");
});

test.run();
