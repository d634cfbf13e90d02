// host/server/wasm_code/registry.ts: reads from one repository of an OCI registry.
/**
 * Credentials go to the registry that they are for, and to the token server that it names; never along a
 * redirect, and over plain HTTP only when the registry itself is reached so.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 * @module
 */
import { fromUtf8, latin1Slice, utf8Slice } from "../../base/bytes.ts";
import type { OciReference } from "../../extensions/common/wasm/oci_reference.ts";
import type { Fetcher, FetchRequest, FetchResult } from "../../net/fetch.ts";
import { type Challenge, parseChallenges, readToken } from "./challenge.ts";
import type { FoundCredentials } from "./docker_config.ts";

export interface RegistryOptions {
  readonly reference: OciReference;
  readonly plainHttp: boolean;
  readonly found: FoundCredentials;
  /** Reaches the registry, through a cluster maybe. */
  readonly primary: Fetcher;
  /** Reaches token servers, and where a redirect points. */
  readonly direct: Fetcher;
  /** How long the pull may still take. */
  remainingMs(): number;
  readonly signal: AbortSignal;
}

export type RegistryAnswer =
  | { readonly ok: true; readonly headers: ReadonlyMap<string, string>; readonly body: Uint8Array }
  /** `final`: another attempt would fail alike. */
  | { readonly ok: false; readonly message: string; readonly final: boolean };

type Answer = FetchResult & { readonly ok: true };
type Refusal = RegistryAnswer & { readonly ok: false };

const DOCKER_HUB = "docker.io";
const DOCKER_HUB_API = "registry-1.docker.io";
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
const MAX_REDIRECTS = 5;
const TOKEN_LIMIT_BYTES = 256 * 1024;
/** Failures that pass. */
const TEMPORARY: readonly number[] = [408, 425, 429];

export class Registry {
  readonly #options: RegistryOptions;
  readonly #base: URL;
  #authorization: string | null = null;

  constructor(options: RegistryOptions) {
    this.#options = options;
    const { registry, repository } = options.reference;
    const host = registry === DOCKER_HUB ? DOCKER_HUB_API : registry;
    this.#base = new URL(`${options.plainHttp ? "http" : "https"}://${host}/v2/${repository}/`);
    if (options.found.credentials.kind === "bearer") {
      this.#authorization = `Bearer ${options.found.credentials.token}`;
    }
  }

  /** `manifests/latest`, `blobs/sha256:…`. */
  async get(path: string, accept: string, limitBytes: number): Promise<RegistryAnswer> {
    const url = new URL(path, this.#base).href;
    let answer = await this.#follow(url, accept, limitBytes);
    if (answer.ok && answer.status === 401) {
      const refusal = await this.#authorize(answer);
      if (refusal !== null) return refusal;
      answer = await this.#follow(url, accept, limitBytes);
    }
    if (!answer.ok) return answer;
    if (answer.status === 200) return { ok: true, headers: answer.headers, body: answer.body };
    return this.#refused(answer);
  }

  /** With redirects. The answer is the registry's own when it is a 401: only then a token may help. */
  async #follow(first: string, accept: string, limitBytes: number): Promise<Answer | Refusal> {
    let url = first;
    for (let left = MAX_REDIRECTS;; left--) {
      const own = new URL(url).origin === this.#base.origin;
      const answer = await this.#fetch(own ? this.#options.primary : this.#options.direct, {
        url,
        headers: {
          accept,
          "user-agent": "nuncio",
          ...(own && this.#authorization !== null && { authorization: this.#authorization }),
        },
        limitBytes,
      });
      if (!answer.ok) return answer;
      if (answer.status === 401 && !own) {
        return {
          ok: false,
          message: `${new URL(url).host}, where the registry redirects to, asks for credentials`,
          final: true,
        };
      }
      const location = REDIRECTS.includes(answer.status) ? answer.headers.get("location") : undefined;
      if (location === undefined) return answer;
      if (left === 0) return { ok: false, message: `more than ${MAX_REDIRECTS} redirects`, final: true };
      const target = URL.parse(location, url);
      const allowed = target?.protocol === "https:" || (target?.protocol === "http:" && this.#options.plainHttp);
      if (target === null || !allowed) {
        const kind = target === null ? "nowhere" : `${target.protocol}//${target.host}`;
        return { ok: false, message: `the registry redirects to ${kind}: expected https`, final: true };
      }
      target.username = target.password = "";
      url = target.href;
    }
  }

  /** Gets what the next request is to be sent with; a refusal when there is no way. */
  async #authorize(answer: Answer): Promise<Refusal | null> {
    const challenges = parseChallenges(answer.headers.get("www-authenticate") ?? "");
    const { credentials } = this.#options.found;
    const bearer = challenges.find((each) => each.scheme === "bearer");
    if (bearer !== undefined && credentials.kind !== "bearer") return await this.#fetchToken(bearer);
    if (challenges.some((each) => each.scheme === "basic") && credentials.kind === "basic") {
      this.#authorization = basic(credentials.user, credentials.password);
      return null;
    }
    return this.#refused(answer);
  }

  async #fetchToken({ parameters }: Challenge): Promise<Refusal | null> {
    const realm = URL.parse(parameters.get("realm") ?? "");
    const secure = realm?.protocol === "https:" || (realm?.protocol === "http:" && this.#options.plainHttp);
    if (realm === null || !secure) {
      return { ok: false, message: "the registry names no token server that is reached by https", final: true };
    }
    const { credentials } = this.#options.found;
    const scope = parameters.get("scope") ?? `repository:${this.#options.reference.repository}:pull`;
    const service = parameters.get("service");
    const fields = new URLSearchParams({ ...(service !== undefined && { service }), scope });
    const request: Omit<FetchRequest, "timeoutMs"> = credentials.kind === "refresh"
      ? {
        url: realm.href,
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded", "user-agent": "nuncio" },
        body: new URLSearchParams([
          ["grant_type", "refresh_token"],
          ["client_id", "nuncio"],
          ["refresh_token", credentials.token],
          ...fields,
        ]).toString(),
        limitBytes: TOKEN_LIMIT_BYTES,
      }
      : {
        url: withFields(realm, fields),
        headers: {
          "user-agent": "nuncio",
          ...(credentials.kind === "basic" && { authorization: basic(credentials.user, credentials.password) }),
        },
        limitBytes: TOKEN_LIMIT_BYTES,
      };
    const answer = await this.#fetch(
      realm.origin === this.#base.origin ? this.#options.primary : this.#options.direct,
      request,
    );
    if (!answer.ok) return answer;
    if (answer.status !== 200) {
      return {
        ok: false,
        message: `the token server ${realm.host} answers ${answer.status}${this.#credentialsNote()}`,
        final: isFinal(answer.status),
      };
    }
    const token = readToken(utf8Slice(answer.body, 0, answer.body.length));
    if (token === null) return { ok: false, message: `the token server ${realm.host} gives no token`, final: true };
    this.#authorization = `Bearer ${token}`;
    return null;
  }

  async #fetch(fetcher: Fetcher, request: Omit<FetchRequest, "timeoutMs">): Promise<Answer | Refusal> {
    const { signal } = this.#options;
    const remainingMs = this.#options.remainingMs();
    if (remainingMs <= 0) return { ok: false, message: "the image was not there in time", final: false };
    const result = await fetcher.fetch({ ...request, timeoutMs: remainingMs, signal });
    if (result.ok) return result;
    return {
      ok: false,
      message: `${new URL(request.url).host}: ${result.message}`,
      final: result.reason === "too_large" || result.reason === "aborted",
    };
  }

  #refused(answer: Answer): Refusal {
    const { registry, repository } = this.#options.reference;
    const denied = answer.status === 401 || answer.status === 403;
    const said = registryError(answer.body);
    return {
      ok: false,
      message: `registry ${registry} answers ${answer.status} for ${repository}${said === "" ? "" : ` (${said})`}${
        denied ? this.#credentialsNote() : ""
      }`,
      final: isFinal(answer.status),
    };
  }

  #credentialsNote(): string {
    const { credentials, note } = this.#options.found;
    if (credentials.kind !== "none") return "; the credentials of the docker configuration were sent";
    return `; there are no credentials for ${this.#options.reference.registry}${note === null ? "" : `: ${note}`}`;
  }
}

function isFinal(status: number): boolean {
  return status >= 400 && status < 500 && !TEMPORARY.includes(status);
}

function basic(user: string, password: string): string {
  const bytes = fromUtf8(`${user}:${password}`);
  return `Basic ${btoa(latin1Slice(bytes, 0, bytes.length))}`;
}

function withFields(realm: URL, fields: URLSearchParams): string {
  const url = new URL(realm);
  for (const [name, value] of fields) url.searchParams.set(name, value);
  return url.href;
}

/** The first error that a registry tells, as far as it can be shown. */
function registryError(body: Uint8Array): string {
  try {
    const { errors } = JSON.parse(utf8Slice(body, 0, Math.min(body.length, 64 * 1024))) as { errors?: unknown };
    const first = (Array.isArray(errors) ? errors[0] : null) as { code?: unknown; message?: unknown } | null;
    const text = [first?.code, first?.message].filter((each) => typeof each === "string").join(": ");
    return text.replaceAll(/[^\x20-\x7e]/g, " ").slice(0, 200);
  } catch {
    return "";
  }
}
