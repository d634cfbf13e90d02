// host/server/wasm_code/remote.ts: fetches a module from an HTTP server.
/**
 * As Envoy does it: one GET, redirects are failures, only 200 counts, and the content must have the digest of
 * the configuration.
 *
 * @see Envoy: source/common/config/remote_data_fetcher.cc
 * @module
 */
import { fromUtf8, latin1Slice } from "../../base/bytes.ts";
import type { Fetcher } from "../../net/fetch.ts";
import type { Attempt } from "./attempts.ts";
import { sha256Hex } from "./digest.ts";

export interface HttpModuleOptions {
  readonly uri: string;
  readonly sha256: string;
  readonly fetcher: Fetcher;
  readonly timeoutMs: number;
  readonly limitBytes: number;
  readonly signal: AbortSignal;
}

export async function fetchModule(options: HttpModuleOptions): Promise<Attempt<Uint8Array>> {
  const url = new URL(options.uri);
  const { username, password } = url;
  url.username = url.password = "";
  const result = await options.fetcher.fetch({
    url: url.href,
    headers: {
      "user-agent": "nuncio",
      ...(username !== "" && { authorization: basic(`${decode(username)}:${decode(password)}`) }),
    },
    timeoutMs: options.timeoutMs,
    limitBytes: options.limitBytes,
    signal: options.signal,
  });
  if (!result.ok) return failed(result.message, result.reason === "too_large" || result.reason === "aborted");
  if (result.status >= 300 && result.status < 400) {
    return failed(`the server answers ${result.status}: redirects are not followed, as in Envoy`);
  }
  if (result.status !== 200) return failed(`the server answers ${result.status}: expected 200`);
  if (result.body.length === 0) return failed("the server answers with nothing in it");
  const found = await sha256Hex(result.body);
  if (found !== options.sha256) {
    return failed(
      `what was fetched (${result.body.length} bytes) has the SHA-256 ${found}: expected ${options.sha256}`,
    );
  }
  return { ok: true, value: result.body };
}

function failed(message: string, final = false): Attempt<never> {
  return { ok: false, message, final };
}

function basic(pair: string): string {
  const bytes = fromUtf8(pair);
  return `Basic ${btoa(latin1Slice(bytes, 0, bytes.length))}`;
}

/** Percent-decoded, where that can be done. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
