// test/packaging/link_bin.ts: makes `npx nuncio` work in a clone, as it does where the package is installed.
import { chmodSync, lstatSync, symlinkSync, unlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../host/cli/main.ts", import.meta.url));
const LINK = fileURLToPath(new URL("../../node_modules/.bin/nuncio", import.meta.url));

chmodSync(MAIN, 0o755);
if (lstatSync(LINK, { throwIfNoEntry: false }) !== undefined) unlinkSync(LINK);
symlinkSync("../../host/cli/main.ts", LINK);
