// test/host/extensions/filters/network/wasm.test.ts: guests between client and upstream: bytes, pauses, ends.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Embedded } from "../../../../support/embedded.ts";
import { type JournalCallback, journalGuest, type TextConstant } from "../../../../support/journal_guest.ts";
import {
  cluster,
  httpListener,
  indent,
  journal,
  startWasmProxy,
  tcpListener,
  wasmPlugin,
} from "../../../../support/wasm_proxy.ts";

const reader = journalGuest(() => ({
  callbacks: { proxy_on_request_headers: { silent: true, result: "(call $journal)" } },
}));
const logger = journalGuest((s) => ({
  callbacks: { proxy_on_log: { say: `(call $property ${s("source\0address")})`, bare: true } },
}));

function guest(
  callbacks: (s: TextConstant) => Readonly<Record<string, JournalCallback>>,
  fields: (s: TextConstant) => string = () => "",
): Uint8Array {
  return journalGuest((s) => ({ callbacks: callbacks(s), fields: fields(s) }));
}

/** Splices `text` into a buffer. */
const splice = (type: number, start: number, length: number, text: string) =>
  `(drop (call $proxy_set_buffer_bytes (i32.const ${type}) (i32.const ${start}) (i32.const ${length}) ${text}))`;

const CLOSES: Readonly<Record<string, JournalCallback>> = {
  proxy_on_downstream_connection_close: {},
  proxy_on_upstream_connection_close: {},
  proxy_on_done: {},
  proxy_on_log: {},
  proxy_on_delete: {},
};

/** Holds until four bytes are there; `x` first is refused, `d` first is sent elsewhere by nobody. */
const inspecting = guest(() => ({
  proxy_on_new_connection: { result: "(i32.const 1)" },
  proxy_on_downstream_data: {
    say: "(call $buffer (i32.const 2))",
    do:
      `(if (i32.eqz (call $proxy_get_buffer_bytes (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 16) (i32.const 20)))
      (then (if (i32.eq (i32.load8_u (i32.load (i32.const 16))) (i32.const 120)) (then
        (drop (call $proxy_close_stream (i32.const 2)))))))`,
    result: "(i32.lt_u (local.get $a) (i32.const 4))",
  },
  ...CLOSES,
}));

/** Holds both directions, and lets them go at a tick. */
const pausing = guest(
  () => ({
    proxy_on_new_connection: { do: "(global.set $connection (local.get $id))" },
    proxy_on_configure: {
      silent: true,
      do: "(drop (call $proxy_set_tick_period_milliseconds (i32.const 5)))",
    },
    proxy_on_downstream_data: {
      do: "(global.set $held (i32.or (global.get $held) (i32.const 1)))",
      result: "(i32.const 1)",
    },
    proxy_on_upstream_data: {
      do: "(global.set $held (i32.or (global.get $held) (i32.const 2)))",
      result: "(i32.const 1)",
    },
    proxy_on_tick: {
      silent: true,
      do: `(if (global.get $held) (then
      (global.set $x (global.get $held))
      (global.set $held (i32.const 0))
      (drop (call $proxy_set_effective_context (global.get $connection)))
      (if (i32.and (global.get $x) (i32.const 1)) (then (drop (call $proxy_continue_stream (i32.const 2)))))
      (if (i32.and (global.get $x) (i32.const 2)) (then (drop (call $proxy_continue_stream (i32.const 3)))))))`,
    },
  }),
  () =>
    `(global $connection (mut i32) (i32.const 0)) (global $held (mut i32) (i32.const 0)) (global $x (mut i32) (i32.const 0))`,
);

/** Edits both directions: in the middle, at the start, at the end. */
const editing = guest((s) => ({
  proxy_on_downstream_data: {
    silent: true,
    do: splice(2, 2, 1, s("<in the middle>")) + splice(2, 0, 1, s("^")) + splice(2, 1000, 0, s("$")),
  },
  proxy_on_upstream_data: {
    silent: true,
    do: `(if (local.get $a) (then ${splice(3, 0, 1000, s("all of it"))}))`,
  },
}));

const watching = guest(() => ({ proxy_on_upstream_data: {}, ...CLOSES }));
const closing = guest(() => ({
  proxy_on_upstream_data: { do: "(drop (call $proxy_close_stream (i32.const 3)))", result: "(i32.const 1)" },
  ...CLOSES,
}));
const trapping = guest(() => ({ proxy_on_downstream_data: { do: "(unreachable)" } }));

const GUESTS: Readonly<Record<string, Uint8Array>> = { inspecting, pausing, editing, watching, closing, trapping };

let proxy: Embedded;
let upstream: Server;
/** What the upstream does with a connection. */
let serve: (socket: Socket) => void = () => {};
let asked = 0;

function listener(name: string, plugin: string): string {
  return tcpListener(
    name,
    `${plugin}- name: envoy.filters.network.tcp_proxy
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
    stat_prefix: ${name}
    cluster: u
    access_log:
${indent(wasmPlugin("log", `log_${name}`, logger), 4)}`,
  );
}

test.before(async () => {
  upstream = createServer({ allowHalfOpen: true }, (socket) => {
    asked++;
    socket.on("error", () => {});
    serve(socket);
  });
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  proxy = await startWasmProxy(
    [
      httpListener("reader", { filters: wasmPlugin("http", "reader", reader) }),
      ...Object.entries(GUESTS).map(([name, module]) => listener(name, wasmPlugin("network", name, module))),
      listener(
        "opened",
        wasmPlugin("network", "opened", trapping, { vmConfiguration: "o", more: "failure_policy: FAIL_OPEN" }),
      ),
    ],
    [cluster("u")],
    { ports: { u: (upstream.address() as AddressInfo).port } },
  ).catch((error) => {
    console.error(error);
    throw error;
  });
});

test.after(async () => {
  await proxy?.stop();
  upstream.close();
});

test.before.each(() => {
  asked = 0;
});

/** A client of a listener; `got` is what came so far. */
class Client {
  got = "";
  ended = false;
  readonly socket: Socket;
  #look: (() => void) | null = null;

  constructor(name: string) {
    this.socket = connect({ port: proxy.port(name), host: "127.0.0.1", allowHalfOpen: true });
    this.socket.on("error", () => {});
    this.socket.on("data", (data: Uint8Array) => {
      this.got += new TextDecoder("latin1").decode(data);
      this.#look?.();
    });
    for (const event of ["end", "close"]) {
      this.socket.on(event, () => {
        this.ended = true;
        this.#look?.();
      });
    }
  }

  write(text: string): void {
    this.socket.write(text);
  }

  /** Settles when `is` holds; fails after a while. */
  until(is: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`got ${JSON.stringify(this.got)}, ended ${this.ended}`)), 5000);
      this.#look = () => {
        if (!is()) return;
        clearTimeout(timer);
        resolve();
      };
      this.#look();
    });
  }

  async receives(text: string): Promise<void> {
    await this.until(() => this.got.length >= text.length);
    assert.is(this.got, text);
  }

  async closes(): Promise<void> {
    await this.until(() => this.ended);
    this.socket.destroy();
  }
}

/** Lines of the journal once there are so many. */
async function lines(count: number): Promise<string[]> {
  const all: string[] = [];
  for (let i = 0; i < 200 && all.length < count; i++) {
    all.push(...await journal(proxy.port("reader")));
    if (all.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return all;
}

/** Answers what it got in capitals once there are so many bytes, and ends. */
const answering = (length: number) => (socket: Socket) => {
  let got = "";
  socket.on("data", (data: Uint8Array) => {
    got += new TextDecoder("latin1").decode(data);
    if (got.length >= length) socket.end(`got ${got}`);
  });
};

test("first bytes are looked at before anybody is asked", async () => {
  serve = answering(4);
  const client = new Client("inspecting");
  client.write("ab");
  assert.equal(await lines(2), ["inspecting new_connection", "inspecting downstream_data 2 0 ab"]);
  assert.is(asked, 0);
  client.write("cd");
  await client.receives("got abcd");
  assert.is(asked, 1);
  client.socket.end();
  await client.closes();
  const rest = await lines(7);
  assert.is(rest[0], "inspecting downstream_data 4 0 abcd");
  assert.is(rest.at(-1)!.startsWith("log_inspecting log ") || rest.at(-1) === "inspecting delete", true);
});

test("a connection that is refused by its first bytes asks nobody, is counted and logged", async () => {
  const before = proxy.stat("tcp.inspecting.downstream_cx_total");
  const client = new Client("inspecting");
  client.write("x");
  await client.closes();
  const got = await lines(7);
  assert.equal(got.filter((line) => !line.startsWith("log_")), [
    "inspecting new_connection",
    "inspecting downstream_data 1 0 x",
    "inspecting downstream_connection_close 1",
    "inspecting done",
    "inspecting log",
    "inspecting delete",
  ]);
  assert.match(got.find((line) => line.startsWith("log_"))!, /^log_inspecting log 127\.0\.0\.1:\d+$/);
  assert.is(asked, 0);
  assert.is(proxy.stat("tcp.inspecting.downstream_cx_total"), before + 1);
});

test("both directions are paused and resumed", async () => {
  serve = (socket) => {
    socket.on("data", (data: Uint8Array) => socket.write(`got ${new TextDecoder().decode(data)}`));
    socket.on("end", () => socket.end());
  };
  const client = new Client("pausing");
  client.write("hello");
  await client.receives("got hello");
  client.socket.end();
  await client.closes();
  const got = await lines(3);
  assert.equal(got.filter((line) => /data [1-9]/.test(line)), [
    "pausing downstream_data 5 0",
    "pausing upstream_data 9 0",
  ]);
});

test("buffers are edited anywhere", async () => {
  serve = answering(5);
  const client = new Client("editing");
  let seen = "";
  serve = (socket) => {
    socket.on("data", (data: Uint8Array) => {
      seen += new TextDecoder("latin1").decode(data);
      if (seen.endsWith("$")) socket.end("answer");
    });
  };
  client.write("abcd");
  await client.receives("all of it");
  assert.is(seen, "^b<in the middle>d$");
  client.socket.destroy();
});

test("the end of the upstream is told, whoever made it", async () => {
  await journal(proxy.port("reader"));
  const events = async (client: Client): Promise<string[]> => {
    await client.closes();
    const got = await lines(6);
    return got.filter((line) => /close|delete/.test(line));
  };
  serve = (socket) => void socket.end("bye");
  const ended = new Client("watching");
  await ended.receives("bye");
  ended.socket.end();
  assert.equal(await events(ended), [
    "watching upstream_connection_close 2",
    "watching downstream_connection_close 2",
    "watching delete",
  ]);

  serve = (socket) => {
    socket.write("bye");
    setTimeout(() => socket.resetAndDestroy(), 20);
  };
  const reset = new Client("watching");
  await reset.receives("bye");
  assert.equal(await events(reset), [
    "watching upstream_connection_close 2",
    "watching downstream_connection_close 1",
    "watching delete",
  ]);

  serve = (socket) => void socket.write("hi");
  const left = new Client("watching");
  await left.receives("hi");
  left.socket.resetAndDestroy();
  assert.equal(await events(left), [
    "watching downstream_connection_close 2",
    "watching upstream_connection_close 1",
    "watching delete",
  ]);
});

test("a guest closes by the upstream's direction", async () => {
  await journal(proxy.port("reader"));
  serve = (socket) => void socket.write("hi");
  const client = new Client("closing");
  await client.closes();
  assert.is(client.got, "");
  assert.equal((await lines(7)).filter((line) => line.startsWith("closing")), [
    "closing upstream_data 2 0",
    "closing downstream_connection_close 1",
    "closing upstream_connection_close 1",
    "closing done",
    "closing log",
    "closing delete",
  ]);
});

test("a guest that fails closes, or is left out", async () => {
  serve = answering(5);
  const closed = new Client("trapping");
  closed.write("hello");
  await closed.closes();
  assert.is(closed.got, "");
  for (let i = 0; i < 2; i++) {
    const open = new Client("opened");
    open.write("hello");
    await open.receives("got hello");
    open.socket.destroy();
  }
});

test.run();
