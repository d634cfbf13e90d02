// test/host/config/rule_checks.test.ts: every kind of rule, kept and broken.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Element, Message } from "../../../host/api/message.ts";
import { TypeRegistry } from "../../../host/api/schema.ts";
import { brokenScalarRule } from "../../../host/config/rule_checks.ts";
import { loadRegistry } from "../../../host/config/load.ts";

const enums = new TypeRegistry(
  'e a.E {"v":[["ZERO",0],["ONE",1]]}\nm a.M {"f":[{"n":"e","i":1,"t":"enum","y":"a.E"},{"n":"s","i":2,"t":"string"}]}\n',
).requireMessage("a.M");
const registry = loadRegistry();

function time(typeName: string, seconds: bigint, nanos = 0): Message {
  const message = new Message(registry.requireMessage(typeName));
  message.setByName("seconds", seconds);
  message.setByName("nanos", nanos);
  return message;
}

const duration = (seconds: bigint, nanos = 0): Message => time("google.protobuf.Duration", seconds, nanos);
const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

function anyOf(url: string): Message {
  const any = new Message(registry.requireMessage("google.protobuf.Any"));
  any.setByName("type_url", url);
  return any;
}

/** Kind, rule, a value that keeps it, one that breaks it, and what is said then. */
const CASES: readonly [string, Record<string, unknown>, Element, Element, string][] = [
  ["uint32", { const: 3 }, 3, 4, "is 4, expected 3"],
  ["uint32", { gt: 3 }, 4, 3, "is 3, expected more than 3"],
  ["uint32", { gte: 3, lte: 5 }, 5, 6, "is 6, expected at least 3 and at most 5"],
  ["uint32", { lt: 3 }, 2, 3, "is 3, expected less than 3"],
  ["uint32", { gt: 5, lt: 3 }, 6, 4, "is 4, expected less than 3 or more than 5"],
  ["uint32", { gte: 3, ignore_empty: true }, 0, 1, "is 1, expected at least 3"],
  ["int32", { in: [1, 2] }, 2, 3, "is 3, expected one of 1, 2"],
  ["int32", { not_in: [1, 2] }, 3, 2, "is 2, expected none of 1, 2"],
  ["double", { gte: 0, lte: 100 }, 12.5, Number.NaN, "is NaN, expected at least 0 and at most 100"],
  [
    "uint64",
    { lte: "18446744073709551614" },
    5n,
    18446744073709551615n,
    "is 18446744073709551615, expected at most 18446744073709551614",
  ],
  ["sint64", { in: ["-1"] }, -1n, 1n, "is 1, expected one of -1"],
  ["bool", { const: true }, true, false, "is false, expected true"],
  ["enum", { const: 1 }, 1, 0, "is ZERO, expected ONE"],
  ["enum", { defined_only: true }, 1, 7, "is 7, expected one of ZERO, ONE"],
  ["enum", { in: [1] }, 1, 0, "is ZERO, expected one of ONE"],
  ["enum", { not_in: [0] }, 1, 0, "is ZERO, expected none of ZERO"],
  ["string", { const: "a" }, "a", "b", 'is "b", expected exactly "a"'],
  ["string", { len: "2" }, "😀x", "abc", "has 3 characters, expected 2 characters"],
  ["string", { min_len: "1" }, "a", "", "is empty, expected at least 1 character"],
  ["string", { max_len: "1" }, "a", "ab", "has 2 characters, expected at most 1 character"],
  ["string", { min_bytes: "3" }, "é1", "é", "has 2 bytes, expected at least 3 bytes"],
  ["string", { max_bytes: "1" }, "e", "é", "has 2 bytes, expected at most 1 byte"],
  ["string", { len_bytes: "2" }, "é", "e", "has 1 byte, expected 2 bytes"],
  ["string", { prefix: "/" }, "/a", "a", 'is "a", expected a string that starts with "/"'],
  ["string", { suffix: "z" }, "az", "za", 'is "za", expected a string that ends with "z"'],
  ["string", { contains: "b" }, "abc", "ac", 'is "ac", expected a string that contains "b"'],
  ["string", { not_contains: "b" }, "ac", "abc", 'is "abc", expected a string without "b"'],
  ["string", { pattern: "^[a-z]+$" }, "abc", "a1", 'is "a1", expected a match of ^[a-z]+$'],
  ["string", { in: ["a", "b"] }, "b", "c", 'is "c", expected one of "a", "b"'],
  ["string", { not_in: ["a"] }, "b", "a", 'is "a", expected none of "a"'],
  ["string", { email: true }, "a@b.c", "a", 'is "a", expected an e-mail address'],
  ["string", { hostname: true }, "a-b.example", "-a", 'is "-a", expected a host name'],
  ["string", { ip: true }, "::1", "1.2.3.256", 'is "1.2.3.256", expected an IP address'],
  ["string", { ipv4: true }, "1.2.3.4", "::1", 'is "::1", expected an IPv4 address'],
  ["string", { ipv6: true }, "fe80::1", "1.2.3.4", 'is "1.2.3.4", expected an IPv6 address'],
  ["string", { address: true }, "a.b", "a b", 'is "a b", expected an IP address or a host name'],
  ["string", { uri: true }, "http://a/b", "/b", 'is "/b", expected an absolute URI'],
  ["string", { uri_ref: true }, "/b?c", "http://[", 'is "http://[", expected a URI'],
  ["string", { uuid: true }, "00000000-0000-4000-8000-000000000000", "0", 'is "0", expected a UUID'],
  ["string", { well_known_regex: "HTTP_HEADER_NAME" }, ":a-b", "a b", 'is "a b", expected an HTTP header name'],
  [
    "string",
    { well_known_regex: "HTTP_HEADER_VALUE" },
    "a b",
    "a\u0001",
    'is "a\\u0001", expected an HTTP header value',
  ],
  [
    "string",
    { well_known_regex: "HTTP_HEADER_NAME", strict: false },
    "a b",
    "a\n",
    'is "a\\n", expected an HTTP header name',
  ],
  ["bytes", { len: "2" }, bytes(1, 2), bytes(1), "has 1 byte, expected 2 bytes"],
  ["bytes", { min_len: "1" }, bytes(1), bytes(), "is empty, expected at least 1 byte"],
  ["bytes", { max_len: "1" }, bytes(1), bytes(1, 2), "has 2 bytes, expected at most 1 byte"],
  ["bytes", { min_len: "2", ignore_empty: true }, bytes(), bytes(1), "has 1 byte, expected at least 2 bytes"],
  ["bytes", { const: "AQ==" }, bytes(1), bytes(2), "is not the bytes that are expected"],
  ["bytes", { prefix: "AQ==" }, bytes(1, 2), bytes(2), "does not start as expected"],
  ["bytes", { suffix: "AQ==" }, bytes(2, 1), bytes(2), "does not end as expected"],
  ["bytes", { contains: "AQ==" }, bytes(2, 1, 2), bytes(2), "lacks the bytes expected in it"],
  ["bytes", { pattern: "^a+$" }, bytes(97), bytes(98), "does not match ^a+$"],
  ["bytes", { in: ["AQ=="] }, bytes(1), bytes(2), "is none of the bytes allowed"],
  ["bytes", { not_in: ["AQ=="] }, bytes(2), bytes(1), "is one of the bytes refused"],
  ["bytes", { ip: true }, bytes(1, 2, 3, 4), bytes(1), "is no IP address in network order"],
  ["bytes", { ipv6: true }, new Uint8Array(16), bytes(1, 2, 3, 4), "is no IP address in network order"],
  ["duration", { gt: "0s" }, duration(0n, 1), duration(0n), "is 0s, expected more than 0s"],
  ["duration", { lte: "1.5s", gte: "1s" }, duration(1n), duration(2n), "is 2s, expected at least 1s and at most 1.5s"],
  [
    "timestamp",
    { lt: "2026-01-01T00:00:00Z" },
    time("google.protobuf.Timestamp", 0n),
    time("google.protobuf.Timestamp", 1_800_000_000n),
    "is 2027-01-15T08:00:00.000Z, expected less than 2026-01-01T00:00:00.000Z",
  ],
  ["any", { in: ["a/b"] }, anyOf("a/b"), anyOf("a/c"), "is a a/c, expected one of a/b"],
  ["any", { not_in: ["a/b"] }, anyOf("a/c"), anyOf("a/b"), "is a a/b, expected none of a/b"],
];

for (const [kind, rule, kept, broken, text] of CASES) {
  test(`${kind} ${JSON.stringify(rule)}`, () => {
    const field = enums.field(kind === "enum" ? "e" : "s")!;
    assert.is(brokenScalarRule(kind, rule, kept, field, false), null);
    assert.is(brokenScalarRule(kind, rule, broken, field, false), text);
  });
}

test("a secret is not quoted", () => {
  const field = enums.field("s")!;
  assert.not.match(brokenScalarRule("string", { pattern: "^x$" }, "hunter2", field, true)!, "hunter2");
});

test.run();
