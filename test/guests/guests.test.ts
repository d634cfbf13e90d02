// test/guests/guests.test.ts: the committed guests are there, and what is built anew of their sources does the same.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ABI_MARKERS } from "../../abi/mod.ts";
import { GUEST_CASES, LACKS, playCases } from "../conformance/guests/cases.ts";
import { buildGuest, type Guest, guestFile, GUESTS } from "./build.ts";

const MOST_BYTES = 3_000_000;

for (const guest of GUESTS) {
  test(`${guest.name}: its module is here, is small and speaks ABI ${guest.abi}`, () => {
    const file = guestFile(guest.name);
    assert.ok(existsSync(file), `there is no ${file}: run node test/guests/build.ts ${guest.name}`);
    assert.ok(statSync(file).size < MOST_BYTES);
    const exports = WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(file))).map(({ name }) => name);
    assert.ok(exports.includes(ABI_MARKERS[guest.abi]));
  });
}

test("what is said to be lacking is about guests and cases that exist", () => {
  for (const [guest, cases] of Object.entries(LACKS)) {
    assert.ok(GUESTS.some((each) => each.name === guest), guest);
    for (const name of Object.keys(cases)) assert.ok(GUEST_CASES.some((each) => each.name === name), name);
  }
});

// The builds do not depend on the runtime that starts them, and take a minute: one of the two does them.
for (const guest of GUESTS) {
  const reason = "Deno" in globalThis ? "the test on Node does it" : await cannotBuild(guest);
  if (reason !== null) {
    console.log(`${guest.name} is not built anew: ${reason}`);
    continue;
  }
  test(`${guest.name}: built anew it does the same`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "nuncio-guests-"));
    const file = join(folder, `${guest.name}.wasm`);
    try {
      await buildGuest(guest, file);
      await playCases(guest.name, file);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

test.run();

/** Guests whose builds fetch packages are built where that is asked for. */
async function cannotBuild(guest: Guest): Promise<string | null> {
  if (guest.fetches && process.env["NUNCIO_BUILD_GUESTS"] !== "1") {
    return "its build fetches packages; NUNCIO_BUILD_GUESTS=1 asks for it";
  }
  return await guest.missing();
}
