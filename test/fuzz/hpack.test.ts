// test/fuzz/hpack.test.ts: HPACK that nobody meant, and what our own encoder makes of whatever it is given.
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromLatin1 } from "../../host/base/bytes.ts";
import { HpackDecoder } from "../../host/http/h2/hpack_decoder.ts";
import { HpackEncoder } from "../../host/http/h2/hpack_encoder.ts";
import type { HpackField } from "../../host/http/h2/hpack_field.ts";

type Field = readonly [string, string];

/** What a decoder makes of a block; null when it is malformed. */
function decode(decoder: HpackDecoder, block: Uint8Array): Field[] | null {
  const fields: Field[] = [];
  const onField = ({ name, value }: HpackField): void => void fields.push([name.field.text, value]);
  return decoder.decode(block, 0, block.length, { onField }) ? fields : null;
}

const name = fc.oneof(
  fc.constantFrom(":path", ":status", "content-type", "cookie", "set-cookie", "x-a", "x-b", "accept-encoding"),
  fc.stringMatching(/^[-!#$%&'*+.^_`|~0-9a-z]{1,24}$/),
);
const value = fc.oneof(
  fc.constantFrom("", "/", "200", "gzip, deflate", "a".repeat(5000)),
  fc.stringMatching(/^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]{0,40}[\x21-\x7e\x80-\xff])?)?$/),
);
const fields = fc.array(fc.tuple(name, value), { maxLength: 12 });

test("what is encoded is decoded again, block after block, whatever the table's size becomes", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fields, fc.option(fc.integer({ min: 0, max: 4096 }), { nil: null })), { maxLength: 8 }),
      (blocks) => {
        const encoder = new HpackEncoder();
        const decoder = new HpackDecoder();
        for (const [block, size] of blocks) {
          if (size !== null) {
            decoder.setLimitBytes(size);
            encoder.setPeerLimitBytes(size);
          }
          let text = encoder.begin();
          for (const [each, of] of block) text += encoder.field(each, of);
          assert.equal(decode(decoder, fromLatin1(text)), block);
        }
      },
    ),
    { seed: 20261201, numRuns: 600 },
  );
});

/** Bytes that mean something: indices at the edges, literals of each kind, table sizes, long integers. */
const opcode = fc.oneof(
  fc.constantFrom(
    [0x80],
    [0x82],
    [0xbe],
    [0xbf],
    [0xff, 0x00],
    [0xff, 0xff, 0xff, 0xff, 0x7f],
    [0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
    [0x20],
    [0x3f, 0xe1, 0x1f],
    [0x3f, 0xe2, 0x1f],
    [0x40, 0x01, 0x61, 0x01, 0x62],
    [0x40, 0x81, 0x1f, 0x01, 0x62],
    [0x41, 0x82, 0xff, 0xff],
    [0x00, 0x7f, 0xff, 0xff, 0xff, 0x07],
    [0x10, 0x00, 0x00],
    [0x44, 0x84, 0x60, 0xd5, 0x48, 0x5f],
  ),
  fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 6 }),
);

test("any bytes: no throw, bounded texts, and a table that stays within its size", () => {
  fc.assert(
    fc.property(fc.array(opcode, { maxLength: 40 }), fc.array(opcode, { maxLength: 10 }), (first, second) => {
      const decoder = new HpackDecoder();
      for (const block of [first, second]) {
        const bytes = Uint8Array.from(block.flat());
        const got = decode(decoder, bytes);
        // A byte is at most 8/5 characters, or one index of an entry of the table.
        const length = (got ?? []).reduce((sum, [each, of]) => sum + each.length + of.length, 0);
        assert.ok(length <= bytes.length * 4096);
        assert.ok(decoder.tableBytes <= 4096);
        assert.is(
          Array.from({ length: decoder.tableCount }, (_, i) => decoder.tableEntry(i).tableBytes)
            .reduce((sum, each) => sum + each, 0),
          decoder.tableBytes,
        );
        if (got === null) return;
      }
    }),
    { seed: 20261202, numRuns: 8000 },
  );
});

test("a block that is cut is malformed or shorter, never another one", () => {
  fc.assert(
    fc.property(fields, fc.nat(), (block, at) => {
      const encoder = new HpackEncoder();
      let text = encoder.begin();
      for (const [each, of] of block) text += encoder.field(each, of);
      const bytes = fromLatin1(text);
      const got = decode(new HpackDecoder(), bytes.subarray(0, at % (bytes.length + 1)));
      if (got !== null) assert.equal(got, block.slice(0, got.length));
    }),
    { seed: 20261203, numRuns: 1500 },
  );
});

test.run();
