// test/host/observe/formatter.test.ts: text formats, against lines that the real Envoy wrote.
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { commandNames, compileFormat, DEFAULT_FORMAT, type FormatInput } from "../../../host/observe/formatter.ts";
import { formatWorld, proxiedStream } from "./formatter_fixture.ts";

function line(format: string, input: FormatInput = proxiedStream()): string {
  const compiled = compileFormat(format, formatWorld());
  assert.equal(compiled.problems, [], format);
  return compiled.format(input);
}

/** Every command with what Envoy 1.40 printed for the stream of the fixture. */
const RECORDED: readonly (readonly [string, string])[] = [
  ["START_TIME", "2026-11-21T14:21:08.437Z"],
  ["START_TIME()", "2026-11-21T14:21:08.437Z"],
  ["START_TIME(%s.%3f)", "1795270868.437"],
  ["START_TIME(%s.%9f)", "1795270868.437920000"],
  ["START_TIME(%f)", "437920000"],
  ["START_TIME(%Y/%m/%dT%H:%M:%S%z)", "2026/11/21T14:21:08+0000"],
  [
    "START_TIME(%a_%A_%b_%B_%e_%j_%p_%I_%y_%D_%F_%T_%R_%Z)",
    "Sat_Saturday_Nov_November_21_325_PM_02_26_11/21/26_2026-11-21_14:21:08_14:21_UTC",
  ],
  ["START_TIME(%c)", "Sat Nov 21 14:21:08 2026"],
  [
    "START_TIME(%x_%X_%r_%h_%U_%u_%w_%C_%G_%g_%V_%k_%l_%N)",
    "11/21/26_14:21:08_02:21:08 PM_Nov_46_6_6_20_2026_26_47_14_ 2_%N",
  ],
  ["START_TIME(%Ez_%E3S_%E*S_%E4Y)", "+00:00_08.437_08.43792_2026"],
  ["START_TIME(%Y%%)", "2026%"],
  ["START_TIME(%q)", "%q"],
  ["EMIT_TIME", "2026-11-21T14:21:08.544Z"],
  ["BYTES_RECEIVED", "4"],
  ["BYTES_SENT", "5"],
  ["BYTES_RETRANSMITTED", "0"],
  ["PACKETS_RETRANSMITTED", "0"],
  ["PROTOCOL", "HTTP/1.1"],
  ["PROTOCOL()", "HTTP/1.1"],
  ["UPSTREAM_PROTOCOL", "HTTP/1.1"],
  ["RESPONSE_CODE", "200"],
  ["RESPONSE_CODE_DETAILS", "via_upstream"],
  ["CONNECTION_TERMINATION_DETAILS", "-"],
  ["RESPONSE_TRAILERS_BYTES", "0"],
  ["UPSTREAM_REQUEST_ATTEMPT_COUNT", "1"],
  ["UPSTREAM_WIRE_BYTES_SENT", "301"],
  ["UPSTREAM_WIRE_BYTES_RECEIVED", "127"],
  ["UPSTREAM_HEADER_BYTES_SENT", "265"],
  ["UPSTREAM_HEADER_BYTES_RECEIVED", "99"],
  ["DOWNSTREAM_WIRE_BYTES_SENT", "129"],
  ["DOWNSTREAM_WIRE_BYTES_RECEIVED", "185"],
  ["DOWNSTREAM_HEADER_BYTES_SENT", "105"],
  ["DOWNSTREAM_HEADER_BYTES_RECEIVED", "142"],
  ["DURATION", "6"],
  ["COMMON_DURATION(DS_RX_BEG:US_TX_END:us)", "683"],
  ["COMMON_DURATION(DS_RX_BEG:DS_TX_END:ms)", "6"],
  ["COMMON_DURATION(DS_RX_BEG:DS_TX_END)", "6"],
  ["COMMON_DURATION(US_CX_BEG:US_CX_END:us)", "42"],
  ["COMMON_DURATION(DS_CX_BEG:DS_CX_END:us)", "-"],
  ["REQUEST_DURATION", "0"],
  ["REQUEST_TX_DURATION", "0"],
  ["RESPONSE_DURATION", "5"],
  ["ROUNDTRIP_DURATION", "-"],
  ["RESPONSE_TX_DURATION", "0"],
  ["DOWNSTREAM_HANDSHAKE_DURATION", "-"],
  ["UPSTREAM_CONNECTION_POOL_READY_DURATION", "0"],
  ["RESPONSE_FLAGS", "-"],
  ["RESPONSE_FLAGS_LONG", "-"],
  ["ROUTE_NAME", "rt"],
  ["VIRTUAL_CLUSTER_NAME", "-"],
  ["UPSTREAM_HOST", "127.0.0.1:18090"],
  ["UPSTREAM_HOST_NAME", "one.example"],
  ["UPSTREAM_HOST_NAME_WITHOUT_PORT", "one.example"],
  ["UPSTREAM_CLUSTER", "a"],
  ["UPSTREAM_CLUSTER_RAW", "a"],
  ["UPSTREAM_LOCAL_ADDRESS", "127.0.0.1:51642"],
  ["UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", "127.0.0.1"],
  ["UPSTREAM_LOCAL_PORT", "51642"],
  ["UPSTREAM_REMOTE_ADDRESS", "127.0.0.1:18090"],
  ["UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(16)", "127.0.0.0/16"],
  ["UPSTREAM_REMOTE_PORT", "18090"],
  ["UPSTREAM_TRANSPORT_FAILURE_REASON", "-"],
  ["DOWNSTREAM_TRANSPORT_FAILURE_REASON", "-"],
  ["DOWNSTREAM_REMOTE_ADDRESS", "127.0.0.1:55000"],
  ["DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", "127.0.0.1"],
  ["DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(8)", "127.0.0.0/8"],
  ["DOWNSTREAM_REMOTE_PORT", "55000"],
  ["DOWNSTREAM_DIRECT_REMOTE_ADDRESS", "127.0.0.1:55000"],
  ["DOWNSTREAM_LOCAL_ADDRESS", "127.0.0.1:18080"],
  ["DOWNSTREAM_DIRECT_LOCAL_PORT", "18080"],
  ["CONNECTION_ID", "1"],
  ["UPSTREAM_CONNECTION_ID", "2"],
  ["STREAM_ID", "480b62e9-8997-4347-a9e8-7265667f13a0"],
  ["GRPC_STATUS", "-"],
  ["GRPC_STATUS_NUMBER", "-"],
  ["REQ(:PATH)", "/p/q?a=1%202&b"],
  ["REQ(X-NONE?:METHOD)", "POST"],
  ["REQ(X-DUP)", "1"],
  ["REQ(X-NONE?)", "-"],
  ["REQUEST_HEADER(:AUTHORITY):4", "loca"],
  ["REQ(:AUTHORITY):0", ""],
  ["RESP(CONTENT-LENGTH)", "5"],
  ["RESP(:STATUS)", "200"],
  ["TRAILER(x)", "-"],
  ["DYNAMIC_METADATA(a)", "-"],
  ["DYNAMIC_METADATA(a:b)", "-"],
  ["CLUSTER_METADATA(a)", "-"],
  ["UPSTREAM_METADATA(envoy.lb)", '{"canary":true,"n":3,"o":{"a":[1,null,"x"],"z":1},"s":"abcdef"}'],
  ["UPSTREAM_METADATA(envoy.lb:n)", "3"],
  ["UPSTREAM_METADATA(envoy.lb:canary)", "true"],
  ["UPSTREAM_METADATA(envoy.lb:o)", '{"a":[1,null,"x"],"z":1}'],
  ["UPSTREAM_METADATA(envoy.lb:o:z)", "1"],
  ["METADATA(UPSTREAM_HOST:envoy.lb:s):2", "ab"],
  ["METADATA(ROUTE:r:k)", "v"],
  ["METADATA(VIRTUAL_HOST:r:k)", "-"],
  ["METADATA(LISTENER:r:k)", "-"],
  ["FILTER_STATE(a)", "-"],
  ["FILTER_STATE(a:PLAIN)", "-"],
  ["REQUESTED_SERVER_NAME", "-"],
  ["REQUESTED_SERVER_NAME(SNI_FIRST)", "localhost:18080"],
  ["DOWNSTREAM_LOCAL_URI_SAN", "-"],
  ["DOWNSTREAM_PEER_SUBJECT", "-"],
  ["DOWNSTREAM_TLS_VERSION", "-"],
  ["HOSTNAME", "vm"],
  ["LOCAL_REPLY_BODY", ""],
  ["FILTER_CHAIN_NAME", "-"],
  ["ACCESS_LOG_TYPE", "DownstreamEnd"],
  ["ENVIRONMENT(NOPE_X)", "-"],
  ["ENVIRONMENT(PATH):3", "/us"],
  ["TRACE_ID", "-"],
  ["QUERY_PARAM(a)", "1 2"],
  ["QUERY_PARAM(b)", ""],
  ["QUERY_PARAM(c)", "-"],
  ["QUERY_PARAMS", "a=1%202&b"],
  ["QUERY_PARAMS(DECODED)", "a=1%202&b"],
  ["PATH", "/p/q?a=1%202&b"],
  ["PATH(NQ)", "/p/q"],
  ["PATH(WQ:ORIG)", "-"],
  ["REQ_WITHOUT_QUERY(:path)", "/p/q"],
  ['COALESCE({"operators":["REQUESTED_SERVER_NAME",{"command":"REQ","param":":authority"}]})', "localhost:18080"],
  ["UPSTREAM_SERVER_NAME", "-"],
];

for (const [command, expected] of RECORDED) {
  test(`%${command}%`, () => assert.is(line(`%${command}%`), expected));
}

test("the default format", () => {
  const input = proxiedStream();
  input.requestHeaders.add("user-agent", "curl/7.88.1");
  input.responseHeaders.add("x-envoy-upstream-service-time", "5");
  assert.is(
    line(DEFAULT_FORMAT, input),
    '[2026-11-21T14:21:08.437Z] "POST /p/q?a=1%202&b HTTP/1.1" 200 - 4 5 6 5 "-" "curl/7.88.1" "-" "localhost:18080" ' +
      '"127.0.0.1:18090"\n',
  );
});

test("a stream without upstream", () => {
  const input = proxiedStream();
  input.info.upstream = null;
  assert.is(
    line("%UPSTREAM_HOST% %UPSTREAM_CONNECTION_ID% %UPSTREAM_WIRE_BYTES_SENT% %RESPONSE_DURATION%", input),
    "- 0 0 -",
  );
});

test("flags, short and long, in the order in which they were set", () => {
  const input = proxiedStream();
  input.info.setFlag("UF");
  input.info.setFlag("URX");
  input.info.setFlag("OM");
  assert.is(
    line("%RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG%", input),
    "UF,URX,OM UpstreamConnectionFailure,UpstreamRetryLimitExceeded,OverloadManagerTerminated",
  );
});

test("details have no spaces unless asked for", () => {
  const input = proxiedStream();
  input.info.responseCodeDetails = "a b\tc\x1b";
  assert.is(
    line("%RESPONSE_CODE_DETAILS% %RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)%", input),
    "a_b_c\\x1b a b\\x09c\\x1b",
  );
});

test("the gRPC status comes from trailers, headers, or the HTTP status of a gRPC call", () => {
  const input = proxiedStream();
  input.requestHeaders.set("content-type", "application/grpc+proto");
  const text = (): string => line("%GRPC_STATUS% %GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS_NUMBER%", input);
  assert.is(text(), "Unknown UNKNOWN 2");
  input.info.responseCode = 503;
  assert.is(text(), "Unavailable UNAVAILABLE 14");
  input.responseHeaders.set("grpc-status", "3");
  assert.is(text(), "InvalidArgument INVALID_ARGUMENT 3");
  const trailers = HeaderMap.of({ "grpc-status": "99" });
  assert.is(line("%GRPC_STATUS% %GRPC_STATUS_NUMBER%", { ...input, responseTrailers: trailers }), "99 99");
});

test("decoded queries keep to one word of one line", () => {
  const input = proxiedStream();
  input.requestHeaders.path = "/?a=1+2%41&b=%42%20x&c=%0a#f";
  assert.is(
    line("%QUERY_PARAMS(DECODED)% %QUERY_PARAM(a)% %QUERY_PARAM(c)%", input),
    "a=1+2A&b=B%20x&c=%0a 1+2A \\x0a",
  );
});

test("what a filter leaves cannot forge a line", () => {
  const input = proxiedStream();
  input.info.mergeDynamicMetadata("ns", { k: 'a\r\n[2026] "GET', größe: "ü" });
  input.info.filterState.set("wasm.k", { value: new TextEncoder().encode("x\ny"), readOnly: false });
  assert.is(line("%DYNAMIC_METADATA(ns:k)%", input), 'a\\x0d\\x0a[2026] "GET');
  assert.is(line("%DYNAMIC_METADATA(ns:k):1%", input), "a");
  assert.is(line("%FILTER_STATE(wasm.k:PLAIN)%|%FILTER_STATE(wasm.k)%", input), 'x\\x0ay|"eAp5"');
  assert.is(line("%DYNAMIC_METADATA(ns:größe)%", input), "\xc3\xbc");
});

test("addresses are masked to a prefix", () => {
  const input = proxiedStream();
  const masked = (address: string, bits: number): string => {
    input.info.remoteAddress = { address, port: 1, text: address };
    return line(`%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(${bits})%`, input);
  };
  assert.is(masked("10.1.10.23", 12), "10.0.0.0/12");
  assert.is(masked("10.1.10.23", 0), "0.0.0.0/0");
  assert.is(masked("10.1.10.23", 33), "-");
  assert.is(masked("2001:db8:1234:5678:9abc:def0:1234:5678", 64), "2001:db8:1234:5678::/64");
  assert.is(masked("::ffff:10.1.2.3", 112), "::ffff:a01:0/112");
  assert.is(masked("::1", 128), "::1/128");
  assert.is(masked("/run/a.sock", 8), "-");
});

test("facts of a TLS session", () => {
  const input = proxiedStream();
  input.info.connection.requestedServerName = "a.example!";
  input.info.connection.tls = {
    version: "TLSv1.3",
    cipherSuite: "TLS_AES_128_GCM_SHA256",
    peerCertificatePresented: true,
    peerCertificateValidated: true,
    subjectPeerCertificate: "CN=peer,O=x",
    subjectLocalCertificate: "CN=local",
    uriSanPeerCertificate: ["spiffe://a", "spiffe://b"],
    uriSanLocalCertificate: [],
    dnsSanPeerCertificate: ["p.example"],
    dnsSanLocalCertificate: ["l.example"],
    sha256PeerCertificateDigest: "ab12",
    peerCertificatePem: "-----BEGIN A-----\n",
  };
  assert.is(
    line(
      "%REQUESTED_SERVER_NAME% %DOWNSTREAM_TLS_VERSION% %DOWNSTREAM_TLS_CIPHER% %DOWNSTREAM_PEER_SUBJECT% " +
        "%DOWNSTREAM_PEER_URI_SAN% %DOWNSTREAM_LOCAL_URI_SAN% %DOWNSTREAM_PEER_FINGERPRINT_256% %DOWNSTREAM_PEER_CERT%",
      input,
    ),
    "a.example_ TLSv1.3 TLS_AES_128_GCM_SHA256 CN=peer,O=x spiffe://a,spiffe://b - ab12 -----BEGIN%20A-----%0A",
  );
});

test("of a stream that goes on, the duration is the time so far", () => {
  const input = proxiedStream();
  const world = formatWorld();
  const { format } = compileFormat("%DURATION%", world);
  const open = { ...input, info: Object.assign(input.info, { endMs: -1 }) };
  assert.is(format(open), "7");
});

test("absent values are nothing with omitEmptyValues, as in header values", () => {
  const { format } = compileFormat("a%REQ(nope)%b%RESPONSE_FLAGS%", formatWorld(), { omitEmptyValues: true });
  assert.is(format(proxiedStream()), "ab-");
});

test("literal text: %% and UTF-8", () => {
  assert.is(line("100%% ü%%%PROTOCOL%%%"), "100% \xc3\xbc%HTTP/1.1%");
  assert.is(line("plain"), "plain");
  assert.is(line(""), "");
});

const PROBLEMS: readonly (readonly [string, string, number, string])[] = [
  ["%FOO%", "format/unknown-command", 0, 'there is no command "FOO"'],
  ["a %RESPONSE_CDE%", "format/unknown-command", 2, 'there is no command "RESPONSE_CDE"'],
  ["%", "format/syntax", 0, '"%" at position 0 begins no command'],
  ["a % b", "format/syntax", 2, '"%" at position 2 begins no command'],
  ["%%%", "format/syntax", 2, '"%" at position 2 begins no command'],
  ["%REQ(a)x%", "format/syntax", 0, '"%" at position 0 begins no command'],
  ["%REQ(a):x%", "format/syntax", 0, '"%" at position 0 begins no command'],
  ["%req(a)%", "format/syntax", 0, '"%" at position 0 begins no command'],
  ["%START_TIME(%Y)", "format/syntax", 0, '"%" at position 0 begins no command'],
  ["%REQ%", "format/bad-parameter", 0, "REQ requires a parameter"],
  ["%REQ()%", "format/bad-parameter", 0, "REQ requires a parameter"],
  ["%REQ(a?b?c)%", "format/bad-parameter", 0, 'more than one alternative header in "a?b?c"'],
  ["%REQ(A B)%", "format/bad-parameter", 0, '"a b" is no header name'],
  ["%DURATION(x)%", "format/bad-parameter", 0, "DURATION takes no parameter"],
  ["%DURATION:3%", "format/bad-parameter", 0, "DURATION takes no length"],
  ["%START_TIME:3%", "format/bad-parameter", 0, "START_TIME takes no length"],
  ["%UPSTREAM_METADATA(a):3%", "format/bad-parameter", 0, "UPSTREAM_METADATA takes no length"],
  ["%START_TIME(%n)%", "format/bad-parameter", 0, "a time format holds no newline or tab"],
  ["%FILTER_STATE(a:FOO)%", "format/bad-parameter", 0, 'FILTER_STATE knows no form "FOO"; expected PLAIN or TYPED'],
  [
    "%GRPC_STATUS(X)%",
    "format/bad-parameter",
    0,
    'GRPC_STATUS knows no "X"; expected CAMEL_STRING, SNAKE_STRING or NUMBER',
  ],
  [
    "%COMMON_DURATION(DS_RX_BEG:US_TX_END:s)%",
    "format/bad-parameter",
    0,
    'COMMON_DURATION knows no precision "s"; expected ms, us or ns',
  ],
  ["%COMMON_DURATION(A:US_TX_END)%", "format/bad-parameter", 0, 'COMMON_DURATION knows no time point "A"'],
  ["%PATH(X)%", "format/bad-parameter", 0, 'PATH knows no "X"; expected WQ or NQ'],
  ["%QUERY_PARAMS(X)%", "format/bad-parameter", 0, 'QUERY_PARAMS knows no "X"; expected ORIG or DECODED'],
  ["%METADATA(FOO:a)%", "format/bad-parameter", 0, 'METADATA knows no type "FOO"'],
  [
    "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(129)%",
    "format/bad-parameter",
    0,
    '"129" is no prefix length; expected 0 to 128',
  ],
  ["%COALESCE({})%", "format/bad-parameter", 0, 'COALESCE needs a list "operators"'],
  ['%COALESCE({"operators":["FOO"]})%', "format/unknown-command", 0, 'there is no command "FOO"'],
  [
    "%CEL(1)%",
    "format/bad-parameter",
    0,
    "expressions are there for formats that are in the configuration itself",
  ],
  [
    "%DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256%",
    "format/unsupported-command",
    0,
    "DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256 needs this fact of TLS sessions, which nuncio does not have",
  ],
];

for (const [format, code, position, message] of PROBLEMS) {
  test(`refuses ${format}`, () => {
    const { problems } = compileFormat(format, formatWorld());
    assert.equal(problems.map((problem) => [problem.code, problem.position, problem.message]), [[
      code,
      position,
      message,
    ]]);
  });
}

test("all problems of a format come at once, with the nearest name", () => {
  const { problems } = compileFormat("%RESPONSE_CODES% %PROTOCOL% %REQ% %", formatWorld());
  assert.equal(problems.map((problem) => problem.position), [0, 28, 34]);
  assert.is(problems[0]!.help, "a command with a similar name exists: RESPONSE_CODE");
});

test("whatever a format is, it compiles to something or has a problem inside it", () => {
  const pieces = [
    "%",
    "%%",
    "(",
    ")",
    ":",
    "?",
    "REQ",
    "START_TIME",
    "COALESCE",
    '{"operators":["PROTOCOL"]}',
    "%3f",
    "12",
    "ü",
    "\n",
    "%PROTOCOL%",
  ];
  const format = fc.array(fc.oneof(fc.constantFrom(...pieces, ...commandNames()), fc.string()), { maxLength: 8 });
  fc.assert(
    fc.property(format, (parts) => {
      const text = parts.join("");
      const compiled = compileFormat(text, formatWorld());
      if (compiled.problems.length === 0) return typeof compiled.format(proxiedStream()) === "string";
      return compiled.problems.every(({ position, message }) => text[position] === "%" && message !== "");
    }),
    { seed: 7, numRuns: 2000 },
  );
});

test("no command is the name of a property of every object", () => {
  assert.is(compileFormat("%TOSTRING%%CONSTRUCTOR%", formatWorld()).problems.length, 2);
  assert.ok(commandNames().length > 90, String(commandNames().length));
});

test.run();
