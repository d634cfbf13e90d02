// test/conformance/component/hostile_values.test.ts: every argument of every host function, spoilt one at a time.
/**
 * Pointers and lengths out of bounds, addresses that are not aligned, lengths that wrap around, elements of lists
 * that point nowhere, text that is none, cases that there are not. Other than a module, which gets a status, a
 * component that gives such a value ends; nothing is sent, written or thrown.
 *
 * @module
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { COMPONENT_IMPORTS } from "../../../abi/mod.ts";
import { fromUtf8 } from "../../../host/base/bytes.ts";
import { functionKey } from "../../../host/wasm/component/plan.ts";
import type { PluginConfig } from "../../../host/wasm/mod.ts";
import { HostileEnvironment } from "../sandbox/strike.ts";
import {
  ANSWER,
  EDITS,
  END,
  HOST_FUNCTIONS,
  HOST_NAMES,
  HostileHost,
  hostileModule,
  LIST,
  OUT,
  TEXT,
  What,
} from "./hostile_guest.ts";

const module = await hostileModule("http");
const HEADERS = "http.[method]stream.on-request-headers";

/** A host whose guest calls a function from its request headers callback. */
function call(
  name: string,
  args: readonly number[],
  prepare: (host: HostileHost) => void = () => {},
  parts: Partial<PluginConfig> = {},
): HostileHost {
  const env = new HostileEnvironment();
  env.attributes.set("x-a", { kind: "latin1", value: "value" });
  const host = new HostileHost(module, { where: HEADERS, what: What.Call, call: name, args }, parts, env);
  prepare(host);
  host.strike(HEADERS);
  return host;
}

/** It has ended, its stream was answered once, and nothing of what it wanted was done. */
function assertEnded(host: HostileHost, message: RegExp, what: string): void {
  assert.match(host.failure ?? "it went well", message, what);
  assert.is(host.alive, 0, what);
  assert.equal(host.struck.replies.map((reply) => reply.status), [503], what);
  assert.is(host.env.calls.length, 0, what);
  assert.is(host.env.states.size, 0, what);
  assert.is(host.env.shared.get("vm", fromUtf8("x-a")), null, what);
  host.plugin.dispose();
}

test("the table has every function of the world", () => {
  assert.equal([...HOST_NAMES].sort(), COMPONENT_IMPORTS.map(functionKey).sort());
});

test("arguments that are as they should be end nobody", () => {
  for (const name of HOST_NAMES) {
    const host = call(name, HOST_FUNCTIONS[name]!.valid);
    assert.is(host.failure, null, name);
    assert.is(host.alive, 1, name);
  }
});

/** For elements of `size` bytes, aligned as given. */
function badRanges(size: number, align: number): (readonly [ptr: number, count: number])[] {
  const bad: (readonly [number, number])[] = [
    [END, 1],
    [END - size, 2],
    [-align, 1],
    [0, -1],
    [-0x80000000, 1],
    [-0x80000000, -0x80000000],
    [0x7ffffff0, 0x7ffffff0],
    // So many elements are 2³² bytes, and one more.
    [0, 2 ** 32 / size],
    [0, Math.ceil((2 ** 32 + 1) / size)],
  ];
  if (align > 1) bad.push([LIST + 1, 1], [LIST + 2, 1], [LIST + 3, 1]);
  return bad.filter(([, count]) => count < 2 ** 32);
}

function badPlaces(size: number, align: number): number[] {
  const bad = [END, END - size + align, -align, -0x80000000, 0x7ffffffc];
  if (align > 1) bad.push(OUT + 1, OUT + 2, OUT + 3);
  return bad;
}

for (const [name, { valid, ranges, place }] of Object.entries(HOST_FUNCTIONS)) {
  test(`${name}: pointers, lengths and places`, () => {
    for (const [index, size, align] of ranges) {
      for (const [ptr, count] of badRanges(size, align)) {
        const args = valid.with(index, ptr).with(index + 1, count);
        assertEnded(call(name, args), /out of bounds/, `argument ${index}: ${ptr}, ${count}`);
      }
    }
    for (const address of place === undefined ? [] : badPlaces(place[1], place[2])) {
      assertEnded(call(name, valid.with(place![0], address)), /out of bounds/, `result at ${address}`);
    }
  });
}

/** What is wrong with a text whose pointer and length are at an address. */
const BAD_TEXTS: Readonly<Record<string, (host: HostileHost, at: number) => void>> = {
  "a pointer out of bounds": (host, at) => host.plugin.root.vm.memory.setU32(at, END - 1),
  "a length out of bounds": (host, at) => host.plugin.root.vm.memory.setU32(at + 4, 0xffffffff),
};
/** Bytes that are no UTF-8: cut short, too long a form, half of a pair, beyond Unicode, a stray one. */
const BAD_UTF8: readonly (readonly number[])[] = [
  [0x61, 0x62, 0xc3],
  [0xc0, 0x80, 0x61],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80],
  [0x61, 0xff, 0x61],
  [0x80, 0x80, 0x80],
];

test("elements of lists: pointers and lengths", () => {
  for (const [name, { valid, ranges }] of Object.entries(HOST_FUNCTIONS)) {
    for (const [index, size] of ranges) {
      if (size === 1) continue;
      const list = valid[index]!;
      const places = size === 8 ? [0] : size === 16 ? [0, 8] : [4, 12];
      for (const place of places) {
        for (const [what, spoil] of Object.entries(BAD_TEXTS)) {
          const host = call(name, valid, (host) => spoil(host, list + place));
          assertEnded(host, /out of bounds/, `${name}, argument ${index}, ${what}`);
        }
      }
    }
  }
});

test("text that is none", () => {
  for (const [name, { valid }] of Object.entries(HOST_FUNCTIONS)) {
    const hasText = valid.includes(TEXT) && name !== "shared.push" || valid.includes(LIST) || valid.includes(EDITS);
    if (!hasText) continue;
    for (const bytes of BAD_UTF8) {
      const host = call(name, valid, ({ plugin }) => plugin.root.vm.memory.bytes.set(bytes, TEXT));
      assertEnded(host, /not UTF-8/, `${name}: ${bytes}`);
    }
  }
});

test("cases that there are not", () => {
  const cases: readonly (readonly [name: string, index: number])[] = [
    ["logging.log", 0],
    ["logging.enabled", 0],
    ["metrics.define", 0],
    ["shared.set", 4],
    ["control.respond", 8],
  ];
  for (const [name, index] of cases) {
    for (const value of [6, 255, -1, -0x80000000]) {
      assertEnded(
        call(name, HOST_FUNCTIONS[name]!.valid.with(index, value)),
        /case \d+ of a type/,
        `${name}: ${value}`,
      );
    }
  }
  for (const value of [3, 255]) {
    const host = call(
      "control.resume-request",
      [9, EDITS, 1],
      ({ plugin }) => plugin.root.vm.memory.bytes[EDITS] = value,
    );
    assertEnded(host, /case \d+ of a type/, `an edit ${value}`);
  }
});

test("ids of nobody, and of what is not a stream: nothing happens", () => {
  for (const name of ["control.resume-request", "control.resume-response", "control.respond", "control.reset"]) {
    for (const id of [0, 1, 3, 77, -1, 0x7fffffff, -0x80000000]) {
      const host = call(name, HOST_FUNCTIONS[name]!.valid.with(0, id));
      assert.is(host.failure, null);
      assert.equal(host.struck.events, [], `${name} ${id}`);
    }
  }
  for (const name of ["metrics.add", "metrics.record-value", "metrics.get", "shared.push", "shared.pop"]) {
    for (const id of [0, 2, 3, 999, -1, -0x80000000]) {
      assert.is(call(name, HOST_FUNCTIONS[name]!.valid.with(0, id)).failure, null, `${name} ${id}`);
    }
  }
});

// --- What is large, and nothing else ---

/** Where nothing is written: text of zero bytes. */
const ZEROS = 0x1a000;

/** A list whose elements are all the same two texts. */
function fill(host: HostileHost, count: number, size: number, stride: number, first: number): number {
  const { memory } = host.plugin.root.vm;
  const at = 0x8000;
  for (let i = 0; i < count; i++) {
    memory.setU32(at + i * stride + first, TEXT);
    memory.setU32(at + i * stride + first + 4, 3);
    memory.setU32(at + i * stride + first + 8, ZEROS);
    memory.setU32(at + i * stride + first + 12, size);
  }
  return at;
}

test("lists that say the same large text time and again make the host keep none of it", () => {
  // 1000 times 20,000 bytes.
  let list = 0;
  const headers = (host: HostileHost): void => void (list = fill(host, 1000, 20_000, 16, 0));
  const callout = HOST_FUNCTIONS["callout.send"]!.valid.with(2, 0x8000).with(3, 1000);
  const sent = call("callout.send", callout, headers);
  assert.is(list, 0x8000);
  assert.is(sent.failure, null);
  assert.is(sent.env.calls.length, 0);
  assert.is(sent.env.limits.get("header_bytes"), 1);
  assert.is(sent.plugin.root.vm.memory.bytes[OUT], 1);
  assert.is(sent.plugin.root.vm.memory.bytes[OUT + 4], 3, "bad-request");

  const respond = HOST_FUNCTIONS["control.respond"]!.valid.with(0, 2).with(2, 0x8000).with(3, 1000);
  const replied = call("control.respond", respond, headers);
  assert.equal(replied.struck.replies.map((reply) => [reply.status, reply.headers.length]), [[403, 0]]);
  assert.is(replied.env.limits.get("header_bytes"), 1);

  const edits = (host: HostileHost): void => void fill(host, 1000, 20_000, 20, 4);
  const resumed = call("control.resume-request", [2, 0x8000, 1000], edits);
  assert.is(resumed.failure, null);
  assert.is(resumed.env.limits.get("header_bytes"), 1);
  assert.ok(resumed.struck.requestHeaders!.byteSize < 1_100_000, String(resumed.struck.requestHeaders!.byteSize));
});

test("more headers than a map may have", () => {
  for (const count of [1025, 4500]) {
    const headers = (host: HostileHost): void => void fill(host, count, 1, 16, 0);
    const args = HOST_FUNCTIONS["callout.send"]!.valid.with(2, 0x8000).with(3, count);
    const sent = call("callout.send", args, headers);
    assert.is(sent.env.calls.length, 0);
    assert.is(sent.env.limits.get("header_bytes"), 1);
  }
  const added = call("control.resume-request", [2, 0x8000, 4500], (host) => {
    fill(host, 3600, 1, 20, 4);
    for (let i = 0; i < 3600; i++) host.plugin.root.vm.memory.bytes[0x8000 + i * 20] = 1;
  });
  assert.is(added.failure, null);
  assert.ok(added.struck.requestHeaders!.size <= 1024, String(added.struck.requestHeaders!.size));
  assert.ok(added.env.limits.get("header_bytes")! > 0);
});

test("paths of thousands of parts, long names, long keys: nothing is there, nothing is kept", () => {
  const path = call("properties.get", [0x8000, 8000, OUT], (host) => void fill(host, 4000, 3, 16, 0));
  assert.is(path.failure, null);
  assert.is(path.plugin.root.vm.memory.bytes[OUT], 0);
  const set = call("properties.set", [0x8000, 8000, TEXT, 3], (host) => void fill(host, 4000, 3, 16, 0));
  assert.is(set.env.states.size, 0);
  for (const [name, { valid, ranges }] of Object.entries(HOST_FUNCTIONS)) {
    for (const [index, size] of ranges) {
      if (size !== 1) continue;
      // Zero bytes are text.
      const host = call(name, valid.with(index, 0xf000).with(index + 1, 0x10001));
      assert.is(host.failure, null, name);
      host.plugin.dispose();
    }
  }
  const key = call("shared.set", [0xf000, 0x10001, TEXT, 3, 0, 0, OUT]);
  assert.equal([...key.plugin.root.vm.memory.bytes.subarray(OUT, OUT + 2)], [1, 1], "too-large");
  assert.is(key.env.limits.get("shared_data"), 1);
});

test("bodies larger than they may be", () => {
  const limits = { maxBodyBytes: 1000, maxHttpCallBytes: 1000 };
  const respond = HOST_FUNCTIONS["control.respond"]!.valid.with(0, 2).with(4, 0x4000).with(5, 1001);
  const replied = call("control.respond", respond, () => {}, limits);
  assert.equal(replied.struck.replies.map((reply) => [reply.status, reply.body.length]), [[500, 0]]);
  const send = HOST_FUNCTIONS["callout.send"]!.valid.with(4, 0x4000).with(5, 1001);
  const sent = call("callout.send", send, () => {}, limits);
  assert.is(sent.env.calls.length, 0);
  assert.is(sent.env.limits.get("http_call_bytes"), 1);
});

test("a body that is replaced by more than a body may have ends its stream, a connection is closed", async () => {
  const parts = { maxBodyBytes: 1000 };
  const body = "http.[method]stream.on-request-body";
  const http = new HostileHost(module, { where: body, what: What.Nothing }, parts);
  const data = "tcp.[method]connection.on-downstream";
  const tcp = new HostileHost(await hostileModule("tcp"), { where: data, what: What.Nothing }, parts);
  // `replace` with 1001 bytes, and `continue` with as many in place of what there is.
  for (const [host, words] of [[http, [1, ZEROS, 1001]], [tcp, [0, 1, ZEROS, 1001]]] as const) {
    for (const [index, word] of words.entries()) host.plugin.root.vm.memory.setU32(ANSWER + index * 4, word);
  }
  http.strike(body);
  assert.equal(http.struck.replies.map((reply) => [reply.status, reply.details]), [[500, "wasm_body_too_large"]]);
  tcp.strike(data);
  assert.ok(tcp.connection.events.some((event) => event.startsWith("close")), tcp.connection.events.join());
  for (const { env, failure } of [http, tcp]) {
    assert.is(failure, null);
    assert.ok(env.limits.get("body_bytes")! > 0);
  }
});

test("details of a reply are one short word, whatever the guest says", () => {
  const respond = HOST_FUNCTIONS["control.respond"]!.valid.with(0, 2).with(6, 0x7000).with(7, 5000);
  const { struck } = call("control.respond", respond, ({ plugin }) => {
    plugin.root.vm.memory.bytes.set(fromUtf8("a b\r\n\x1b[31m\u2603"), 0x7000);
  });
  const { details } = struck.replies[0]!;
  assert.match(details, /^a_b___\[31m/);
  assert.is(details.length, 1024);
});

test("a log flood: a thousand lines a second, and a count of the rest", () => {
  const env = new HostileEnvironment();
  const order = { where: HEADERS, what: What.CallOften, call: "logging.log", args: [2, TEXT, 3] };
  const host = new HostileHost(module, order, {}, env);
  host.strike(HEADERS);
  assert.ok(env.texts(2).length <= 1001, String(env.texts(2).length));
  host.plugin.dispose();
  env.clock.advance(2000);
  assert.ok(env.limits.get("log")! > 1000);
});

test.run();
