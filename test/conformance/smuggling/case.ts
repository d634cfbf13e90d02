// test/conformance/smuggling/case.ts: what a case of the corpus is, and the requests that cases are made of.
/**
 * A case is what a client sends on one connection. `record.ts` wrote down what the real Envoy makes of each;
 * nuncio must do the same, or be stricter by a rule that has a name here.
 *
 * @module
 */

export interface Case {
  readonly name: string;
  /** Bytes as latin1 text. */
  readonly bytes: string;
  /** nuncio refuses what Envoy takes, or takes in another way. */
  readonly stricter?: RuleName;
}

/** What became of a case. */
export interface Outcome {
  /** A line for each request that was logged: status, details, method. */
  readonly log: readonly string[];
  /** First lines of the whole requests that the upstream got. */
  readonly upstream: readonly string[];
  /** The proxy ended the connection. */
  readonly closed: boolean;
}

export type RuleName =
  | "line ends are CR LF"
  | "one Host"
  | "a chunk ends where it says"
  | "a size is a number that can be counted"
  | "one space in the request line"
  | "no user in a Host"
  | "a target is ASCII"
  | "an upgrade has no body"
  | "a head goes on when it is there";

/** Why there is a rule, and what becomes of its cases. */
export interface Rule {
  readonly why: string;
  /** Status and details of the one line that is logged. */
  readonly log: string;
  /** The upstream gets this; nothing when absent. */
  readonly upstream?: string;
  /** The connection goes on. */
  readonly open?: true;
}

/** Where nuncio is stricter than Envoy. */
export const RULES: Readonly<Record<RuleName, Rule>> = {
  "line ends are CR LF": {
    why: "a bare LF or CR, or a folded line, is read in two ways by different servers (RFC 9112 §2.2, §5.2)",
    log: "400|http1.codec_error",
  },
  "one Host": {
    why: "who is asked must not depend on which one counts (RFC 9112 §3.2)",
    log: "400|http1.codec_error",
  },
  "a chunk ends where it says": {
    why: "bytes that one side drops are what smuggling is made of (RFC 9112 §7.1)",
    log: "400|http1.codec_error",
  },
  "a size is a number that can be counted": {
    why: "17 digits, white space amid them, or more bytes than a number holds exactly serve nobody but an attacker",
    log: "400|http1.codec_error",
  },
  "one space in the request line": {
    why: "lenient readers find other targets in such a line (RFC 9112 §3)",
    log: "400|http1.codec_error",
  },
  "no user in a Host": {
    why: "a Host is a host and a port (RFC 9110 §7.2); others would take the part before the @ for it",
    log: "400|http.invalid_authority",
  },
  "a target is ASCII": {
    why: "HTTP/1 cannot carry it (RFC 9112 §3.2), so HTTP/2 must not bring it",
    log: "0|http2.invalid.header.field",
  },
  "an upgrade has no body": {
    why: "what follows the head would be body to some and the new protocol to others: it is a request without upgrade",
    log: "200|via_upstream",
    upstream: "POST / HTTP/1.1",
    open: true,
  },
  "a head goes on when it is there": {
    why: "no difference but in time: Envoy meets the bad body before it has an upstream connection",
    log: "0|http2.remote_reset",
    upstream: "POST / HTTP/1.1",
    open: true,
  },
};

export const HOST: string = "Host: a.example\r\n";
/** What an attacker hides: it must never reach an upstream as a request that nobody sent. */
export const SMUGGLED: string = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`;

export function get(fields = "", target = "/"): string {
  return `GET ${target} HTTP/1.1\r\n${HOST}${fields}\r\n`;
}

export function post(fields: string, body = ""): string {
  return `POST / HTTP/1.1\r\n${HOST}${fields}\r\n${body}`;
}

export function chunked(body: string): string {
  return post("Transfer-Encoding: chunked\r\n", body);
}

/** A name that shows every byte. */
export function shown(text: string): string {
  return JSON.stringify(text).replaceAll(/[\x7f-\xff]/g, (each) => `\\x${each.charCodeAt(0).toString(16)}`);
}
