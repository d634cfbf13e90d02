// test/support/wasm_proxy.ts: proxies with wasm plugins in every place, for tests in one process.
/** @module */
import { once } from "node:events";
import { createServer, type Server as TcpServer } from "node:net";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { bootstrap } from "../conformance/differential/bootstrap.ts";
import { type Embedded, type EmbeddedOptions, startEmbedded } from "./embedded.ts";

export { cluster, httpListener, indent, tcpListener, TO_U } from "../conformance/differential/bootstrap.ts";
export { upstreamFilters, wasmPlugin, wasmService } from "./wasm_yaml.ts";

export interface WasmProxyOptions extends EmbeddedOptions {
  /** Ports by name: `@name@` in the configuration. Names that are not here become 0. */
  readonly ports?: Readonly<Record<string, number>>;
  /** Further top-level fields. */
  readonly more?: string;
}

export function startWasmProxy(
  listeners: readonly string[],
  clusters: readonly string[],
  options: WasmProxyOptions = {},
): Promise<Embedded> {
  const yaml = `${bootstrap(listeners, clusters)}${options.more ?? ""}`
    .replaceAll("FOLDER/access.log", "/dev/null")
    .replace(/@([a-z0-9_]+)@/g, (_mark, name: string) => String(options.ports?.[name] ?? 0));
  return startEmbedded(yaml, { keepsTrialThread: true, ...options });
}

/** Sends `text` on a connection of its own and gives all that comes until the other side ends. */
export async function exchange(port: number, text: string, options: { readonly end?: boolean } = {}): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let got = "";
  socket.on("data", (data: Uint8Array) => got += new TextDecoder("latin1").decode(data));
  if (options.end === true) socket.end(text);
  else socket.write(text);
  // What does not end by itself fails its test, and not the whole file.
  socket.setTimeout(10_000, () => socket.destroy());
  socket.on("error", () => {});
  await once(socket, "close");
  return got;
}

/** A request on a connection of its own; the whole response. */
export function request(port: number, path: string, more: readonly string[] = [], body = ""): Promise<string> {
  const method = body === "" && more.every((line) => !/^(content-length|transfer-encoding):/i.test(line))
    ? "GET"
    : "POST";
  const lines = [`${method} ${path} HTTP/1.1`, "host: a.example", "connection: close", ...more];
  if (body !== "" && !more.some((line) => /^transfer-encoding:/i.test(line))) {
    lines.push(`content-length: ${body.length}`);
  }
  return exchange(port, `${lines.join("\r\n")}\r\n\r\n${body}`);
}

/** Lines that guests wrote, by the HTTP listener of one of them. */
export async function journal(port: number): Promise<string[]> {
  const response = await request(port, "/journal");
  return bodyOf(response).split("\n").filter((line) => line !== "");
}

export function bodyOf(response: string): string {
  return response.slice(response.indexOf("\r\n\r\n") + 4);
}

/** An HTTP upstream. It answers with the text; with an empty one it closes, with null it says nothing. */
export async function startUpstream(
  answer: string | ((request: string) => string | null),
): Promise<{ readonly port: number; readonly requests: string[]; close(): void }> {
  const requests: string[] = [];
  const server: TcpServer = createServer((socket) => {
    let got = "";
    socket.on("error", () => {});
    socket.on("data", (data: Uint8Array) => {
      got += new TextDecoder("latin1").decode(data);
      const end = requestEnd(got);
      if (end < 0) return;
      requests.push(got.slice(0, end));
      const text = typeof answer === "string" ? answer : answer(got.slice(0, end));
      got = got.slice(end);
      if (text === null) return;
      if (text === "") socket.destroy();
      else socket.write(text);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    close: () => void server.close(),
  };
}

/** Where the first request in a text ends; -1 before it does. */
function requestEnd(text: string): number {
  const head = text.indexOf("\r\n\r\n");
  if (head < 0) return -1;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, head + 2));
  if (length !== null) {
    const end = head + 4 + Number(length[1]);
    return text.length >= end ? end : -1;
  }
  if (!/\r\ntransfer-encoding: chunked/i.test(text.slice(0, head + 2))) return head + 4;
  const last = /\r\n0\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(text.slice(head + 2));
  return last === null ? -1 : head + 2 + last.index + last[0].length;
}
