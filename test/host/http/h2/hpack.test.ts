// test/host/http/h2/hpack.test.ts: HPACK against the examples of its RFC, against itself, and against junk.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromLatin1, toHex } from "../../../../host/base/bytes.ts";
import { SeededRandom } from "../../../../host/base/random.ts";
import { HpackDecoder } from "../../../../host/http/h2/hpack_decoder.ts";
import { HpackEncoder, integerText } from "../../../../host/http/h2/hpack_encoder.ts";
import { FieldRole, type HpackField } from "../../../../host/http/h2/hpack_field.ts";
import { decodeHuffman, encodeHuffman, huffmanLength, maxDecodedLength } from "../../../../host/http/h2/huffman.ts";
import { STATIC_TABLE } from "../../../../host/http/h2/static_table.ts";

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.replaceAll(" ", "").match(/../g) ?? [], (byte) => parseInt(byte, 16));
}

/** The fields of a block as "name: value"; null when it is malformed. */
function decode(decoder: HpackDecoder, block: Uint8Array): string[] | null {
  const fields: string[] = [];
  const ok = decoder.decode(block, 0, block.length, {
    onField(field: HpackField): void {
      fields.push(`${field.name.field.text}: ${field.value}`);
    },
  });
  return ok ? fields : null;
}

function table(decoder: HpackDecoder): string[] {
  return Array.from({ length: decoder.tableCount }, (_, i) => {
    const field = decoder.tableEntry(i);
    return `${field.name.field.text}: ${field.value}`;
  });
}

// RFC 7541 C.1
test("integers are encoded as in the examples", () => {
  assert.is(toHex(fromLatin1(integerText(0, 31, 10))), "0a");
  assert.is(toHex(fromLatin1(integerText(0, 31, 1337))), "1f9a0a");
  assert.is(toHex(fromLatin1(integerText(0, 255, 42))), "2a");
});

// RFC 7541 C.2
test("each kind of field is decoded as in the examples", () => {
  const decoder = new HpackDecoder();
  assert.equal(decode(decoder, hex("400a637573746f6d2d6b65790d637573746f6d2d686561646572")), [
    "custom-key: custom-header",
  ]);
  assert.is(decoder.tableBytes, 55);
  const plain = new HpackDecoder();
  assert.equal(decode(plain, hex("040c2f73616d706c652f70617468")), [":path: /sample/path"]);
  assert.equal(decode(plain, hex("100870617373776f726406736563726574")), ["password: secret"]);
  assert.equal(decode(plain, hex("82")), [":method: GET"]);
  assert.is(plain.tableCount, 0);
});

const REQUEST_FIELDS = [
  [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
  [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"],
  [
    ":method: GET",
    ":scheme: https",
    ":path: /index.html",
    ":authority: www.example.com",
    "custom-key: custom-value",
  ],
];

// RFC 7541 C.3, C.4
for (
  const [name, blocks] of [
    ["plain", [
      "828684410f7777772e6578616d706c652e636f6d",
      "828684be58086e6f2d6361636865",
      "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
    ]],
    ["Huffman-coded", [
      "828684418cf1e3c2e5f23a6ba0ab90f4ff",
      "828684be5886a8eb10649cbf",
      "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
    ]],
  ] as const
) {
  test(`${name} requests are decoded as in the examples`, () => {
    const decoder = new HpackDecoder();
    const sizes = [57, 110, 164];
    blocks.forEach((block, i) => {
      assert.equal(decode(decoder, hex(block)), REQUEST_FIELDS[i]);
      assert.is(decoder.tableBytes, sizes[i]);
    });
    assert.equal(table(decoder), [
      "custom-key: custom-value",
      "cache-control: no-cache",
      ":authority: www.example.com",
    ]);
  });
}

const DATE = "date: Mon, 21 Oct 2013 20:13:21 GMT";
const LATER = "date: Mon, 21 Oct 2013 20:13:22 GMT";
const LOCATION = "location: https://www.example.com";
const COOKIE = "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";

// RFC 7541 C.5, C.6
for (
  const [name, blocks] of [
    ["plain", [
      "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54" +
      "6e1768747470733a2f2f7777772e6578616d706c652e636f6d",
      "4803333037c1c0bf",
      "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d" +
      "4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b20766572" +
      "73696f6e3d31",
    ]],
    ["Huffman-coded", [
      "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b" +
      "97c8e9ae82ae43d3",
      "4883640effc1c0bf",
      "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdf" +
      "cd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
    ]],
  ] as const
) {
  test(`${name} responses, with a table that evicts, are decoded as in the examples`, () => {
    const decoder = new HpackDecoder();
    decoder.setLimitBytes(256);
    assert.equal(decode(decoder, hex("3fe101" + blocks[0])), [
      ":status: 302",
      "cache-control: private",
      DATE,
      LOCATION,
    ]);
    assert.is(decoder.tableBytes, 222);
    assert.equal(table(decoder), [LOCATION, DATE, "cache-control: private", ":status: 302"]);
    assert.equal(decode(decoder, hex(blocks[1])), [":status: 307", "cache-control: private", DATE, LOCATION]);
    assert.equal(table(decoder), [":status: 307", LOCATION, DATE, "cache-control: private"]);
    assert.equal(decode(decoder, hex(blocks[2])), [
      ":status: 200",
      "cache-control: private",
      LATER,
      LOCATION,
      "content-encoding: gzip",
      COOKIE,
    ]);
    assert.is(decoder.tableBytes, 215);
    assert.equal(table(decoder), [COOKIE, "content-encoding: gzip", LATER]);
  });
}

test("the static table has its 61 entries", () => {
  assert.is(STATIC_TABLE.length, 61);
  const at = (index: number): string => `${STATIC_TABLE[index - 1]!.name.field.text} ${STATIC_TABLE[index - 1]!.value}`;
  assert.is(at(16), "accept-encoding gzip, deflate");
  assert.is(at(33), "date ");
  assert.is(at(61), "www-authenticate ");
});

test("every byte has a Huffman code that decodes to it, whatever stands before", () => {
  for (let shift = 0; shift < 8; shift++) {
    for (let code = 0; code < 256; code++) {
      const text = "0".repeat(shift) + String.fromCharCode(code) + "e";
      const encoded = fromLatin1(encodeHuffman(text));
      assert.is(encoded.length, huffmanLength(text));
      const target = new Uint8Array(maxDecodedLength(encoded.length));
      const length = decodeHuffman(encoded, 0, encoded.length, target);
      assert.is(toHex(target.subarray(0, length)), toHex(fromLatin1(text)));
    }
  }
});

test("malformed Huffman code is refused", () => {
  const target = new Uint8Array(64);
  const bad = (text: string): number => decodeHuffman(hex(text), 0, text.length / 2, target);
  assert.is(bad("ffffffff"), -1, "the end-of-string symbol");
  assert.is(bad("fffffffc"), -1, "the same, with other padding");
  assert.is(bad("1fff"), -1, "eight bits of padding or more");
  assert.is(bad("18"), -1, "padding of zeros");
  assert.is(bad("1f"), 1);
  assert.is(bad("ff"), -1, "nothing but eight bits of padding");
});

for (
  const [what, block] of [
    ["an index beyond the tables", "be"],
    ["index 0", "80"],
    ["a name index beyond the tables", "7f8f01"],
    ["a string that is cut off", "400a6375"],
    ["an integer that is cut off", "ff"],
    ["an integer that is absurd", "ffffffffffffffffffff7f"],
    ["a table size behind a field", "8220"],
    ["a table size above the limit", "3fe21f"],
    ["a Huffman code with wrong padding", "408118"],
  ] as const
) {
  test(`a block with ${what} is malformed`, () => {
    assert.is(decode(new HpackDecoder(), hex(block)), null);
  });
}

test("a peer that was told of a smaller table has to say that it uses one", () => {
  const decoder = new HpackDecoder();
  decoder.setLimitBytes(100);
  assert.is(decode(decoder, hex("82")), null);
  const other = new HpackDecoder();
  other.setLimitBytes(100);
  assert.equal(decode(other, hex("3f4582")), [":method: GET"]);
});

test("an entry that is larger than the table empties it", () => {
  const decoder = new HpackDecoder();
  decode(decoder, hex("3f21" + "4001610162"));
  assert.is(decoder.tableCount, 1);
  assert.ok(decode(decoder, fromLatin1("\x40\x01a\x40" + "x".repeat(64))));
  assert.is(decoder.tableCount, 0);
});

test("names and values are judged once: upper case, forbidden and unknown names, control bytes", () => {
  const roles: number[] = [];
  const legal: boolean[] = [];
  const sink = {
    onField(field: HpackField): void {
      roles.push(field.name.role);
      legal.push(field.legal);
    },
  };
  const literal = (name: string, value: string): string =>
    `\0${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`;
  const block = fromLatin1(
    literal("x-a", "b\tc") + literal("X-a", "") + literal("", "") + literal(":nope", "") + literal("connection", "\n") +
      literal("te", "\x7f") + literal("a b", "\xff") + literal("cookie", "c".repeat(20) + "\0") + literal(":path", "/"),
  );
  assert.ok(new HpackDecoder().decode(block, 0, block.length, sink));
  assert.equal(roles, [
    FieldRole.Plain,
    FieldRole.BadName,
    FieldRole.BadName,
    FieldRole.UnknownPseudo,
    FieldRole.ConnectionSpecific,
    FieldRole.Te,
    FieldRole.BadName,
    FieldRole.Cookie,
    FieldRole.Path,
  ]);
  assert.equal(legal, [true, true, true, true, false, false, true, false, true]);
});

test("what the encoder writes is what the decoder reads, through evictions and changes of the table's size", () => {
  const random = new SeededRandom(7541);
  const pick = (count: number): number => random.uint32() % count;
  for (let round = 0; round < 20; round++) {
    const encoder = new HpackEncoder(round % 3 === 0 ? 512 : 4096, round % 2 === 0);
    const decoder = new HpackDecoder();
    for (let message = 0; message < 200; message++) {
      if (pick(40) === 0) {
        const limit = [0, 64, 300, 4096, 65536][pick(5)]!;
        encoder.setPeerLimitBytes(limit);
        if (pick(2) === 0) encoder.setPeerLimitBytes(200);
      }
      const fields: string[] = [];
      let block = encoder.begin();
      for (let i = 0; i < pick(12); i++) {
        const name = ["x-a", "date", "cookie", ":path", "accept-encoding", `x-${pick(400)}`, ":method"][pick(7)]!;
        const value = ["/", "GET", "gzip, deflate", "v".repeat(pick(200)), `n${pick(4)}\xe9`, ""][pick(6)]!;
        block += encoder.field(name, value);
        fields.push(`${name}: ${value}`);
      }
      assert.equal(decode(decoder, fromLatin1(block)), fields);
      assert.is(encoder.tableBytes, decoder.tableBytes);
    }
  }
});

test("a field that comes again takes one byte, a secret never", () => {
  const encoder = new HpackEncoder();
  const lengths = [0, 1, 2].map(() => encoder.field("x-version", "1.2.3").length);
  assert.equal(lengths.map((length) => length === 1), [false, false, true]);
  const secrets = [0, 1, 2].map(() => encoder.field("authorization", "Basic xyz"));
  assert.ok(secrets.every((text) => text.charCodeAt(0) === 0x1f && text.endsWith("Basic xyz")));
  assert.is(encoder.status(200).length, 1);
  assert.is(encoder.status(503).length, 5);
});

test("no bytes make the decoder throw, or its table grow beyond its limit", () => {
  const random = new SeededRandom(20261121);
  for (let round = 0; round < 3000; round++) {
    const decoder = new HpackDecoder();
    for (let block = 0; block < 4; block++) {
      const bytes = new Uint8Array(random.uint32() % 80);
      for (let i = 0; i < bytes.length; i++) {
        // Mostly small strings, so that not all ends at once.
        bytes[i] = random.uint32() % 3 === 0 ? random.uint32() % 16 : random.uint32() & 255;
      }
      if (decode(decoder, bytes) === null) break;
      assert.ok(decoder.tableBytes <= 4096);
    }
  }
});

test.run();
