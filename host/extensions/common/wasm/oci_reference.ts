// host/extensions/common/wasm/oci_reference.ts: `oci://registry/repository:tag@digest`, taken apart.
/**
 * The short forms are those of `docker pull`: without a registry Docker Hub is meant, without a tag `latest`.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
 * @module
 */

export interface OciReference {
  /** As credentials are kept for it: `ghcr.io`, `localhost:5000`, `docker.io`. */
  readonly registry: string;
  /** For example `team/guard`. */
  readonly repository: string;
  /** Null when only a digest is given. */
  readonly tag: string | null;
  /** `sha256:…`; it counts, whatever the tag says. */
  readonly digest: string | null;
}

const DOCKER_HUB = "docker.io";
const HOST =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?$/;
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** Whether the text is a digest of a kind that can be checked: `sha256:` or `sha512:` with lower-case hexadecimals. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

/** The parts of a reference, or what is wrong with it. */
export function parseOciReference(uri: string): OciReference | string {
  if (!uri.startsWith("oci://")) return "it does not begin with oci://";
  let rest = uri.slice("oci://".length);
  let digest: string | null = null;
  const at = rest.indexOf("@");
  if (at >= 0) {
    digest = rest.slice(at + 1);
    rest = rest.slice(0, at);
    if (!isDigest(digest)) return "expected sha256: and 64 hexadecimals behind the @; credentials have no place here";
  }
  const slash = rest.indexOf("/");
  const first = slash < 0 ? "" : rest.slice(0, slash);
  const named = first.includes(".") || first.includes(":") || first === "localhost";
  const registry = named ? first : DOCKER_HUB;
  let repository = named ? rest.slice(slash + 1) : rest;
  let tag: string | null = null;
  const colon = repository.lastIndexOf(":");
  if (colon >= 0) {
    tag = repository.slice(colon + 1);
    repository = repository.slice(0, colon);
    if (!TAG.test(tag)) return `'${tag}' is no tag`;
  }
  if (!HOST.test(registry)) return `'${registry}' is no registry`;
  if (!REPOSITORY.test(repository)) {
    return `'${repository}' is no repository: expected lower-case words between slashes`;
  }
  if (registry === DOCKER_HUB && !repository.includes("/")) repository = `library/${repository}`;
  return { registry, repository, tag: tag === null && digest === null ? "latest" : tag, digest };
}
