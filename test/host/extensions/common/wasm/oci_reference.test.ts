// test/host/extensions/common/wasm/oci_reference.test.ts: references of images.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { isDigest, parseOciReference } from "../../../../../host/extensions/common/wasm/oci_reference.ts";

const DIGEST = `sha256:${"0a".repeat(32)}`;

function parts(uri: string): unknown {
  const parsed = parseOciReference(uri);
  return typeof parsed === "string" ? parsed : [parsed.registry, parsed.repository, parsed.tag, parsed.digest];
}

test("registry, repository, tag and digest", () => {
  assert.equal(parts("oci://ghcr.io/team/guard:v1.2"), ["ghcr.io", "team/guard", "v1.2", null]);
  assert.equal(parts("oci://ghcr.io/guard"), ["ghcr.io", "guard", "latest", null]);
  assert.equal(parts(`oci://ghcr.io/a/b/c@${DIGEST}`), ["ghcr.io", "a/b/c", null, DIGEST]);
  assert.equal(parts(`oci://ghcr.io/a_b/c--d:x@${DIGEST}`), ["ghcr.io", "a_b/c--d", "x", DIGEST]);
  assert.equal(parts("oci://localhost:5000/x:y"), ["localhost:5000", "x", "y", null]);
  assert.equal(parts("oci://localhost/x"), ["localhost", "x", "latest", null]);
  assert.equal(parts("oci://registry:5000/x"), ["registry:5000", "x", "latest", null]);
  assert.equal(parts("oci://[::1]:5000/x"), ["[::1]:5000", "x", "latest", null]);
});

test("Docker Hub's short forms", () => {
  assert.equal(parts("oci://guard"), ["docker.io", "library/guard", "latest", null]);
  assert.equal(parts("oci://guard:1"), ["docker.io", "library/guard", "1", null]);
  assert.equal(parts("oci://team/guard"), ["docker.io", "team/guard", "latest", null]);
  assert.equal(parts("oci://docker.io/guard"), ["docker.io", "library/guard", "latest", null]);
});

test("what is none", () => {
  for (
    const [uri, text] of [
      ["http://ghcr.io/a", "does not begin with oci://"],
      ["oci://", "no repository"],
      ["oci://ghcr.io/", "no repository"],
      ["oci://ghcr.io/Team/guard", "'Team/guard' is no repository"],
      ["oci://ghcr.io/../v1/secret", "no repository"],
      ["oci://ghcr.io/a/../b", "no repository"],
      ["oci://ghcr.io//a", "no repository"],
      ["oci://ghcr.io/a?x=y", "no repository"],
      ["oci://ghcr.io/a#b", "no repository"],
      ["oci://ghcr.io/a%2fb", "no repository"],
      ["oci://ghcr.io/a:", "'' is no tag"],
      ["oci://ghcr.io/a:b/c", "no tag"],
      [`oci://ghcr.io/a:${"x".repeat(129)}`, "no tag"],
      ["oci://gh_cr.io/a", "no registry"],
      ["oci://ghcr.io:port/a", "no registry"],
      ["oci://user:pass@ghcr.io/a", "credentials have no place here"],
      ["oci://ghcr.io/a@sha256:abc", "64 hexadecimals"],
      [`oci://ghcr.io/a@${DIGEST.toUpperCase()}`, "64 hexadecimals"],
    ] as const
  ) {
    assert.match(parts(uri) as string, text, uri);
  }
});

test("digests", () => {
  assert.ok(isDigest(DIGEST));
  assert.ok(isDigest(`sha512:${"0".repeat(128)}`));
  for (const bad of ["", "sha256:", `sha512:${"0".repeat(64)}`, `md5:${"0".repeat(32)}`, `${DIGEST}\n`, `x${DIGEST}`]) {
    assert.not.ok(isDigest(bad), bad);
  }
});

test.run();
