// test/e2e/demo.test.ts: the demo shows what it runs, and what it says to try works.
import { connect } from "node:net";
import { spawn } from "node:child_process";
import process from "node:process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ROOT } from "../support/proxy_process.ts";
import { get } from "./support.ts";

const isDeno = "Deno" in globalThis;
/** As people start it; Deno through a shell, see signals.test.ts. */
const COMMAND = isDeno ? ["sh", "-c", "exec deno task --quiet start"] : ["npm", "start", "--silent"];

/** Bytes that come back for bytes sent; the connection's end ends it. */
function tcp(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect({ port, host: "127.0.0.1" }, () => socket.end(text));
    socket.setEncoding("latin1");
    socket.on("data", (data: string) => answer += data);
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
  });
}

test("the demo: what it shows and what it says to try", async () => {
  const child = spawn(COMMAND[0]!, COMMAND.slice(1), { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const exited = new Promise<number | null>((resolve) => child.on("close", resolve));
  try {
    await new Promise<void>((resolve, reject) => {
      const look = (data: Uint8Array) => {
        output += new TextDecoder().decode(data);
        if (output.includes("Ctrl-C drains and quits")) resolve();
      };
      child.stdout.on("data", look);
      child.stderr.on("data", look);
      void exited.then((code) => reject(new Error(`the demo ended with ${code}:\n${output}`)));
    });

    assert.match(output, /^ {2}listener web {2}127\.0\.0\.1:\d+$/m);
    assert.match(output, /^ {4}http_connection_manager → hello → rate_limit → router$/m);
    assert.match(output, /^ {4}tcp_gate → echo$/m);
    assert.match(output, /^ {2}clusters upstream \(static\)$/m);
    for (const name of ["hello", "rate_limit", "tcp_gate"]) {
      assert.match(
        output,
        new RegExp(`^ {2}filter {3}${name} {2}\\S+/filter\\.wasm {2}sha256 [0-9a-f]{12} {2}abi 0\\.2\\.1$`, "m"),
      );
    }
    assert.match(output, /^ {2}admin {4}http:\/\/127\.0\.0\.1:\d+$/m);
    assert.match(output, /^ {2}ready in \d+ ms, 1 worker$/m);

    const urls = [...output.matchAll(/http:\/\/127\.0\.0\.1:(\d+)(\/\S*?)(?=[;\s])/g)];
    const port = (path: string) => Number(urls.find((url) => url[2] === path)![1]);
    const hello = await get(port("/"), "/");
    assert.is(hello.status, 200);
    assert.match(hello.head, /^x-hello: /m);
    assert.is(hello.body, "hello from the upstream\n");

    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) statuses.push((await get(port("/limited"), "/limited")).status);
    assert.equal(statuses, [200, 200, 200, 200, 200, 429]);

    const gate = Number(/nc -q1 127\.0\.0\.1 (\d+)/.exec(output)![1]);
    assert.match(await tcp(gate, "sesame hello\n"), "hello");
    assert.is(await tcp(gate, "mellon hello\n"), "");

    // With its own name as host: the admin port refuses others.
    const filters = await fetch(`http://127.0.0.1:${port("/filters")}/filters`);
    assert.is(filters.status, 200);
    const body = await filters.text();
    for (const name of ["hello", "rate_limit", "tcp_gate"]) assert.match(body, `"name": "${name}"`);
  } finally {
    process.kill(child.pid!, "SIGTERM");
  }
  assert.is(await exited, 0);
});

test.run();
