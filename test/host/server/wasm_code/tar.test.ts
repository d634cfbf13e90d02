// test/host/server/wasm_code/tar.test.ts: tar archives, good and bad.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { SeededRandom } from "../../../../host/base/random.ts";
import { readTar } from "../../../../host/server/wasm_code/tar.ts";
import { concat, tar, tarEntry, utf8 } from "./support.ts";

const END = new Uint8Array(1024);

function names(archive: Uint8Array): string[] | string {
  const files = readTar(archive);
  return typeof files === "string"
    ? files
    : files.map((file) => `${file.path}=${new TextDecoder().decode(file.bytes)}`);
}

/** One record: its length counts itself. */
function pax(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = utf8(rest).length;
  while (`${length}`.length + utf8(rest).length !== length) length = `${length}`.length + utf8(rest).length;
  return `${length}${rest}`;
}

test("files in their order; folders, links and devices are left out", () => {
  const archive = tar(
    { path: "folder/", type: "5" },
    { path: "folder/a", bytes: utf8("one") },
    { path: "link", type: "2" },
    { path: "hard", type: "1" },
    { path: "device", type: "3" },
    { path: "old", bytes: utf8("two"), type: "\0" },
    { path: "empty" },
  );
  assert.equal(names(archive), ["folder/a=one", "old=two", "empty="]);
});

test("long names: ustar prefix, pax, GNU", () => {
  const long = "d/".repeat(120) + "ü.wasm";
  const archive = concat(
    tarEntry({ path: "name", prefix: "far/away", bytes: utf8("1") }),
    tarEntry({ path: "ignored", type: "x", bytes: utf8(pax("mtime", "1.5") + pax("path", long)) }),
    tarEntry({ path: "short", bytes: utf8("2") }),
    tarEntry({ path: "././@LongLink", type: "L", bytes: utf8(`${long}\0`) }),
    tarEntry({ path: "short", bytes: utf8("3") }),
    tarEntry({ path: "global", type: "g", bytes: utf8(pax("comment", "x")) }),
    tarEntry({ path: "last", bytes: utf8("4") }),
    END,
  );
  assert.equal(names(archive), ["far/away/name=1", `${long}=2`, `${long}=3`, "last=4"]);
});

test("sizes: in base 256, and in a pax header, which counts for the next entry only", () => {
  const base256 = String.fromCharCode(0x80) + "\0".repeat(10) + "\x03";
  const entry = tarEntry({ path: "a", bytes: utf8("one") });
  entry.set(Uint8Array.from(base256, (char) => char.charCodeAt(0)), 124);
  entry.set(utf8("        "), 148);
  const sum = entry.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  entry.set(utf8(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  const archive = concat(
    entry,
    tarEntry({ path: "x", type: "x", bytes: utf8(pax("size", "3")) }),
    tarEntry({ path: "b", bytes: utf8("two"), size: "00000000000\0" }),
    tarEntry({ path: "c", bytes: utf8("three") }),
    END,
  );
  assert.equal(names(archive), ["a=one", "b=two", "c=three"]);
});

test("names are only names", () => {
  const archive = tar({ path: "../../etc/passwd", bytes: utf8("x") }, { path: "/etc/shadow", bytes: utf8("y") });
  assert.equal(names(archive), ["../../etc/passwd=x", "/etc/shadow=y"]);
});

test("an archive may end without its two empty blocks, not inside a header or a file", () => {
  const file = tarEntry({ path: "a", bytes: utf8("one") });
  assert.equal(names(file), ["a=one"]);
  assert.equal(names(new Uint8Array(0)), []);
  assert.match(names(file.subarray(0, 300)) as string, "inside a header");
  assert.match(names(concat(file, file).subarray(0, 1100)) as string, "inside a header");
  assert.match(names(file.subarray(0, 514)) as string, "beyond the archive");
});

test("what is no archive", () => {
  const file = tarEntry({ path: "a", bytes: utf8("one") });
  file[0]! ^= 1;
  assert.match(names(file) as string, "byte 0 has a wrong checksum");
  assert.match(names(utf8("x".repeat(2000))) as string, "wrong checksum");
  assert.match(names(tar({ path: "a", size: "77777777777\0" })) as string, "beyond the archive");
  assert.match(names(tar({ path: "a", size: "12x\0" })) as string, "beyond the archive");
  for (const record of ["99 path=a\n", "x path=a\n", "8 path\n\n", "0 path=a\n", "path", "12 size=many\n"]) {
    const archive = concat(tarEntry({ path: "x", type: "x", bytes: utf8(record) }), file, END);
    assert.match(names(archive) as string, "pax header at byte 0", record);
  }
  const large = tarEntry({ path: "x", type: "x", bytes: new Uint8Array(1024 * 1024 + 1) });
  assert.match(names(large) as string, "too large");
});

test("damaged archives are read to some end", () => {
  const random = new SeededRandom(7);
  const good = tar({ path: "x", type: "x", bytes: utf8(pax("path", "p")) }, { path: "a", bytes: utf8("one") });
  for (let round = 0; round < 2000; round++) {
    const bad = good.slice(0, random.uint32() % (good.length + 1));
    for (let i = 0; i < 3 && bad.length > 0; i++) bad[random.uint32() % bad.length] = random.uint32() & 255;
    const files = readTar(bad);
    assert.ok(typeof files === "string" || Array.isArray(files));
  }
});

for (const format of ["ustar", "pax", "gnu", "v7"]) {
  test(`what tar writes (${format})`, () => {
    const folder = mkdtempSync(join(tmpdir(), "nuncio-tar-"));
    try {
      const deep = format === "v7" ? "d" : `${"deep/".repeat(25)}d`;
      mkdirSync(join(folder, deep), { recursive: true });
      writeFileSync(join(folder, deep, "plugin.wasm"), "module");
      symlinkSync("plugin.wasm", join(folder, deep, "z"));
      const { stdout, status } = spawnSync("tar", ["-C", folder, `--format=${format}`, "-cf", "-", deep]);
      assert.is(status, 0);
      assert.equal(names(stdout), [`${deep}/plugin.wasm=module`]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

test.run();
