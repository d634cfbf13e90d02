// test/conformance/differential/differences.ts: where nuncio does something else than Envoy, and why.
/**
 * A difference is exact: `apply` makes what Envoy did into what nuncio must do, and the test fails where
 * there is no difference any more. `docs/differences_from_envoy.md` is written from this list.
 *
 * @module
 */
import type { Message, Observation } from "./exchange.ts";

/** A difference that is meant. */
export interface Difference {
  readonly title: string;
  /** `group: exchange`, of those that show it; none where it shows in no exchange. */
  readonly cases: readonly string[];
  readonly envoy: string;
  readonly nuncio: string;
  readonly reason: string;
  /** Makes what Envoy did into what nuncio does. */
  readonly apply?: (recorded: Observation) => Observation;
  /** What each of the cases adds to statistics of its group, besides what it adds in Envoy. */
  readonly stats?: Readonly<Record<string, number>>;
}

/** The same change of a cluster's response counts, of all and of those that came from outside. */
function responses(changes: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(changes).flatMap(([name, change]) => [
      [`cluster.u.upstream_rq_${name}`, change],
      [`cluster.u.external.upstream_rq_${name}`, change],
    ]),
  );
}

/** The same change of a connection manager's response counts, of all and of those of its listener. */
function answers(manager: string, changes: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(changes).flatMap(([name, change]) => [
      [`http.${manager}.downstream_rq_${name}`, change],
      [`listener.@${manager}@.http.${manager}.downstream_rq_${name}`, change],
    ]),
  );
}

/** What a journal says: the last body, as lines. */
function withJournal(change: (lines: readonly string[]) => readonly string[]): NonNullable<Difference["apply"]> {
  return (recorded) => {
    const message = recorded.client.at(-1) as Message;
    const body = change(message.body!.split("\n").filter((line) => line !== "")).map((line) => `${line}\n`).join("");
    const head = message.head.map((line) => line.replace(/^content-length: \d+/, `content-length: ${body.length}`));
    const log = recorded.log.map((line) => line.replace(/ tx=\d+ /, ` tx=${body.length} `));
    return { ...recorded, client: [...recorded.client.slice(0, -1), { ...message, head, body }], log };
  };
}

/** A 400 and a closed connection where Envoy passed the request on, and answered 200. */
const REFUSED_STATS: Readonly<Record<string, number>> = {
  ...responses({ "200": -1, "2xx": -1, "completed": -1 }),
  ...answers("main", { "2xx": -1, "4xx": 1 }),
  "cluster.u.upstream_rq_total": -1,
  "http.main.downstream_cx_destroy_local": 1,
  "http.main.downstream_cx_destroy_remote": -1,
  "http.main.downstream_cx_protocol_error": 1,
  "http.main.downstream_rq_response_before_rq_complete": 1,
  "http.main.downstream_rq_rx_reset": 1,
  "http.main.rq_total": -1,
};

/** A 502 where Envoy passed the response on. */
const BAD_GATEWAY_STATS: Readonly<Record<string, number>> = {
  ...responses({ "502": 1, "5xx": 1 }),
  ...answers("main", { "5xx": 1 }),
  "cluster.u.upstream_cx_destroy_local_with_active_rq": 1,
  "cluster.u.upstream_cx_destroy_with_active_rq": 1,
};

const BAD_REQUEST: Message = {
  head: [
    "HTTP/1.1 400 Bad Request",
    "content-length: 11",
    "content-type: text/plain",
    "date: (date)",
    "server: envoy",
    "connection: close",
  ],
  body: "Bad Request",
};

/** The request is refused before it is one. */
function refused(recorded: Observation): Observation {
  return {
    name: recorded.name,
    client: [BAD_REQUEST, "closed"],
    upstreams: [],
    log: [
      "- - HTTP/1.1 400 flags=DPE details=http1.codec_error rx=0 tx=11 route=- cluster=- host=- attempts=0 closed=-",
    ],
  };
}

/** The upstream's answer is a protocol error. */
function badGateway(recorded: Observation): Observation {
  const body = "upstream connect error or disconnect/reset before headers. reset reason: protocol error";
  return {
    ...recorded,
    client: [
      `bytes ${
        JSON.stringify(
          `HTTP/1.1 502 Bad Gateway\r\ncontent-length: ${body.length}\r\ncontent-type: text/plain\r\n` +
            "date: (date)\r\nserver: envoy\r\n\r\n",
        )
      }`,
    ],
    log: recorded.log.map((line) =>
      line
        .replace(
          / \d+ flags=- details=via_upstream /,
          " 502 flags=UPE details=upstream_reset_before_response_started{protocol_error} ",
        )
        .replace(/ tx=\d+ /, ` tx=${body.length} `)
    ),
  };
}

/** The probe's answer with other lines; the length of the answer stands in its head and in the log. */
function probeAnswers(lines: readonly string[]): (recorded: Observation) => Observation {
  return (recorded) => {
    const body = `${lines.join("\n")}\n`;
    const [answer, ...rest] = recorded.client as [Message, ...(Message | string)[]];
    const head = answer.head.map((line) => line.replace(/^content-length: .*/, `content-length: ${body.length}`));
    return {
      ...recorded,
      client: [{ ...answer, head, body }, ...rest],
      log: recorded.log.map((line) => line.replace(/ tx=\d+ /, ` tx=${body.length} `)),
    };
  };
}

/** The fields of an upstream's 200 with two bytes. */
const OK_FIELDS: readonly string[] = [
  ":status: 200",
  "content-length: 2",
  "x-envoy-upstream-service-time: (ms)",
  "date: (date)",
  "server: envoy",
];

/** The client is told why its connection ends. */
function withGoAway(code: string): NonNullable<Difference["apply"]> {
  return (recorded) => ({ ...recorded, client: [...recorded.client.slice(0, -1), `GOAWAY 1 ${code}`, "closed"] });
}

export const DIFFERENCES: readonly Difference[] = [
  {
    title: "Lines end with CR LF",
    cases: ["bad_requests: lines that end with a line feed alone"],
    envoy: "takes a line feed alone for the end of a line",
    nuncio: "answers 400 and closes",
    reason:
      "proxies and servers that disagree on where a head ends can be made to see different requests (RFC 9112 §2.2)",
    apply: refused,
    stats: REFUSED_STATS,
  },
  {
    title: "A carriage return inside a line",
    cases: ["bad_requests: a carriage return in a value"],
    envoy: "removes it from the value",
    nuncio: "answers 400 and closes",
    reason:
      "what it means depends on who reads it (RFC 9112 §2.2); a value that is changed silently is no value that was sent",
    apply: refused,
    stats: REFUSED_STATS,
  },
  {
    title: "Folded header lines",
    cases: ["bad_requests: a folded line"],
    envoy: "joins the lines with the spaces between them",
    nuncio: "answers 400 and closes",
    reason:
      "folding is obsolete, and a server must refuse it or replace it (RFC 9112 §5.2); it hides fields from those who do not know it",
    apply: refused,
    stats: REFUSED_STATS,
  },
  {
    title: "Two Host headers",
    cases: ["bad_requests: two Hosts"],
    envoy: "passes on `host: a.example,b.example`",
    nuncio: "answers 400 and closes",
    reason: "a server must refuse them (RFC 9112 §3.2): which one counts decides who is asked",
    apply: refused,
    stats: REFUSED_STATS,
  },
  {
    title: "A chunk with more bytes than its size",
    cases: ["bad_requests: a chunk that is longer than it says"],
    envoy: "drops the bytes up to the next line end and goes on",
    nuncio: "answers 400, closes, and does not complete the request at the upstream",
    reason:
      "what follows a chunk is CR LF (RFC 9112 §7.1); bytes that one side drops are what request smuggling is made of",
    apply: (recorded) => ({
      ...recorded,
      client: [BAD_REQUEST, "closed"],
      upstreams: recorded.upstreams.map((seen) => ({ ...seen, request: { ...seen.request!, cut: true as const } })),
      log: recorded.log.map((line) =>
        line.replace(
          " 200 flags=- details=via_upstream rx=1 tx=2 ",
          " 400 flags=DPE details=http1.codec_error rx=1 tx=11 ",
        )
      ),
    }),
    stats: {
      ...REFUSED_STATS,
      "cluster.u.upstream_rq_total": 0,
      "http.main.rq_total": 0,
      "cluster.u.upstream_cx_destroy": 1,
      "cluster.u.upstream_cx_destroy_local": 1,
      "cluster.u.upstream_cx_destroy_local_with_active_rq": 1,
      "cluster.u.upstream_cx_destroy_with_active_rq": 1,
    },
  },
  {
    title: "Chunks in HTTP/1.0",
    cases: ["protocol_options: HTTP/1.0: chunks"],
    envoy: "takes the chunks of an HTTP/1.0 request where `accept_http_10` is on",
    nuncio: "answers 400 and closes",
    reason:
      "HTTP/1.0 knows no chunks: a server must take such framing for faulty (RFC 9112 §6.1), as proxies on the way may have read it otherwise",
    apply: refused,
    stats: {
      ...responses({ "200": -1, "2xx": -1, "completed": -1 }),
      ...answers("old", { "2xx": -1, "4xx": 1 }),
      "cluster.u.upstream_rq_total": -1,
      "http.old.downstream_cx_protocol_error": 1,
      "http.old.downstream_rq_response_before_rq_complete": 1,
      "http.old.downstream_rq_rx_reset": 1,
      "http.old.rq_total": -1,
    },
  },
  {
    title: "A length in the answer to CONNECT",
    cases: ["tunnels: forwarded: accepted with a length", "tunnels: an answer of the proxy's own"],
    envoy: "passes on the `content-length` of a 2xx answer to CONNECT, and writes one into its own",
    nuncio: "leaves it out",
    reason: "such an answer has no body, and must not have the header (RFC 9110 §9.3.6): bytes of the tunnel follow",
    apply: (recorded) => ({
      ...recorded,
      client: recorded.client.map((each) =>
        typeof each === "string" ? each.replace(/content-length: \d\\r\\n/, "") : each
      ),
    }),
  },
  {
    title: "Upgrades of requests with a body",
    cases: ["tunnels: an upgrade with a body"],
    envoy: "passes the upgrade on, but not the body, until the upstream has switched, which may wait for the body",
    nuncio: "passes the request on as one without an upgrade",
    reason:
      "a server may ignore an upgrade (RFC 9110 §7.8), and so it is always clear where the body ends and what follows it",
    apply: (recorded) => ({
      ...recorded,
      client: [{
        head: [
          "HTTP/1.1 200 OK",
          "content-length: 2",
          "x-envoy-upstream-service-time: (ms)",
          "x-added: 1",
          "date: (date)",
          "server: envoy",
        ],
        body: "ok",
      }],
      upstreams: recorded.upstreams.map((seen) => ({
        ...seen,
        request: {
          head: seen.request!.head.filter((line) => !/^(connection|upgrade):/.test(line)),
          body: "body",
        },
      })),
      log: recorded.log.map((line) =>
        line.replace("504 flags=UT details=response_timeout rx=4 tx=24", "200 flags=- details=via_upstream rx=4 tx=2")
      ),
    }),
    stats: {
      ...responses({ "200": 1, "2xx": 1, "504": -1, "5xx": -1 }),
      ...answers("main", { "2xx": 1, "5xx": -1 }),
      "cluster.u.upstream_cx_destroy": -1,
      "cluster.u.upstream_cx_destroy_local": -1,
      "cluster.u.upstream_cx_destroy_local_with_active_rq": -1,
      "cluster.u.upstream_cx_destroy_with_active_rq": -1,
      "cluster.u.upstream_rq_timeout": -1,
      "http.main.downstream_cx_upgrades_total": -1,
      "http.main.downstream_rq_response_before_rq_complete": -1,
      "http.main.downstream_rq_rx_reset": -1,
    },
  },
  {
    title: "Bytes behind an upgrade that is refused",
    cases: ["tunnels: bytes behind an upgrade that is refused"],
    envoy: "counts them in `%BYTES_RECEIVED%`, and drops them",
    nuncio: "drops them",
    reason: "they are no body of the request, and there is no tunnel that they were for",
    apply: (recorded) => ({ ...recorded, log: recorded.log.map((line) => line.replace("rx=28", "rx=0")) }),
  },
  {
    title: "Expressions in trees that choose a cluster",
    cases: [],
    envoy: "takes a `CelMatcher` in the tree of a `MatcherClusterSpecifier`, and dies at the first request",
    nuncio: "evaluates it",
    reason: "a request must not end the process",
  },
  {
    title: "Texts that are added in expressions",
    cases: ["expressions: as text", "expressions: as JSON"],
    envoy: "has no value for `a + b` where both are texts",
    nuncio: "adds them",
    reason: "the language has it, and its other implementations do it; how large a text can get is limited",
    apply: (recorded) => ({
      ...recorded,
      log: recorded.log.map((line) =>
        line.replace(" | - | one,two", " | GETa.example | one,two").replaceAll('CEL02":null', 'CEL02":"GETa.example"')
      ),
    }),
  },
  {
    title: "Records of mirrors in the router's access log",
    cases: ["upstream_logs: a mirror"],
    envoy: "writes one for each copy of a request, too (`upstream_log`)",
    nuncio: "writes those of the request's own attempts",
    reason: "nothing in such a record tells it from one of an attempt whose response the client has",
    apply: (recorded) => ({ ...recorded, log: recorded.log.filter((line) => !line.includes(" cluster=s ")) }),
  },
  {
    title: "`reject_connect_request_early_data` in HTTP/1",
    cases: ["router_options: data behind CONNECT"],
    envoy: "answers 400 when there is data before the upstream has answered",
    nuncio: "does so in HTTP/2; in HTTP/1 the data waits for that answer, with the option or without",
    reason: "no upstream gets data that it has not agreed to, which is what the option is for",
    apply: (recorded) => ({
      ...recorded,
      client: [{ head: ["HTTP/1.1 200 OK", "x-route: 1", "date: (date)", "server: envoy"] }],
      log: recorded.log.map((line) =>
        line.replace("400 flags=- details=early_connect_data", "200 flags=DC details=downstream_remote_disconnect")
      ),
    }),
    stats: {
      ...responses({ "200": 1, "2xx": 1, "completed": 1 }),
      ...answers("early", { "2xx": 1, "4xx": -1 }),
      "http.early.downstream_cx_destroy_active_rq": 1,
      "http.early.downstream_cx_destroy_local": -1,
      "http.early.downstream_cx_destroy_remote": 1,
      "http.early.downstream_cx_destroy_remote_active_rq": 1,
    },
  },
  {
    title: "A connection manager without filters",
    cases: [],
    envoy: "takes an empty `http_filters`; requests get no answer",
    nuncio: "refuses the configuration",
    reason: "there is nothing that it could be good for; the router was forgotten",
  },
  {
    title: "White space in a first line",
    cases: [],
    envoy: "takes several spaces, or tabs, for the one between the parts of a request line or a status line",
    nuncio: "answers 400 and closes; after such a status line 502",
    reason: "who splits such a line at another place sees another target (RFC 9112 §3)",
  },
  {
    title: "Versions that are neither HTTP/1.0 nor HTTP/1.1",
    cases: [],
    envoy: "takes them, and requests without a version, for HTTP/1.0 where `accept_http_10` is on",
    nuncio: "answers 426",
    reason: "what a message of an unknown version means, nobody knows; a minor one above 1 would be more, not less",
  },
  {
    title: "100 Continue before a refusal",
    cases: [],
    envoy: "tells clients to send the body also of a request that it then refuses for its path or its host",
    nuncio: "refuses it at once",
    reason: "nobody takes the body (RFC 9110 §10.1.1)",
  },
  {
    title: "The version of an answer to what is no request",
    cases: [],
    envoy: "says HTTP/1.0 in it where the client did",
    nuncio: "says HTTP/1.1",
    reason: "it is the version of the server (RFC 9110 §2.5)",
  },
  {
    title: "Sizes that cannot be counted",
    cases: [],
    envoy: "takes a chunk size with more than 16 digits or with white space amid them, and lengths up to 2^64; " +
      "passes on leading zeros of `content-length`",
    nuncio: "answers 400 and closes; lengths up to 2^53; leading zeros are left out",
    reason: "no message needs them, and parsers have disagreed on each",
  },
  {
    title: "Dot segments with parameters that are escaped",
    cases: [
      "normalized",
      ...["keep_unchanged", "reject_request", "unescape_and_redirect", "unescape_and_forward"]
        .map((action) => `${action}_all`),
    ].map((name) => `paths: ${name}`),
    envoy: "removes `..;x` as a dot segment, but not where its dots are escaped: it passes `/c/..;/d` on",
    nuncio: "removes both",
    reason: "a path that was made canonical must not be another one when it is made canonical again",
    apply: (recorded) => ({
      ...recorded,
      upstreams: recorded.upstreams.map((seen) => ({
        ...seen,
        request: { ...seen.request!, head: seen.request!.head.map((line) => line.replace("/c/..;/d", "/d")) },
      })),
      log: recorded.log.map((line) => line.replace("/c/..;/d", "/d")),
    }),
  },
  {
    title: "Trees of matchers that choose a cluster",
    cases: [],
    envoy: "ends with a segmentation fault where a `MatcherClusterSpecifier` looks at anything but headers",
    nuncio: "looks at query parameters, addresses, ports, server names and metadata, too",
    reason: "the configuration is one that Envoy accepts",
  },
  {
    title: "A user in a Host",
    cases: [],
    envoy: "passes `Host: user@host` on",
    nuncio: "answers 400 and closes",
    reason: "a Host is a host and a port (RFC 9110 §7.2); who reads it as a URL takes another part for the host",
  },
  {
    title: "A host that a rewrite makes of whitespace, or of bytes above ASCII",
    cases: [],
    envoy: "sends it upstream in `host`",
    nuncio: "answers 503, and the access log's details say that `:authority` has a character that is not allowed in it",
    reason: "the text is often a client's, and what stands behind the whitespace is read as it likes",
  },
  {
    title: "A body of a direct response 204",
    cases: [],
    envoy: "sends it, and its length",
    nuncio: "sends neither",
    reason: "a 204 ends with its head (RFC 9110 §15.3.5): the client would take the body for the next response",
  },
  {
    title: "Bytes above ASCII in an HTTP/2 path",
    cases: [],
    envoy: "passes them on, into the request line of HTTP/1 too",
    nuncio: "ends the connection, as for other bytes that no path may have",
    reason: "HTTP/1 cannot carry them, and Envoy refuses them there",
  },
  {
    title: "Status codes that are none",
    cases: [
      "failures: a status below 100",
      "failures: a status of four digits",
      "failures: a status above 599",
    ],
    envoy: "passes any number on",
    nuncio: "answers 502: the upstream's response is a protocol error",
    reason: "a status has three digits, from 100 to 599 (RFC 9110 §15); clients do all kinds of things with others",
    apply: badGateway,
    stats: {
      ...BAD_GATEWAY_STATS,
      ...responses({ "502": 1, "5xx": 1, "unknown": -1 }),
      "cluster.u.upstream_cx_destroy_local": 1,
      "cluster.u.upstream_cx_destroy_remote": -1,
      "cluster.u.upstream_cx_protocol_error": 1,
    },
  },
  {
    title: "A 101 that nobody asked for",
    cases: ["failures: a 101 that nobody asked for"],
    envoy: "passes it on",
    nuncio: "answers 502: the upstream's response is a protocol error",
    reason:
      "only a client that asked to switch can know what the bytes after a 101 are; others take them for a response of the upstream's making",
    apply: badGateway,
    stats: {
      ...BAD_GATEWAY_STATS,
      ...responses({ "101": -1, "1xx": -1, "502": 1, "5xx": 1 }),
      ...answers("main", { "1xx": -1, "5xx": 1 }),
    },
  },
  {
    title: "Trailers that would change their message",
    cases: ["edge: trailers that would change their message"],
    envoy: "passes any field on in trailers, where trailers are enabled",
    nuncio:
      "leaves out fields that say where a message ends or what it is: `content-length`, `transfer-encoding`, `host`, `connection`, `content-type` and the like",
    reason: "a sender must not put them there (RFC 9110 §6.5.1); who merges trailers into headers would believe them",
    apply: (recorded) => ({
      ...recorded,
      client: recorded.client.map((each) =>
        typeof each === "string" ? each : { ...each, trailers: ["x-down: 1", "set-cookie: a=b"] }
      ),
      upstreams: recorded.upstreams.map((seen) => ({ ...seen, request: { ...seen.request!, trailers: ["x-up: 1"] } })),
    }),
  },
  {
    title: "Several informational responses",
    cases: ["edge: two informational responses"],
    envoy: "passes on the first one, where `proxy_100_continue` is set",
    nuncio: "passes on all of them, up to a limit",
    reason: "there may be more than one (RFC 9110 §15.2), and early hints after a 102 are worth as much as before",
    apply: (recorded) => ({
      ...recorded,
      client: [recorded.client[0]!, { head: ["HTTP/1.1 103 Unknown", "link: l"] }, ...recorded.client.slice(1)],
    }),
    stats: {
      ...responses({ "103": 1, "1xx": 1, "completed": 1 }),
      ...answers("hundred", { "1xx": 1, "completed": 1 }),
    },
  },
  {
    title: "The end of an HTTP/2 connection after an error",
    cases: [
      "http2: 2: a connection-specific field",
      "http2: 2: te that is not trailers",
      "http2: 2: an upper-case name",
      "http2: 2: no path",
      "http2: 2: an empty path",
      "http2: 2: no scheme",
      "http2: 2: nothing says which host",
      "http2: 2: no body where there should be one",
      "http2_upgrades: 2: extended CONNECT is not allowed",
      "http2_upgrades: 2: :protocol without CONNECT",
      "http2_upgrades: 2: extended CONNECT without a path",
      "http2_upgrades: 2: upgrade as a field",
      "http2_tunnels: 2: CONNECT with a path",
    ],
    envoy: "closes the connection without a word",
    nuncio: "sends GOAWAY with the error code before",
    reason: "a peer should learn what was wrong (RFC 9113 §5.4.1)",
    apply: (recorded) => ({ ...recorded, client: [...recorded.client, "GOAWAY 1 PROTOCOL_ERROR"] }),
  },
  {
    title: "The end of an HTTP/2 connection after an error of the upstream",
    cases: ["http2: 2 to 2: no body where there should be one", "http2: 2 to 2: a response without a status"],
    envoy: "closes the connection without a word",
    nuncio: "sends GOAWAY with the error code before",
    reason: "as for clients",
    apply: (recorded) => ({
      ...recorded,
      upstreams: recorded.upstreams.map((seen) => ({ ...seen, goAway: "0 PROTOCOL_ERROR" })),
    }),
    stats: { "cluster.v.http2.goaway_sent": 1 },
  },
  {
    title: "Hosts that are no longer degraded",
    cases: ["health_checks: a host that is degraded is used when there is no other"],
    envoy: "goes on counting them in the gauge health_check.degraded",
    nuncio: "does not",
    reason: "the gauge says how many there are",
    apply: (recorded) => ({
      ...recorded,
      client: recorded.client.map((each) =>
        typeof each === "string"
          ? each.replace(/^success: (\S+) healthy, (\S+) \/failed/, "degraded success: $1 healthy, $2 /failed")
          : each
      ),
    }),
    stats: { "cluster.degraded.health_check.degraded": -1 },
  },
  {
    title: "Connections of health checks whose host wants to go",
    cases: ["health_checks: over HTTP/2", "health_checks: gRPC"],
    envoy: "counts the GOAWAY as upstream_cx_protocol_error when it closes the connection",
    nuncio: "does not",
    reason: "the host did nothing wrong",
    apply: (recorded) => ({
      ...recorded,
      client: recorded.client.map((each) => typeof each === "string" ? each.replace(" protocol_error", "") : each),
    }),
    stats: { "cluster.http2.upstream_cx_protocol_error": -1, "cluster.grpc.upstream_cx_protocol_error": -1 },
  },
  {
    title: "The halves of a tunnel",
    cases: [
      "http2_upgrades: 2 to 1: bytes go both ways",
      "http2_upgrades: 2 to 1: a request that ends with its head",
      "http2_upgrades: generic, 2 to 1: bytes go both ways",
      "http2_upgrades: generic, 2 to 1: another protocol is switched to",
    ],
    envoy:
      "does not tell an upstream that speaks HTTP/1 when the client ends its half of a tunnel in HTTP/2, and resets the stream with CONNECT_ERROR when the upstream ends, even if the client had ended before",
    nuncio: "ends its half of the upstream's connection, too; a tunnel of which both halves ended has ended well",
    reason: "who waits for the end of what it reads, as many protocols do, would wait for ever (RFC 9113 §8.5)",
    apply: (recorded) => ({
      ...recorded,
      client: recorded.client.map((each) => {
        if (typeof each === "string") return each;
        const { reset: _reset, ...rest } = each;
        return rest;
      }),
      upstreams: recorded.upstreams.map((seen) => ({ ...seen, ended: true })),
    }),
    stats: {
      "cluster.u.upstream_cx_destroy_remote_with_active_rq": -1,
      "cluster.u.upstream_cx_destroy_with_active_rq": -1,
      "http.main.downstream_rq_rx_reset": -1,
      "http2.tx_reset": -1,
    },
  },
  {
    title: "An upgrade over HTTP/2 that an HTTP/1 upstream does not switch to, and calls a success",
    cases: ["http2_upgrades: generic, 2 to 1: 200 OK"],
    envoy: "gives the client the response's body, unless WebSocket was asked for",
    nuncio: "ends the response with its head, whatever was asked for",
    reason:
      "to the client a success says that the tunnel stands: it would take the body for the other protocol's (RFC 8441 §5)",
    apply: (recorded) => ({
      ...recorded,
      client: recorded.client.map((each) => {
        if (typeof each === "string") return each;
        const { body: _body, ...rest } = each;
        return { ...rest, head: each.head.filter((line) => !line.startsWith("content-length")) };
      }),
      log: recorded.log.map((line) =>
        line.replace("details=via_upstream rx=0 tx=2", "details=websocket_handshake_unsuccessful rx=0 tx=0")
      ),
    }),
    stats: responses({ "200": -1, "2xx": -1, "completed": -1 }),
  },
  {
    title: "The halves of a CONNECT that is forwarded to HTTP/1",
    cases: ["http2_tunnels: 2 to 1: the client ends its half"],
    envoy:
      "closes the upstream's connection when the client in HTTP/2 ends its half, and resets the client with CONNECT_ERROR",
    nuncio: "ends its half of the upstream's connection, and passes on what still comes",
    reason: "as for upgrades",
    apply: (recorded) => ({
      ...recorded,
      client: recorded.client.map((each) => {
        if (typeof each === "string") return each;
        const { reset: _reset, ...rest } = each;
        return rest;
      }),
    }),
    stats: {
      "cluster.u.upstream_cx_destroy_local": -1,
      "cluster.u.upstream_cx_destroy_local_with_active_rq": -1,
      "cluster.u.upstream_cx_destroy_remote": 1,
      "cluster.u.upstream_cx_destroy_with_active_rq": -1,
      "http.main.downstream_rq_rx_reset": -1,
      "http2.tx_reset": -1,
    },
  },
  {
    title: "A refused upgrade on an HTTP/2 connection",
    cases: ["http2_upgrades: 2: another protocol than the configured", "http2_upgrades: 2: nothing is configured"],
    envoy: "begins to drain the connection",
    nuncio: "goes on",
    reason:
      "in HTTP/1 what follows a refused upgrade cannot be told from its payload; in HTTP/2 it is of another stream, and the other streams have done nothing",
    apply: (recorded) => ({ ...recorded, client: recorded.client.slice(0, 1) }),
  },
  {
    title: "Connections that are cut",
    cases: [],
    envoy: "closes the client's connection about a second after it cut a response",
    nuncio: "closes at once",
    reason: "a client that waits for the rest of a body should know as soon as the proxy does that there is none",
  },
  {
    title: "The last response of a connection that is drained",
    cases: [],
    envoy:
      "says `connection: close` after an idle timeout or `max_connection_duration`, and leaves the connection open until `drain_timeout` is over",
    nuncio: "closes when that response is written",
    reason: "nothing can come on it any more",
  },
  {
    title: "A response that waits for the client, and is reset under overload",
    cases: ["overload_streams: a response of which only the end waits"],
    envoy: "logs the request when the client has the response, or is told that it will not get it: with `OM`",
    nuncio: "logs it when the response is made, as that of any client that reads slowly; the client is told the same",
    reason: "what is logged is over for filters and upstream, and holds no more than its bytes",
    apply: (recorded) => ({
      ...recorded,
      log: recorded.log.map((line) => line.replace("flags=OM details=overload", "flags=- details=via_upstream")),
    }),
    stats: { "http.main.downstream_rq_rx_reset": -1 },
  },
  {
    title: "A guest that fails under FAIL_OPEN",
    cases: ["wasm_plugins: fail open: the trap"],
    envoy: "answers the stream in which it fails with 503, and leaves the filter out of those that follow",
    nuncio: "goes on with that stream, too, unless the guest has taken bytes out of it",
    reason:
      "a filter that may be missing should not cost a request when it breaks; `fail_open: true` does the same in Envoy",
    apply: (recorded) => ({
      ...recorded,
      client: [{
        head: [
          "HTTP/1.1 200 OK",
          "content-length: 2",
          "x-envoy-upstream-service-time: (ms)",
          "date: (date)",
          "server: envoy",
        ],
        body: "ok",
      }],
      upstreams: [{
        upstream: "u",
        request: {
          head: [
            "GET /t HTTP/1.1",
            "host: a.example",
            "x-forwarded-proto: http",
            "x-request-id: (uuid)",
            "x-envoy-expected-rq-timeout-ms: 15000",
          ],
        },
        reused: true,
      }],
      log: [
        "GET /t HTTP/1.1 200 flags=- details=via_upstream rx=0 tx=2 route=all cluster=u host=127.0.0.1:@u@ attempts=1 closed=-",
      ],
    }),
    stats: {
      ...responses({ "200": 1, "2xx": 1, "completed": 1 }),
      ...answers("opened", { "2xx": 1, "5xx": -1 }),
      "cluster.u.upstream_rq_total": 1,
      "http.opened.rq_total": 1,
    },
  },
  {
    title: "The last callbacks of a stream",
    cases: [
      "wasm_plugins: journal: the last callbacks",
      "wasm_plugins: journal: the last callbacks of a refused request",
    ],
    envoy: "calls `proxy_on_log` before `proxy_on_done`, and ends one filter after the other",
    nuncio: "calls `proxy_on_done` of all filters, then `proxy_on_log`, then `proxy_on_delete`",
    reason: "that is the order that proxy-wasm specifies, and that Envoy has for connections without HTTP",
    apply: withJournal((lines) => [
      ...lines.filter((line) => !/ (log|done|delete)$/.test(line)),
      ...["first done", "second done", "first log", "second log", "first delete", "second delete"],
    ]),
  },
  {
    title: "The log of an attempt at an upstream",
    cases: ["wasm_plugins: journal: the last callbacks of an attempt"],
    envoy: "does not call `proxy_on_log` of filters in a cluster's chain",
    nuncio: "calls it as for all streams",
    reason: "the Go SDK tells a filter by it that its stream is over",
    apply: withJournal(() => ["attempt done", "attempt log", "attempt delete"]),
  },
  {
    title: "Who ended the upstream connection",
    cases: ["wasm_l4: journal: the end of the upstream"],
    envoy: "gives `proxy_on_upstream_connection_close` the peer type 0, and calls it for an orderly end only",
    nuncio: "says 2 when the upstream ended or reset it, 1 when the proxy closed it as the client was gone",
    reason: "a filter that keeps account of upstreams must know both",
    apply: withJournal((lines) =>
      lines.map((line) => line.replace("upstream_connection_close 0", "upstream_connection_close 2"))
    ),
  },
  {
    title: "Bytes that a network filter holds back",
    cases: ["wasm_l4: bytes are gathered and changed"],
    envoy: "counts them again in `%BYTES_RECEIVED%` whenever more comes",
    nuncio: "counts them once",
    reason: "the number is of bytes that were received",
    apply: (recorded) => ({ ...recorded, log: recorded.log.map((line) => line.replace("rx=9", "rx=6")) }),
  },
  {
    title: "Looking at a connection's first bytes",
    cases: [],
    envoy:
      "never shows bytes to a network filter that stopped in `proxy_on_new_connection`, unless it goes on by itself; once it did, the upstream was asked already",
    nuncio: "shows them to it, and begins with the filters behind it, and with the upstream, when it lets them pass",
    reason: "to choose or refuse an upstream by what the client says first is what such filters are for",
  },
  {
    title: "Local replies of filters without details",
    cases: [],
    envoy: "logs an empty text for `%RESPONSE_CODE_DETAILS%`",
    nuncio: "logs `-`",
    reason: "an absent fact looks alike everywhere in a log",
  },
  {
    title: "Attributes of headers that were forwarded",
    cases: ["wasm_properties: request afterwards"],
    envoy:
      "does not let a wasm filter read `request.path`, `request.headers`, `response.headers` and the like once the headers have gone on",
    nuncio: "lets it until the stream is over",
    reason: "what a response is worth often depends on what was asked, and the attributes are still there",
    apply: probeAnswers(['0 "/a/b?c=d"', '0 "POST"', '0 "1,2"', "1", "0 0200000000000000"]),
  },
  {
    title: "Attributes by the names that they had before",
    cases: ["wasm_properties: legacy"],
    envoy: "does not know `node`, `cluster_name`, `route_name`, `listener_metadata` and the like any more (since 1.33)",
    nuncio: "gives what is below `xds` under these names too, unless the filter has set a property with such a name",
    reason: "filters that are in use ask by the old names, and documentation shows them",
    apply: probeAnswers([
      "0 0200000000000000",
      "0 0a210a026e73121b0a190a047465787412111a0f6f6620746865206c697374656e6572",
      '0 "u"',
      "0 0a200a026e73121a0a180a047465787412101a0e6f662074686520636c7573746572",
      '0 "all"',
      "0 0a1e0a026e7312180a160a0474657874120e1a0c6f662074686520726f757465",
      "1",
    ]),
  },
  {
    title: "Properties that were set by a path of several parts",
    cases: ["wasm_properties: state by path"],
    envoy: "keeps them, and finds them by no path",
    nuncio: "finds them by the path by which they were set",
    reason: "what is set can be read",
    apply: probeAnswers(['0 ""', "1", '0 "2"', "1"]),
  },
  {
    title: "The end of an HTTP/2 connection with a malformed message",
    cases: [
      "http2_frames: te: gzip",
      "http2_frames: neither host nor :authority",
      "http2_frames: no :method",
      "http2_frames: no :scheme",
      "http2_frames: no :path",
      "http2_frames: an empty :path",
      "http2_frames: a :path without a slash",
      "http2_frames: a :path with a space",
      "http2_frames: two :path",
      "http2_frames: an unknown pseudo-header",
      "http2_frames: a response's pseudo-header",
      "http2_frames: a pseudo-header behind a header",
      "http2_frames: an upper-case name",
      "http2_frames: a name with a space",
      "http2_frames: an empty name",
      "http2_frames: a carriage return in a value",
      "http2_frames: a line feed in a value",
      "http2_frames: NUL in a value",
      "http2_frames: connection",
      "http2_frames: transfer-encoding",
      "http2_frames: upgrade",
      "http2_frames: two lengths",
      "http2_frames: a length that is no number",
      "http2_frames: trailers with a pseudo-header",
      "http2_frames: extended CONNECT that is not allowed",
      "http2_frames: WINDOW_UPDATE by nothing",
      "http2_frames: a stream with an even number",
      "http2_frames: RST_STREAM of an idle stream",
      "http2_frames: PUSH_PROMISE",
    ],
    envoy: "closes it, and says nothing",
    nuncio: "sends GOAWAY with PROTOCOL_ERROR first",
    reason: "a client that is told what it did wrong can be mended (RFC 9113 §5.4.1)",
    apply: withGoAway("PROTOCOL_ERROR"),
  },
  {
    title: "The end of an HTTP/2 connection with a wrong window",
    cases: [
      "http2_frames: a window that is too large",
      "http2_frames: a setting with a wrong value",
    ],
    envoy: "closes it, and says nothing",
    nuncio: "sends GOAWAY with FLOW_CONTROL_ERROR first",
    reason: "a client that is told what it did wrong can be mended (RFC 9113 §5.4.1)",
    apply: withGoAway("FLOW_CONTROL_ERROR"),
  },
  {
    title: "The end of an HTTP/2 connection with a flood of frames",
    cases: ["http2_frames: empty frames"],
    envoy: "closes it, and says nothing",
    nuncio: "sends GOAWAY with ENHANCE_YOUR_CALM first",
    reason: "a client that is told what it did wrong can be mended (RFC 9113 §5.4.1)",
    apply: withGoAway("ENHANCE_YOUR_CALM"),
  },
  {
    title: "HTTP/2 streams above the limit",
    cases: ["http2_frames: more streams than are allowed"],
    envoy: "closes the connection with all its streams",
    nuncio: "refuses the stream with REFUSED_STREAM, so that it may be tried again",
    reason: "the requests that were allowed have nothing to do with the one that was not (RFC 9113 §5.1.2)",
    apply: (recorded) => ({
      name: recorded.name,
      client: [{ head: ["stream 1", ...OK_FIELDS], body: "ok" }, "stream 3: RST_STREAM REFUSED_STREAM"],
      upstreams: recorded.upstreams.map(({ upstream, request, reused }) => ({
        upstream,
        request: { head: request!.head, body: "" },
        ...(reused && { reused }),
      })),
      log: recorded.log.map((line) =>
        line
          .replace("HTTP/2 0 flags=DPE", "HTTP/2 200 flags=-")
          .replace(/details=\S+/, "details=via_upstream")
          .replace("tx=0", "tx=2")
      ),
    }),
    stats: {
      ...responses({ "200": 1, "2xx": 1, "completed": 1 }),
      ...answers("one", { "2xx": 1, "completed": 1 }),
      "cluster.u.upstream_cx_destroy": -1,
      "cluster.u.upstream_cx_destroy_local": -1,
      "cluster.u.upstream_cx_destroy_local_with_active_rq": -1,
      "cluster.u.upstream_cx_destroy_with_active_rq": -1,
      "http.one.downstream_cx_destroy_active_rq": -1,
      "http.one.downstream_cx_destroy_local": -1,
      "http.one.downstream_cx_destroy_local_active_rq": -1,
      "http.one.downstream_cx_destroy_remote": 1,
      "http.one.downstream_cx_protocol_error": -1,
      "http.one.downstream_rq_rx_reset": -1,
      "http2.headers_cb_no_stream": 1,
      "http2.stream_refused_errors": 1,
      "http2.tx_reset": 1,
    },
  },
  {
    title: "HEADERS of an HTTP/2 stream that is over",
    cases: ["http2_frames: a stream number that was passed over"],
    envoy: "drops it",
    nuncio: "ends the connection with STREAM_CLOSED",
    reason: "a client that does so does not know its own streams (RFC 9113 §5.1.1)",
    apply: (recorded) => ({
      ...recorded,
      client: [...recorded.client.slice(0, -1), "GOAWAY 7 STREAM_CLOSED", "closed"],
      log: recorded.log.map((line) =>
        line.replace(
          "flags=DC details=downstream_remote_disconnect",
          "flags=DPE details=codec_error:The_user_callback_function_failed",
        )
      ),
    }),
    stats: {
      "http.main.downstream_cx_destroy_local": 1,
      "http.main.downstream_cx_destroy_local_active_rq": 1,
      "http.main.downstream_cx_destroy_remote": -1,
      "http.main.downstream_cx_destroy_remote_active_rq": -1,
      "http.main.downstream_cx_protocol_error": 1,
    },
  },
  {
    title: "A WebSocket over HTTP/2 that both sides ended",
    cases: ["http2_frames: a WebSocket by extended CONNECT"],
    envoy: "resets the stream with CONNECT_ERROR when the upstream closes",
    nuncio: "ends it with END_STREAM",
    reason: "an orderly end of the upstream's connection is one of the stream, too (RFC 8441 §5)",
    apply: (recorded) => {
      const { cut: _cut, ...answer } = recorded.client[0] as Message;
      return { ...recorded, client: [answer] };
    },
    stats: {
      "cluster.u.upstream_cx_destroy_remote_with_active_rq": -1,
      "cluster.u.upstream_cx_destroy_with_active_rq": -1,
      "http.connect.downstream_rq_rx_reset": -1,
      "http2.tx_reset": -1,
    },
  },
  {
    title: "When the cookie of a session ends",
    cases: [],
    envoy: "writes into the cookie a time of the machine's monotonic clock, which begins anew when that restarts",
    nuncio: "writes seconds since 1970",
    reason: "proxies beside each other, and one after another, must mean the same by it",
  },
  {
    title: "Predictive preconnecting of several clusters",
    cases: ["preconnect: bytes: predictive, beside another cluster's idle connections"],
    envoy: "counts streams and idle connections of all clusters of the worker together",
    nuncio: "counts those of the cluster",
    reason: "idle connections of one cluster would keep another from making any ahead",
    apply: (recorded) => ({
      ...recorded,
      upstreams: ["u", "v", "w"].map((upstream) => ({ upstream, bytes: "" })),
    }),
    stats: {
      "cluster.raw_beside.upstream_cx_destroy": 2,
      "cluster.raw_beside.upstream_cx_destroy_remote": 2,
      "cluster.raw_beside.upstream_cx_total": 2,
    },
  },
  {
    title: "Weights that hosts report",
    cases: [],
    envoy: "makes them of the reports that came to any of its threads; one thread asks hosts for streams of them",
    nuncio: "makes them on each worker of the reports that came to that worker; each worker asks for streams",
    reason: "workers share nothing; with as many requests as make weights worth having, all see the same",
  },
  {
    title: "Attempts that begin at the same time",
    cases: ["hedging: two attempts at once"],
    envoy: "does not read `initial_requests` and `additional_request_chance` of a `hedge_policy`",
    nuncio: "begins as many attempts at once as they say; the first response that no retry would better wins",
    reason: "it is what their description promises",
    apply: (recorded) => ({
      ...recorded,
      client: recorded.client.map((message) =>
        typeof message === "string" ? message : {
          ...message,
          head: message.head.map((line) => line.replace("x-envoy-attempt-count: 1", "x-envoy-attempt-count: 2")),
        }
      ),
      upstreams: [...recorded.upstreams, { ...structuredClone(recorded.upstreams[0]!), ended: true }],
      log: recorded.log.map((line) => line.replace("attempts=1", "attempts=2")),
    }),
    stats: {
      "cluster.u.upstream_cx_destroy": 1,
      "cluster.u.upstream_cx_destroy_local": 1,
      "cluster.u.upstream_cx_destroy_local_with_active_rq": 1,
      "cluster.u.upstream_cx_destroy_with_active_rq": 1,
      "cluster.u.upstream_cx_http1_total": 1,
      "cluster.u.upstream_cx_total": 1,
      "cluster.u.upstream_rq_pending_total": 1,
      "cluster.u.upstream_rq_total": 1,
    },
  },
  {
    title: "Mirrors that are slower than the upstream",
    cases: [],
    envoy: "reads the client's request no faster than its mirrors take it",
    nuncio:
      "sends nothing more to a mirror once more waits for it than its cluster's `per_connection_buffer_limit_bytes`, and counts `retry_or_shadow_abandoned`",
    reason: "a copy that nobody answers for must not slow down who asks",
  },
  {
    title: "Whose requests a retry budget counts",
    cases: [],
    envoy: "counts the requests that `budget_interval` looks back on over all threads",
    nuncio:
      "counts those of each worker for the retries of that worker; requests under way are counted over all workers",
    reason: "workers share counts of what is under way, and no times",
  },
  {
    title: "HTTP/1 connections that are to end",
    cases: [
      "overload: responses end their connection",
      "overload: a point: go away",
      "draining: a response is the connection's last one",
      "draining: so is one that the proxy makes",
    ],
    envoy:
      "says `connection: close` in a drain and under overload, and leaves the closing to the client for the time of `drain_timeout`",
    nuncio: "says it and closes, as after any other response that says it",
    reason: "who says that a connection is over has to end it (RFC 9112 §9.6), and what is scarce is freed",
    apply: (recorded) => ({
      ...recorded,
      client: recorded.client.map((each) => each === "left open" ? "closed" : each),
    }),
    stats: { "http.main.downstream_cx_destroy_local": 1, "http.main.downstream_cx_destroy_remote": -1 },
  },
  {
    title: "Changes of health reach load balancing soon",
    cases: [],
    envoy: "applies the first at once, and gathers those that follow within a second (`update_merge_window`)",
    nuncio:
      "applies them at the end of the turn in which they came about; those of a large cluster within a millisecond for each 50 of its hosts, if `update_merge_window` is not less",
    reason: "the lists of hosts are cheap to make, and a host that is ejected or back is soon known to be so",
  },
  {
    title: "A TCP health check sends what is given as `binary`",
    cases: ["health_checks: its second version"],
    envoy: "sends `text` only",
    nuncio: "sends both",
    reason: "the field is there to be sent, and a host that waits for it answers nothing",
    apply: (recorded) => ({
      ...recorded,
      client: recorded.client.map((seen) =>
        typeof seen === "string" ? seen.replace(/^(bytes ".*)"$/, '$1ping"') : seen
      ),
    }),
  },
  {
    title: "Health of hosts that requests name",
    cases: [],
    envoy:
      "checks the hosts of an ORIGINAL_DST or dynamic forward proxy cluster once for all workers, and ejects outliers for all",
    nuncio: "does so on each worker for the hosts that this worker had requests for",
    reason: "each worker finds these hosts by itself, and no other may know them",
  },
  {
    title: "DNS caches of a dynamic forward proxy",
    cases: [],
    envoy: "has one for all workers",
    nuncio:
      "has one for each worker: `max_hosts` and sub clusters count for each, `max_pending_requests` for all together; each looks names up itself",
    reason: "workers share nothing but counters",
  },
  {
    title: "Dynamic forward proxy without its filter",
    cases: [],
    envoy: "looks a name up while a host is chosen",
    nuncio: "answers 503 UH for names that are not in the cache",
    reason: "choosing a host waits for nothing; the filter does",
  },
  {
    title: "ORIGINAL_DST without a header, metadata or filter state",
    cases: [],
    envoy: "connects to where the client's connection was meant for, if a listener filter restored it",
    nuncio: "does so for PROXY protocol only; otherwise 503 UH",
    reason: "runtimes do not tell the original destination of a redirected connection",
  },
  {
    title: "Endpoints from files",
    cases: [],
    envoy: "reads a file again when it is replaced by a rename, takes one assignment in it, and asks for `node.id`",
    nuncio: "reads it again after any change that has come to rest; takes several assignments, and `named_endpoints`",
    reason: "nothing speaks against it",
  },
  {
    title: "Name servers that refuse datagrams, on Deno",
    cases: [],
    envoy: "asks the next one at once",
    nuncio: "asks the next one after `query_timeout_seconds`; on Node at once",
    reason: "Deno does not tell that a datagram was refused",
  },
  {
    title: "When rings and Maglev tables are made",
    cases: [],
    envoy:
      "all of them after every change of hosts, on the main thread; `ring_hash_lb.*` and `maglev_lb.*` show the last",
    nuncio: "each at the first request that needs it, on every worker; the gauges appear with it",
    reason: "most priorities and subsets are never asked, and a table of 65537 places takes milliseconds",
  },
  {
    title: "Subsets and zones are counted once per worker",
    cases: [],
    envoy:
      "has a load balancer on the main thread, too, which `lb_subsets_active` and `lb_recalculate_zone_structures` count",
    nuncio: "has those of the workers",
    reason: "nobody asks for hosts on the main thread",
  },
  {
    title: "What the runtime says of fractions and of texts that are no YAML",
    cases: [],
    envoy: "shows a fraction of a static layer as the text that protobuf has for debugging; names yaml-cpp's problem",
    nuncio: "shows it as JSON; names the problem in words of its own, and then sets none of the values",
    reason: "protobuf's text is not stable by design; half of what was asked for is nothing that anyone wants",
  },
  {
    title: "When runtime values count",
    cases: [],
    envoy: "answers `/runtime_modify` before workers have the values; reads files when a link is moved over another",
    nuncio: "answers once all workers have them; reads files whatever way the link becomes another one",
    reason: "the next request sees what was set",
  },
];
