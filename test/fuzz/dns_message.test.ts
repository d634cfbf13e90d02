// test/fuzz/dns_message.test.ts: whatever a name server sends is an answer to the question, or none.
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { formatIp, parseIp } from "../../host/base/ip.ts";
import { decodeResponse, type DnsQuestion, encodeQuery, RecordType } from "../../host/net/dns_message.ts";

const label = fc.stringMatching(/^[-_0-9a-zA-Z]{1,63}$/);
const question: fc.Arbitrary<DnsQuestion> = fc.record({
  id: fc.nat(0xffff),
  name: fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join(".")),
  type: fc.constantFrom(RecordType.A, RecordType.AAAA),
});

/** A response with these addresses, each behind an alias. */
function answer({ id, name, type }: DnsQuestion, addresses: readonly Uint8Array[]): Uint8Array {
  const query = encodeQuery({ id, name, type })!;
  const code = type === RecordType.A ? 1 : 28;
  const records = addresses.flatMap((bytes) => [
    ...[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 2, 0xc0, 12],
    ...[0xc0, 12, 0, code, 0, 1, 0, 0, 1, 0, 0, bytes.length, ...bytes],
  ]);
  const bytes = Uint8Array.of(...query, ...records);
  bytes[2] = 0x81;
  bytes[3] = 0x80;
  bytes[7] = addresses.length * 2;
  return bytes;
}

test("every address of an answer is read, and no byte of it can be missing", () => {
  fc.assert(
    fc.property(question, fc.nat(4), fc.infiniteStream(fc.nat(255)), fc.nat(), (asked, count, random, cut) => {
      const size = asked.type === RecordType.A ? 4 : 16;
      const addresses = Array.from(
        { length: count },
        () => Uint8Array.from({ length: size }, () => random.next().value!),
      );
      const bytes = answer(asked, addresses);
      const response = decodeResponse(bytes, asked)!;
      assert.equal([response.code, response.truncated, response.records.length], [0, false, count]);
      for (const { address, ttlSeconds } of response.records) {
        assert.is(ttlSeconds, 256);
        assert.is(formatIp(parseIp(address)!), address);
      }
      if (count > 0) assert.is(decodeResponse(bytes.subarray(0, cut % bytes.length), asked), null);
    }),
    { numRuns: 200 },
  );
});

test("any bytes, and any change of an answer, give an answer or none", () => {
  const changes = fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 8 });
  fc.assert(
    fc.property(question, fc.uint8Array({ maxLength: 120 }), changes, (asked, bytes, list) => {
      decodeResponse(bytes, asked);
      const changed = answer(asked, [new Uint8Array(asked.type === RecordType.A ? 4 : 16), new Uint8Array(4)]);
      for (const [at, byte] of list) if (at < changed.length) changed[at] = byte;
      const response = decodeResponse(changed, asked);
      if (response !== null) { for (const { address } of response.records) assert.not(parseIp(address) === null); }
    }),
    { numRuns: 2000 },
  );
});

test.run();
