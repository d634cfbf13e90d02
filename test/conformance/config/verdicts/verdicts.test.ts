// test/conformance/config/verdicts/verdicts.test.ts: nuncio takes the configurations that Envoy takes, and no others.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { validateConfiguration } from "../../../../host/embed/validate.ts";
import { withAnyPorts } from "../../differential/bootstrap.ts";
import { VERDICT_CASES } from "./cases.ts";

interface Verdict {
  readonly name: string;
  readonly yaml: string;
  readonly takes: boolean;
  readonly says: string;
}

const { verdicts } = JSON.parse(readFileSync(join(import.meta.dirname, "recorded.json"), "utf8")) as {
  readonly verdicts: readonly Verdict[];
};

test("the recording is of these configurations", () => {
  assert.equal(verdicts.map(({ name, yaml }) => ({ name, yaml })), VERDICT_CASES, "run record.ts");
});

for (const { name, yaml, takes, says } of verdicts) {
  test(`${takes ? "taken" : "refused"}: ${name}`, async () => {
    const { problems } = await validateConfiguration({ yaml: withAnyPorts(yaml, "/tmp") });
    const errors = problems.filter(({ severity }) => severity === "error").map(({ message }) => message);
    assert.is(errors.length === 0, takes, `Envoy: ${says || "OK"}; nuncio: ${errors.join("; ") || "OK"}`);
  });
}

test.run();
