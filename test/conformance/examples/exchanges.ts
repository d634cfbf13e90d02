// test/conformance/examples/exchanges.ts: what is asked of the example filters, on every proxy.

/** One request through the proxy, and what the upstream is to answer. */
export interface HttpExchange {
  readonly name: string;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly answer?: UpstreamAnswer;
}

export interface UpstreamAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** Written one by one. */
  readonly body?: readonly string[];
}

/** One connection through the proxy, to an upstream that sends back what it gets, in capitals. */
export interface TcpExchange {
  readonly name: string;
  /** Sent one by one. */
  readonly send: readonly string[];
  /** The client half-closes after sending. */
  readonly end?: boolean;
  /** Bytes that the client waits for before it closes; otherwise it waits for the proxy to close. */
  readonly replyBytes?: number;
}

export interface Play {
  readonly example: string;
  /** Tells two plays of one example apart. */
  readonly variant?: string;
  /** Clusters of the configuration that nobody answers for. */
  readonly deadClusters?: readonly string[];
  readonly http?: readonly HttpExchange[];
  readonly tcp?: readonly TcpExchange[];
}

const TEXT = { "content-type": "text/plain" };

/** Basic credentials. */
function basic(credentials: string): Record<string, string> {
  return { authorization: `Basic ${btoa(credentials)}` };
}

export const PLAYS: readonly Play[] = [
  {
    example: "hello",
    http: [
      { name: "a GET", answer: { headers: TEXT, body: ["hi"] } },
      { name: "a HEAD", method: "HEAD", answer: { headers: { ...TEXT, "content-length": "2" } } },
      { name: "a POST with a body", method: "POST", path: "/form", body: "a=1", answer: { status: 201 } },
      { name: "an error of the upstream", path: "/none", answer: { status: 404, headers: TEXT, body: ["no"] } },
      { name: "an upstream that greets too", answer: { headers: { "x-hello": ["one", "two"] } } },
    ],
  },
  { example: "hello", variant: "no upstream", deadClusters: ["upstream"], http: [{ name: "a GET" }] },
  {
    example: "add_header",
    http: [
      { name: "nothing to remove", answer: {} },
      {
        name: "headers that are there already",
        headers: { "x-gateway": "client", "x-internal": "secret", "x-other": "stays" },
        answer: {
          headers: { "x-frame-options": "SAMEORIGIN", "vary": "accept", "x-powered-by": "php", "x-stays": "1" },
        },
      },
      { name: "a response without a body", answer: { status: 204 } },
    ],
  },
  {
    example: "basic_auth",
    http: [
      { name: "no credentials", answer: {} },
      { name: "the right ones", headers: basic("ann:correct horse"), answer: {} },
      { name: "the scheme in capitals", headers: { authorization: `BASIC ${btoa("bob:battery staple")}` }, answer: {} },
      { name: "a wrong password", headers: basic("ann:wrong"), answer: {} },
      { name: "an unknown user", headers: basic("eve:correct horse"), answer: {} },
      { name: "a password that is the beginning", headers: basic("ann:correct"), answer: {} },
      { name: "no colon", headers: basic("ann"), answer: {} },
      { name: "not base64", headers: { authorization: "Basic %%%" }, answer: {} },
      { name: "another scheme", headers: { authorization: "Bearer abc" }, answer: {} },
      { name: "an open path with a query", path: "/health?full=1", headers: { "x-user": "root" }, answer: {} },
      { name: "below an open folder", path: "/public/a.css", answer: {} },
      { name: "a path that only begins alike", path: "/healthy", answer: {} },
      { name: "a POST without credentials", method: "POST", body: "dropped", answer: {} },
      { name: "a HEAD without credentials", method: "HEAD", answer: {} },
    ],
  },
  {
    example: "rate_limit",
    http: [
      ...[1, 2, 3, 4, 5, 6, 7].map((n) => ({ name: `request ${n} of a`, headers: { "x-api-key": "a" }, answer: {} })),
      { name: "the first of b", headers: { "x-api-key": "b" }, answer: {} },
      { name: "the first of this address", answer: {} },
      { name: "the second of this address", answer: {} },
    ],
  },
  {
    example: "auth_callout",
    http: [
      { name: "no token", answer: {} },
      {
        name: "a good token, and a user that the client made up",
        headers: { authorization: "Bearer ann-token", "x-user": "root" },
        answer: { body: ["welcome"] },
      },
      { name: "a bad token", headers: { authorization: "Bearer mallory-token" }, answer: {} },
      { name: "an unknown token", headers: { authorization: "Bearer who" }, answer: {} },
      {
        name: "a body that waits for the verdict",
        method: "POST",
        body: "payload",
        headers: { authorization: "Bearer ann-token" },
        answer: {},
      },
      {
        name: "a body that is not wanted",
        method: "POST",
        body: "payload",
        headers: { authorization: "Bearer mallory-token" },
        answer: {},
      },
    ],
  },
  {
    example: "auth_callout",
    variant: "no authorization service",
    deadClusters: ["authz"],
    http: [{ name: "a good token", headers: { authorization: "Bearer ann-token" }, answer: {} }],
  },
  {
    example: "body_rewrite",
    http: [
      { name: "text in one piece", answer: { headers: TEXT, body: ["the upstream has a colour, a colour"] } },
      { name: "a word across two pieces", answer: { headers: TEXT, body: ["the upst", "ream is her", "e"] } },
      { name: "nothing to replace", answer: { headers: { ...TEXT, etag: '"1"' }, body: ["nothing"] } },
      { name: "json", answer: { headers: { "content-type": "application/json" }, body: ['{"colour":"upstream"}'] } },
      { name: "an image", answer: { headers: { "content-type": "image/png", etag: '"2"' }, body: ["upstream"] } },
      { name: "an encoded body", answer: { headers: { ...TEXT, "content-encoding": "br" }, body: ["upstream"] } },
      { name: "an empty body", answer: { headers: { ...TEXT, "content-length": "0" } } },
      { name: "a HEAD", method: "HEAD", answer: { headers: { ...TEXT, "content-length": "8" } } },
      {
        name: "what the client may not ask for",
        headers: { "accept-encoding": "gzip", "range": "bytes=0-3" },
        answer: { headers: TEXT, body: ["upstream"] },
      },
      {
        name: "a body beyond the buffer limit",
        answer: { headers: TEXT, body: ["x".repeat(600_000), "x".repeat(600_000), "x".repeat(600_000)] },
      },
      { name: "text beyond ASCII", answer: { headers: TEXT, body: ["← upstream → déjà vu"] } },
    ],
  },
  {
    example: "tcp_gate",
    tcp: [
      { name: "the password and more at once", send: ["sesamehello"], replyBytes: 5 },
      { name: "in pieces", send: ["s", "esa", "me", "he", "llo"], replyBytes: 5 },
      { name: "the wrong password", send: ["nonsense"] },
      { name: "the wrong password in pieces", send: ["sesam", "x"] },
      { name: "the end before the password", send: ["ses"], end: true },
      { name: "the password twice", send: ["sesamesesame"], replyBytes: 6 },
    ],
  },
];
