// test/host/extensions/filters/network/http_connection_manager/local_replies.test.ts: what local_reply_config makes of replies.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { LocalReply } from "../../../../../../host/http/filter.ts";
import { ResponseFlag } from "../../../../../../host/observe/stream_info.ts";
import type { Downstream } from "../../../../http/conn_manager/downstream.ts";
import { downstream, planned } from "./fixture.ts";

/** The head and the body of an answer, the fields that all answers have left out. */
function replied(down: Downstream, reply: Partial<LocalReply> = {}, fields = "", method = "GET"): string[] {
  down.feed(`${method} /p HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
  down.last.stream.sendLocalReply({ status: 503, body: "why", details: "d", ...reply });
  return down.take().split("\r\n").filter((line) => line !== "" && line !== "server: envoy");
}

const status = (op: string, value: number): string =>
  `status_code_filter: { comparison: { op: ${op}, value: { default_value: ${value}, runtime_key: x } } }`;

test("the first mapper that takes a reply counts, and no other", () => {
  const down = downstream(`local_reply_config:
  mappers:
  - filter: { header_filter: { header: { name: x-never, present_match: true } } }
    status_code: 599
  - filter: { ${status("GE", 500)} }
    status_code: 502
    headers_to_add: [ { header: { key: x-was, value: "%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %REQ(:path)%" } } ]
  - filter: { ${status("EQ", 503)} }
    body: { inline_string: never }`);
  assert.equal(replied(down), [
    "HTTP/1.1 502 Bad Gateway",
    "x-was: 503 d /p",
    "content-length: 3",
    "content-type: text/plain",
    "why",
  ]);
  assert.is(down.logged[0]!.code, 502);
  assert.equal(replied(down, { status: 404 })[0], "HTTP/1.1 404 Not Found");
});

test("a mapper looks at flags, gRPC statuses and several things at once", () => {
  const down = downstream(`local_reply_config:
  mappers:
  - filter: { response_flag_filter: { flags: [ UH ] } }
    body: { inline_string: flag }
  - filter: { grpc_status_filter: { statuses: [ PERMISSION_DENIED ] } }
    body: { inline_string: grpc }
  - filter: { and_filter: { filters: [ { ${
    status("GE", 500)
  } }, { header_filter: { header: { name: x-a, present_match: true } } } ] } }
    body: { inline_string: both }`);
  down.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  down.last.stream.info.setFlag(ResponseFlag.NoHealthyUpstream);
  down.last.stream.sendLocalReply({ status: 503, details: "d" });
  assert.match(down.take(), /flag$/);
  assert.is(replied(down, { status: 403 }).at(-1), "grpc");
  assert.is(replied(down, {}, "x-a: 1\r\n").at(-1), "both");
  assert.is(replied(down).at(-1), "why");
});

test("a body is what a format makes of it; a mapper's own format comes first", () => {
  const down = downstream(`local_reply_config:
  mappers:
  - filter: { ${status("EQ", 404)} }
    body: { inline_string: 'none "here"' }
    body_format_override:
      json_format: { z: "%RESPONSE_CODE%", a: "%LOCAL_REPLY_BODY%", n: "%REQ(x-none)%" }
  body_format:
    text_format_source: { inline_string: "<%LOCAL_REPLY_BODY%|%REQ(x-none)%>" }
    content_type: text/html
    omit_empty_values: true`);
  assert.equal(replied(down), [
    "HTTP/1.1 503 Service Unavailable",
    "content-length: 6",
    "content-type: text/html",
    "<why|>",
  ]);
  assert.equal(replied(down, { status: 404 }), [
    "HTTP/1.1 404 Not Found",
    "content-length: 39",
    "content-type: application/json",
    '{"a":"none \\"here\\"","n":null,"z":404}\n',
  ]);
});

test("a reply keeps its own content type unless its body is another one or a mapper says so", () => {
  const typed: Partial<LocalReply> = { headers: [["content-type", "text/css"]] };
  const same = downstream('local_reply_config: { body_format: { text_format_source: { inline_string: "why" } } }');
  assert.ok(replied(same, typed).includes("content-type: text/css"));
  assert.ok(replied(same, { ...typed, body: "other" }).includes("content-type: text/plain"));
  const mapped = downstream(`local_reply_config:
  mappers:
  - filter: { ${status("GE", 0)} }
    body: { inline_string: new }
    headers_to_add:
    - { header: { key: content-type, value: text/odd }, append_action: OVERWRITE_IF_EXISTS_OR_ADD }`);
  assert.ok(replied(mapped, typed).includes("content-type: text/odd"));
});

test("a gRPC message is the formatted body, and its status follows the new code", () => {
  const grpc = "content-type: application/grpc\r\n";
  const down = downstream(`local_reply_config:
  mappers: [ { filter: { ${status("EQ", 503)} }, status_code: 404 } ]
  body_format: { json_format: { m: "%LOCAL_REPLY_BODY%" } }`);
  assert.equal(replied(down, {}, grpc).slice(0, 4), [
    "HTTP/1.1 200 OK",
    "content-type: application/grpc",
    "grpc-status: 12",
    'grpc-message: {"m":"why"}',
  ]);
  assert.not.ok(replied(down, {}, grpc, "HEAD").some((line) => line.startsWith("grpc-message")));
  const own = downstream(`local_reply_config:
  mappers: [ { filter: { ${status("EQ", 503)} }, headers_to_add: [ { header: { key: grpc-status, value: "5" } } ] } ]`);
  assert.ok(replied(own, {}, grpc).includes("grpc-status: 5"));
  const odd = downstream("local_reply_config: { body_format: { json_format: { m: 1 }, content_type: a/b } }");
  assert.ok(replied(odd, {}, grpc).includes('grpc-message: {"m":1}%0A'));
});

test("a request that never became one is answered in the same way", () => {
  const yaml = `request_headers_timeout: 1s
local_reply_config:
  mappers: [ { filter: { ${status("EQ", 408)} }, status_code: 504, body: { inline_string: late } } ]
  body_format:
    text_format_source: { inline_string: "%LOCAL_REPLY_BODY%,%RESPONSE_CODE_DETAILS%,%RESPONSE_FLAGS%,%REQ(:path)%" }`;
  const bad = downstream(yaml).feed("nonsense\r\n\r\n");
  assert.match(bad.take(), /^HTTP\/1.1 400 Bad Request\r\n.*\r\n\r\nBad Request,http1.codec_error,-,-$/s);
  const late = downstream(yaml).feed("GET / HT");
  late.clock.advance(1000);
  assert.match(late.take(), /^HTTP\/1.1 504 Gateway Timeout\r\n.*\r\n\r\nlate,request_header_timeout,-,-$/s);
  assert.is(late.logged[0]!.code, 504);
});

test("an upstream's response is left alone", () => {
  const down = downstream(`local_reply_config:
  mappers: [ { filter: { ${status("GE", 0)} }, status_code: 418 } ]
  body_format: { text_format_source: { inline_string: never } }`);
  down.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  down.last.respond("theirs", "503");
  assert.match(down.take(), /^HTTP\/1.1 503 .*theirs$/s);
});

test("what is wrong with a mapper is said, and an empty configuration is none", () => {
  assert.is(planned("local_reply_config: {}").plan!.localReplies, null);
  const { problems } = planned(`local_reply_config:
  mappers:
  - filter: { ${status("EQ", 200)} }
    headers_to_add: [ { header: { key: x, value: "%NONSENSE%" } } ]
    body_format_override: { text_format_source: { inline_string: "%RESPONSE_COD%" } }`);
  assert.is(problems.length, 2);
  assert.match(problems.join("\n"), 'there is no command "NONSENSE"');
  assert.match(problems.join("\n"), 'there is no command "RESPONSE_COD"');
  assert.match(planned("local_reply_config: { mappers: [ { status_code: 200 } ] }").problems.join(), "filter");
});

test.run();
